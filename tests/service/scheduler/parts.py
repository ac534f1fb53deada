"""A scheduler, or several, beside the real state service; workers as they stand on their streams."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc.aio
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from headrace.api.v1 import (
    deployment_pb2,
    deployment_pb2_grpc,
    flow_run_pb2,
    work_pool_pb2,
    work_pool_pb2_grpc,
    worker_pb2,
    worker_pb2_grpc,
)
from headrace.ids import DEFAULT_WORKSPACE_ID, uuid7
from headrace.internal.v1 import state_pb2 as internal
from headrace.rpc.channel import open_aio_channel
from headrace_chassis.caller import set_caller
from headrace_chassis.host import ServiceHost
from headrace_chassis.neighbours import Neighbours
from headrace_chassis.resolving import service_caller
from headrace_chassis.settings import ServerSettings
from headrace_harness.servers import free_port
from headrace_harness.state import RUNNING, StateClient, a_state
from headrace_scheduler.wiring import build as build_scheduler
from headrace_state.wiring import build as build_state

WAIT_SECONDS = 60.0


def struct(**values: Any) -> Struct:
    """Return a JSON object as a message."""
    message = Struct()
    message.update(values)
    return message


def as_python(message: Struct) -> dict[str, Any]:
    """Return a message as a JSON object."""
    return dict(json_format.MessageToDict(message))


async def eventually(check: Callable[[], Any], what: str = "it") -> Any:
    """Return what `check` returns once it is true; it may be a coroutine function."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        found = check()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not happen within {WAIT_SECONDS:g} s"
        await asyncio.sleep(0.01)


@dataclasses.dataclass(frozen=True, slots=True)
class Scheduler:
    """One replica of the scheduler and its clients."""

    host: ServiceHost
    channel: grpc.aio.Channel

    @property
    def deployments(self) -> Any:
        """`DeploymentService`."""
        return deployment_pb2_grpc.DeploymentServiceStub(self.channel)

    @property
    def pools(self) -> Any:
        """`WorkPoolService`."""
        return work_pool_pb2_grpc.WorkPoolServiceStub(self.channel)

    async def create_pool(self, name: str = "pool", **fields: Any) -> work_pool_pb2.WorkPool:
        """Create a pool of the type process."""
        pool = work_pool_pb2.WorkPool(**{"name": name, "type": "process", **fields})
        response = await self.pools.CreateWorkPool(work_pool_pb2.CreateWorkPoolRequest(work_pool=pool))
        return response.work_pool  # type: ignore[no-any-return]

    async def apply(
        self, name: str = "nightly", *, pool: str = "", flow: str = "etl", content: Any = None, **fields: Any
    ) -> deployment_pb2.ApplyDeploymentResponse:
        """Apply a deployment."""
        given = deployment_pb2.DeploymentContent(work_pool_name=pool, entrypoint="flows.py:etl")
        if content is not None:
            given.MergeFrom(content)
        return await self.deployments.ApplyDeployment(  # type: ignore[no-any-return]
            deployment_pb2.ApplyDeploymentRequest(flow_name=flow, name=name, content=given, **fields)
        )

    async def run(self, deployment_id: str, **fields: Any) -> flow_run_pb2.FlowRun:
        """Start a run of a deployment."""
        response = await self.deployments.RunDeployment(
            deployment_pb2.RunDeploymentRequest(deployment_id=deployment_id, **fields)
        )
        return response.flow_run  # type: ignore[no-any-return]

    async def get(self, deployment_id: str) -> deployment_pb2.Deployment:
        """Return a deployment."""
        response = await self.deployments.GetDeployment(
            deployment_pb2.GetDeploymentRequest(deployment_id=deployment_id)
        )
        return response.deployment  # type: ignore[no-any-return]

    async def worker(self, worker_id: str) -> work_pool_pb2.Worker | None:
        """Return a worker as it is listed."""
        listed = await self.pools.ListWorkers(work_pool_pb2.ListWorkersRequest(page_size=200))
        return next((worker for worker in listed.workers if worker.worker_id == worker_id), None)


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """The state service and replicas of the scheduler on one database."""

    state: StateClient
    state_channel: grpc.aio.Channel
    state_host: ServiceHost
    schedulers: list[Scheduler]
    start_scheduler: Callable[[], Any]
    """Starts a further replica."""
    stop_state: Callable[[], Any]
    """Stops the state service."""
    start_state: Callable[[], Any]
    """Starts it again on the same port."""

    @property
    def scheduler(self) -> Scheduler:
        """The first replica."""
        return self.schedulers[0]

    async def create_runs(self, runs: list[internal.ScheduledRun]) -> None:
        """Create runs as the scheduler does."""
        token = set_caller(service_caller("scheduler", DEFAULT_WORKSPACE_ID))
        try:
            await self.state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=runs))
        finally:
            token.var.reset(token)

    async def runs(self, **chosen: Any) -> list[flow_run_pb2.FlowRun]:
        """Return flow runs, first due first."""
        found: list[flow_run_pb2.FlowRun] = []
        token = ""
        while True:
            response = await self.state.runs.ListFlowRuns(
                flow_run_pb2.ListFlowRunsRequest(
                    filter=flow_run_pb2.FlowRunFilter(**chosen),
                    sort=flow_run_pb2.FLOW_RUN_SORT_EXPECTED_START_ASC,
                    page_size=200,
                    page_token=token,
                )
            )
            found.extend(response.flow_runs)
            token = response.next_page_token
            if not token:
                return found


