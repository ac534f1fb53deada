"""Answers of a Prefect server to messages of the contract: pure functions, a module for each kind of thing."""
