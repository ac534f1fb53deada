"""The gRPC services on the wire."""
