"""Prefect's operations: a module for each resource, each with its `ROUTES`."""
