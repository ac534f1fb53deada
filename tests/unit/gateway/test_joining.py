"""Gets that come together: one call for all, and each gets its own thing."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest

from headrace.api.v1 import flow_run_pb2
from headrace_gateway.joining import FLOW_RUNS, Joiner

NOBODY: tuple[tuple[str, str], ...] = ()


def an_id(number: int) -> str:
    """Return the id of a run."""
    return f"01900000-0000-7000-8000-{number:012x}"


class Service:
    """Has the runs 1 to 9, and notes how it is called."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gets: list[str] = []
        self.joiner = Joiner(FLOW_RUNS, self.get, self.batch)

    async def get(self, request: flow_run_pb2.GetFlowRunRequest, _: Any) -> flow_run_pb2.GetFlowRunResponse:
        """Return one run."""
        self.gets.append(request.flow_run_id)
        raise grpc.aio.AioRpcError(grpc.StatusCode.NOT_FOUND, grpc.aio.Metadata(), grpc.aio.Metadata(), "no such run")

    async def batch(
        self, request: flow_run_pb2.BatchGetFlowRunsRequest, _: Any
    ) -> flow_run_pb2.BatchGetFlowRunsResponse:
        """Return several runs."""
        self.batches.append(list(request.flow_run_ids))
        known = {an_id(number) for number in range(1, 10)}
        found = [flow_run_pb2.FlowRun(flow_run_id=each) for each in request.flow_run_ids if each in known]
        return flow_run_pb2.BatchGetFlowRunsResponse(flow_runs=found)


def asked(number: int) -> flow_run_pb2.GetFlowRunRequest:
    """Return the request for a run."""
    return flow_run_pb2.GetFlowRunRequest(flow_run_id=an_id(number))


async def test_what_is_asked_for_together_is_one_call() -> None:
    service = Service()
    items = await asyncio.gather(*(service.joiner.item(asked(number), NOBODY) for number in (1, 2, 2)))
    answer = await service.joiner.call(asked(3), NOBODY)
    assert [item.flow_run_id for item in items] == [an_id(1), an_id(2), an_id(2)]
    assert answer.flow_run.flow_run_id == an_id(3)
    assert service.batches == [[an_id(1), an_id(2)], [an_id(3)]]


async def test_callers_are_not_joined_with_others() -> None:
    service = Service()
    await asyncio.gather(
        service.joiner.item(asked(1), NOBODY), service.joiner.item(asked(1), (("authorization", "Bearer other"),))
    )
    assert service.batches == [[an_id(1)], [an_id(1)]]


async def test_what_is_missing_is_answered_by_the_method_for_one() -> None:
    service = Service()
    with pytest.raises(grpc.aio.AioRpcError):
        await service.joiner.item(asked(100), NOBODY)
    assert service.gets == [an_id(100)]
