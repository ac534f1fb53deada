"""Fixtures for tests of one service with a real Postgres."""

from __future__ import annotations

from headrace_harness.postgres import database_url, empty_database_url, postgres, postgres_url

__all__ = ["database_url", "empty_database_url", "postgres", "postgres_url"]
