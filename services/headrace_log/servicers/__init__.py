"""The gRPC services of the log service."""