def _settings(token: str, **more: Any) -> ServerSettings:
    fixed = {"host": "127.0.0.1", "port": 0, "grpc_port": 0, "drain_seconds": 1.0, "internal_token": token}
    return ServerSettings.model_validate(fixed | more)


@contextlib.asynccontextmanager
async def running_parts(database_url: str, *, schedulers: int = 1) -> AsyncIterator[Parts]:
    """Lend a state service and replicas of the scheduler, each on a port of its own."""
    token = uuid.uuid4().hex
    async with contextlib.AsyncExitStack() as stack:
        state_port = free_port()

        async def start_state() -> ServiceHost:
            host = ServiceHost(_settings(token, grpc_port=state_port), {"state": build_state}, database_url)
            return await stack.enter_async_context(host)

        state_host = await start_state()
        state_address = f"127.0.0.1:{state_port}"
        state_channel = open_aio_channel(state_address)
        stack.push_async_callback(state_channel.close, None)

        async def start_scheduler() -> Scheduler:
            settings = _settings(token, addresses={"state": state_address})
            host = ServiceHost(settings, {"scheduler": build_scheduler}, database_url)
            await stack.enter_async_context(host)
            channel = open_aio_channel(f"127.0.0.1:{host.grpc_port}")
            stack.push_async_callback(channel.close, None)
            started.append(Scheduler(host, channel))
            return started[-1]

        started: list[Scheduler] = []
        for _ in range(schedulers):
            await start_scheduler()
        inside = Neighbours({"state": state_address}, token)
        stack.push_async_callback(inside.close)
        client = StateClient(state_channel, inside.channel("state"))
        yield Parts(
            state=client,
            state_channel=state_channel,
            state_host=state_host,
            schedulers=started,
            start_scheduler=start_scheduler,
            stop_state=state_host.stop,
            start_state=start_state,
        )


