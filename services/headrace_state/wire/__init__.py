"""Protobuf to and from what the service works with; pure."""
