"""The log service with real Postgres and real gRPC; the state service is played."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headrace.ids import uuid7
from headrace_harness.services import RunningService, running_service
from headrace_log.wiring import build
from service.log.played import PlayedRuns


@pytest.fixture
def runs() -> PlayedRuns:
    return PlayedRuns()  # type: ignore[abstract] # what is not played answers UNIMPLEMENTED


@pytest.fixture
async def service(database_url: str, runs: PlayedRuns) -> AsyncIterator[RunningService]:
    async with running_service("log", build, database_url, neighbours={"state": [runs]}) as running:
        yield running


@pytest.fixture
def flow_run_id() -> str:
    return str(uuid7())
