"""The scheduler's gRPC services: messages in, messages out."""
