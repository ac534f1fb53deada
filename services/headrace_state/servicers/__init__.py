"""Protobuf in, protobuf out, by gRPC service."""
