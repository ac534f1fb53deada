"""How Headrace speaks gRPC: channels with the right settings, and errors across the wire."""
