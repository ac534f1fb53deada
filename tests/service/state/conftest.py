"""The state service, running, and what its tests ask of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace_chassis.caller import set_caller
from headrace_chassis.database import Database
from headrace_chassis.resolving import service_caller
from headrace_harness.invariants import assert_invariants
from headrace_harness.postgres import service_database
from headrace_harness.services import RunningService, running_service
from headrace_harness.state import PlayedScheduler, StateClient
from headrace_state.wiring import build


@pytest.fixture
def scheduler() -> PlayedScheduler:
    """The scheduler, without deployments unless a test adds some."""
    return PlayedScheduler()  # type: ignore[abstract] # only what the state service asks for


@pytest.fixture
async def service(
    database_url: str, request: pytest.FixtureRequest, scheduler: PlayedScheduler
) -> AsyncIterator[RunningService]:
    """The state service on a fresh database."""
    async with running_service("state", build, database_url, neighbours={"scheduler": [scheduler]}) as running:
        yield running
    if "breaks_invariants" not in request.fixturenames:
        async with service_database(database_url, "state") as pool, pool.connection() as connection:
            await assert_invariants(connection)


@pytest.fixture
async def state(service: RunningService) -> StateClient:
    """A client of the state service, whose internal calls are made on behalf of the default workspace."""
    set_caller(service_caller("scheduler", DEFAULT_WORKSPACE_ID))
    return StateClient(service.channel, service.internal_channel)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The service's own view of its database."""
    async with service_database(database_url, "state") as pool:
        yield pool


@pytest.fixture
def breaks_invariants() -> None:
    """Say that a test leaves the database as the service never would."""
