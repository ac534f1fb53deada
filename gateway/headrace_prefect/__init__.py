"""The API of Prefect's server, so that Prefect's own client works here: an adapter to the gRPC services."""
