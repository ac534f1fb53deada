"""JSON to protobuf and back, compiled once for each message type from its descriptor."""
