"""The log service with real Postgres and real gRPC; the state service is played."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from headrace.api.v1 import flow_run_pb2, flow_run_pb2_grpc, state_pb2
from headrace.ids import uuid7
from headrace_harness.services import RunningService, running_service
from headrace_log.wiring import build


class PlayedRuns(flow_run_pb2_grpc.FlowRunServiceServicer):
    """Flow runs of which a test says in which state they are."""

    def __init__(self) -> None:
        self.states: dict[str, state_pb2.StateType.ValueType] = {}

    async def BatchGetFlowRuns(
        self, request: flow_run_pb2.BatchGetFlowRunsRequest, context: Any
    ) -> flow_run_pb2.BatchGetFlowRunsResponse:
        return flow_run_pb2.BatchGetFlowRunsResponse(
            flow_runs=[
                flow_run_pb2.FlowRun(flow_run_id=run, state=state_pb2.State(type=self.states[run]))
                for run in request.flow_run_ids
                if run in self.states
            ]
        )


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
