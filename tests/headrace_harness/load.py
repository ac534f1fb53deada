"""Callers of every kind who go on calling whatever happens to the server, and count what they could not get done."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx

from headrace import errors
from headrace.api.v1 import flow_run_pb2, state_pb2, variable_pb2, work_pool_pb2
from headrace.client import AsyncClient
from headrace.client.retry import delays
from headrace.ids import uuid7

PATIENCE_SECONDS = 30.0
"""How long a caller over HTTP tries again; callers with the client try for as long as its settings say."""

_TRY_AGAIN = (502, 503, 504)


@dataclasses.dataclass(slots=True)
class Tally:
    """What callers have seen."""

    calls: int = 0
    failed: list[str] = dataclasses.field(default_factory=list)
    """What could not be done, also by trying again."""
    http_retries: int = 0
    """Requests over HTTP that had to be made again."""
    slowest_seconds: float = 0.0
    completed: set[str] = dataclasses.field(default_factory=set)
    """Ids of flow runs of which the server has said that they are COMPLETED."""

    async def count(self, what: str, call: Callable[[], Awaitable[None]]) -> bool:
        """Make a call, count it, and return whether it was answered."""
        began = time.monotonic()
        self.calls += 1
        try:
            await call()
        except (errors.HeadraceError, httpx.HTTPError, AssertionError) as error:
            self.failed.append(f"{what}: {type(error).__name__}: {error}")
            return False
        finally:
            self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
        return True


@contextlib.asynccontextmanager
async def under_load(url: str, client: AsyncClient, *, grpc_callers: int, http_callers: int) -> AsyncIterator[Tally]:
    """Let callers call for the length of the block; at its end each finishes what it is at.

    Args:
        url: Of the front door.
        client: Connected to it.
        grpc_callers: Who take flow runs from their start to their end.
        http_callers: Who read and write JSON.
    """
    tally, stop = Tally(), asyncio.Event()
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
        callers = [asyncio.create_task(_runs(client, tally, stop, f"load-{at}")) for at in range(grpc_callers)]
        callers += [asyncio.create_task(_json(http, tally, stop, f"v{at}")) for at in range(http_callers)]
        try:
            yield tally
        finally:
            stop.set()
            await asyncio.gather(*callers)


async def _runs(client: AsyncClient, tally: Tally, stop: asyncio.Event, name: str) -> None:
    while not stop.is_set():
        caller = _RunCaller(client, name)
        if not await tally.count("CreateFlowRun", caller.create):
            continue
        await tally.count("GetFlowRun", caller.get)
        await tally.count("ListWorkPools", caller.list_pools)
        if await tally.count("ProposeFlowRunState", caller.complete):
            tally.completed.add(caller.run_id)
        await tally.count("SetVariable", caller.set_variable)


class _RunCaller:
    """Takes one flow run from its start to its end."""

    def __init__(self, client: AsyncClient, name: str) -> None:
        self.run_id = str(uuid7())
        # Of each caller its own: all would wait for each other to commit, whatever serves them.
        self._variable = name
        self._client = client
        self._token = ""
        # The same one when the call is repeated.
        self._running = state_pb2.State(state_id=str(uuid7()), type=state_pb2.STATE_TYPE_RUNNING)
        self._completed = state_pb2.State(state_id=str(uuid7()), type=state_pb2.STATE_TYPE_COMPLETED)

    async def create(self) -> None:
        request = flow_run_pb2.CreateFlowRunRequest(flow_run_id=self.run_id, flow_name="load", state=self._running)
        self._token = (await self._client.flow_runs.CreateFlowRun(request)).attempt.token

    async def get(self) -> None:
        await self._client.flow_runs.GetFlowRun(flow_run_pb2.GetFlowRunRequest(flow_run_id=self.run_id))

    async def list_pools(self) -> None:
        await self._client.work_pools.ListWorkPools(work_pool_pb2.ListWorkPoolsRequest(page_size=5))

    async def complete(self) -> None:
        answer = await self._client.flow_runs.ProposeFlowRunState(
            flow_run_pb2.ProposeFlowRunStateRequest(
                flow_run_id=self.run_id, attempt_token=self._token, state=self._completed
            )
        )
        assert answer.verdict.HasField("accepted"), answer

    async def set_variable(self) -> None:
        request = variable_pb2.SetVariableRequest(name=self._variable, overwrite=True)
        request.value.number_value = time.time()
        await self._client.variables.SetVariable(request)


async def _json(http: httpx.AsyncClient, tally: Tally, stop: asyncio.Event, name: str) -> None:
    while not stop.is_set():
        await tally.count(
            "PUT",
            lambda: _patiently(http, tally, "PUT", f"/v1/variables/{name}", {"value": time.time(), "overwrite": True}),
        )
        await tally.count("GET", lambda: _patiently(http, tally, "GET", f"/v1/variables/{name}", None))
        # This one comes from the gateway.
        await tally.count("GET", lambda: _patiently(http, tally, "GET", "/openapi.json", None))


async def _patiently(http: httpx.AsyncClient, tally: Tally, method: str, path: str, body: object) -> None:
    began = time.monotonic()
    for delay in delays():
        fault: httpx.HTTPError | None = None
        try:
            answer = await http.request(method, path, json=body)
            if answer.status_code not in _TRY_AGAIN:
                assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text}"
                return
        except httpx.TransportError as error:
            fault = error
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise fault or httpx.HTTPError(f"{method} {path}: {answer.status_code} {answer.text}")
        tally.http_retries += 1
        await asyncio.sleep(delay)
