"""Prefect's websockets: a module for each, each with its `ROUTES`."""
