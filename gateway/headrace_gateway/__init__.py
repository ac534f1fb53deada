"""HTTP and JSON in front of the services."""
