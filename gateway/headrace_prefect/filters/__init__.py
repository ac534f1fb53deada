"""Filters of Prefect as filters of the contract, operator by operator."""