class PlayedWorker:
    """A worker as the scheduler sees it. It acknowledges what it gets, and tells what it holds.

    Args:
        scheduler: Where it connects.
        pool: Its pool.
        deployment_ids: Or the deployments that it serves.
        capacity: How many runs it takes at once.
        acknowledges: Whether it acknowledges.
        fields: Further fields of its hello.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        pool: str = "",
        deployment_ids: tuple[str, ...] = (),
        capacity: int = 5,
        acknowledges: bool = True,
        worker_id: str = "",
        **fields: Any,
    ) -> None:
        self.scheduler = scheduler
        self.worker_id = worker_id or str(uuid7())
        self.capacity = capacity
        self.acknowledges = acknowledges
        self.held: dict[str, worker_pb2.Assignment] = {}
        self.given: list[worker_pb2.Assignment] = []
        self.given_at: dict[str, float] = {}
        self.said: dict[str, list[Any]] = collections.defaultdict(list)
        """What the server said beside assignments, by the field of `ConnectResponse`."""
        self.most_held = 0
        self._fields = {"work_pool_name": pool, "deployment_ids": deployment_ids, "type": "process", **fields}
        self._call: Any = None
        self._reader: asyncio.Task[None] | None = None
        self._beater: asyncio.Task[None] | None = None
        self._sequence = 0
        self._writing = asyncio.Lock()
        self.error: grpc.aio.AioRpcError | None = None

    async def connect(self, scheduler: Scheduler | None = None) -> worker_pb2.WorkerWelcome:
        """Connect, telling what it holds; return the welcome."""
        self.scheduler = scheduler or self.scheduler
        self.error = None
        self._call = worker_pb2_grpc.WorkerServiceStub(self.scheduler.channel).Connect()
        hello = worker_pb2.WorkerHello(
            **{
                "worker_id": self.worker_id,
                "name": f"worker-{self.worker_id[-4:]}",
                "capacity": self.capacity,
                "free_capacity": self.capacity - len(self.held),
                "held": self._held(),
                **self._fields,
            }
        )
        await self._send(hello=hello)
        first = await self._call.read()
        if first is grpc.aio.EOF:
            raise AssertionError(f"the stream ended: {await self._call.code()} {await self._call.details()}")
        self._reader = asyncio.create_task(self._read(self._call))
        self._beater = asyncio.create_task(self._beat())
        return first.welcome  # type: ignore[no-any-return]

    def _held(self) -> list[worker_pb2.HeldRun]:
        return [
            worker_pb2.HeldRun(flow_run_id=flow_run_id, attempt_token=assignment.attempt.token)
            for flow_run_id, assignment in self.held.items()
        ]

    async def _send(self, **message: Any) -> None:
        # A call takes one message at a time.
        async with self._writing:
            self._sequence += 1
            await self._call.write(worker_pb2.ConnectRequest(sequence=self._sequence, **message))

    async def beat(self) -> None:
        """Tell free capacity and what it holds."""
        await self._send(
            heartbeat=worker_pb2.WorkerHeartbeat(free_capacity=self.capacity - len(self.held), held=self._held())
        )

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            await self.beat()

    async def _read(self, call: Any) -> None:
        try:
            # Iterating and reading may not be mixed on one call.
            while (response := await call.read()) is not grpc.aio.EOF:
                await self._take(response)
        except grpc.aio.AioRpcError as error:
            self.error = error
        except asyncio.CancelledError:
            raise
        finally:
            if self._beater is not None:
                self._beater.cancel()

    async def _take(self, response: worker_pb2.ConnectResponse) -> None:
        kind = response.WhichOneof("message")
        if kind != "assignments":
            assert kind is not None
            self.said[kind].append(getattr(response, kind))
            if kind == "lost":
                self.held.pop(response.lost.flow_run_id, None)
            return
        for assignment in response.assignments.assignments:
            self.given.append(assignment)
            self.given_at[assignment.flow_run.flow_run_id] = time.monotonic()
            if self.acknowledges:
                self.held[assignment.flow_run.flow_run_id] = assignment
        self.most_held = max(self.most_held, len(self.held))
        if self.acknowledges:
            ids = [assignment.flow_run.flow_run_id for assignment in response.assignments.assignments]
            await self._send(ack=worker_pb2.WorkerAck(flow_run_ids=ids))

    async def finish(
        self,
        flow_run_id: str,
        outcome: worker_pb2.WorkerOutcome.ValueType = worker_pb2.WORKER_OUTCOME_ENDED,
        **more: Any,
    ) -> None:
        """Report how a run ended, and that there is room for another."""
        assignment = self.held.pop(flow_run_id)
        await self._send(
            result=worker_pb2.WorkerResult(
                flow_run_id=flow_run_id, attempt_token=assignment.attempt.token, outcome=outcome, **more
            )
        )
        await self.beat()

    async def begin(self, state: StateClient, flow_run_id: str) -> flow_run_pb2.ProposeFlowRunStateResponse:
        """Propose RUNNING for a run."""
        return await state.propose(flow_run_id, a_state(RUNNING), self.held[flow_run_id].attempt.token)

    async def retire(self) -> None:
        """Say that it takes nothing new."""
        await self._send(draining=worker_pb2.WorkerDraining(reason="test"))

    def stop_beating(self) -> None:
        """Fall silent."""
        assert self._beater is not None
        self._beater.cancel()

    async def break_off(self) -> None:
        """Let the stream break."""
        for task in (self._beater, self._reader):
            if task is not None:
                task.cancel()
        self._call.cancel()
        await asyncio.gather(*(task for task in (self._reader, self._beater) if task), return_exceptions=True)

    async def say_goodbye(self) -> None:
        """End the stream on purpose."""
        assert self._beater is not None
        assert self._reader is not None
        self._beater.cancel()
        await self._call.done_writing()
        await asyncio.wait([self._reader])

    async def until_given(self, number: int) -> list[worker_pb2.Assignment]:
        """Return the assignments so far, once there are `number`."""
        await eventually(lambda: len(self.given) >= number, f"the {number}. assignment")
        return self.given

    async def until_ended(self) -> grpc.aio.AioRpcError | None:
        """Return how the server ended the stream."""
        assert self._reader is not None
        async with asyncio.timeout(WAIT_SECONDS):
            await asyncio.wait([self._reader])
        return self.error


@contextlib.asynccontextmanager
async def connected(worker: PlayedWorker) -> AsyncIterator[PlayedWorker]:
    """Connect a worker; its stream breaks at the end."""
    await worker.connect()
    try:
        yield worker
    finally:
        await worker.break_off()
