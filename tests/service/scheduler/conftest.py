"""A scheduler beside the real state service."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headrace_chassis.database import Database
from headrace_harness.postgres import service_database
from service.scheduler.parts import Parts, Scheduler, running_parts


@pytest.fixture
async def parts(database_url: str) -> AsyncIterator[Parts]:
    """The state service and one scheduler."""
    async with running_parts(database_url) as running:
        yield running


@pytest.fixture
def scheduler(parts: Parts) -> Scheduler:
    """The scheduler of `parts`."""
    return parts.scheduler


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The scheduler's own view of its database."""
    async with service_database(database_url, "scheduler") as pool:
        yield pool
