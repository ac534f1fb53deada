"""What the measurements of dispatch share: state service and scheduler in processes of their own, and workers."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import multiprocessing
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any

import grpc.aio
import psutil

from benchmarks.recorder import make_database
from headrace.api.v1 import (
    deployment_pb2_grpc,
    flow_run_pb2,
    flow_run_pb2_grpc,
    state_pb2,
    work_pool_pb2,
    work_pool_pb2_grpc,
    worker_pb2,
    worker_pb2_grpc,
)
from headrace.ids import uuid7
from headrace.rpc.channel import open_aio_channel
from headrace_chassis.host import ServiceHost
from headrace_chassis.settings import ServerSettings
from headrace_harness.durable import durable_postgres
from headrace_harness.postgres import with_database
from headrace_scheduler.wiring import build as build_scheduler
from headrace_state.wiring import build as build_state

_SERVICES = {"state": build_state, "scheduler": build_scheduler}
_STOP_SECONDS = 30.0


@dataclasses.dataclass(frozen=True, slots=True)
class Served:
    """A service in a process of its own."""

    name: str
    address: str
    process: psutil.Process
    database_url: str

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def megabytes(self) -> float:
        """Return its memory."""
        return float(self.process.memory_info().rss / 1e6)


def serve(name: str, url: str, token: str, addresses: dict[str, str], pipe: Connection) -> None:
    """Serve one service until told to stop through `pipe`, which first gets the address."""

    async def run() -> None:
        settings = ServerSettings.model_validate(
            {"port": 0, "grpc_port": 0, "drain_seconds": 1.0, "internal_token": token, "addresses": addresses}
        )
        async with ServiceHost(settings, {name: _SERVICES[name]}, url) as host:
            pipe.send(f"127.0.0.1:{host.grpc_port}")
            await asyncio.get_running_loop().run_in_executor(None, pipe.recv)

    asyncio.run(run())


@contextlib.contextmanager
def installed() -> Iterator[tuple[Served, Served]]:
    """Lend a state service and a scheduler on a new Postgres with its default durability."""
    with durable_postgres() as postgres_url, installed_on(postgres_url) as (state, scheduler, _):
        yield state, scheduler


@contextlib.contextmanager
def installed_on(postgres_url: str) -> Iterator[tuple[Served, Served, str]]:
    """Lend a state service and a scheduler on a Postgres, and the URL of their new database."""
    with contextlib.ExitStack() as stack:
        asyncio.run(make_database(postgres_url))
        url, token = with_database(postgres_url, "bench_recorder"), uuid.uuid4().hex
        state = stack.enter_context(_started("state", url, token, {}))
        yield state, stack.enter_context(_started("scheduler", url, token, {"state": state.address})), url


@contextlib.contextmanager
def _started(name: str, url: str, token: str, addresses: dict[str, str]) -> Iterator[Served]:
    parent, child = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(name, url, token, addresses, child))
    process.start()
    try:
        yield Served(name, parent.recv(), psutil.Process(process.pid), url)
    finally:
        parent.send("stop")
        process.join(_STOP_SECONDS)
        if process.is_alive():
            process.kill()


@dataclasses.dataclass(frozen=True, slots=True)
class Given:
    """A run that a worker got."""

    flow_run_id: str
    name: str
    due_at: float
    """By the clock of the wall, like `at`."""
    at: float


class Clients:
    """Stubs of both services.

    Args:
        state: Channel to the state service.
        scheduler: Channel to the scheduler.
    """

    def __init__(self, state: grpc.aio.Channel, scheduler: grpc.aio.Channel) -> None:
        self.scheduler = scheduler
        self.runs: Any = flow_run_pb2_grpc.FlowRunServiceStub(state)
        self.deployments: Any = deployment_pb2_grpc.DeploymentServiceStub(scheduler)
        self.pools: Any = work_pool_pb2_grpc.WorkPoolServiceStub(scheduler)

    async def create_pool(self) -> None:
        """Create the pool `pool`."""
        pool = work_pool_pb2.WorkPool(name="pool", type="process")
        await self.pools.CreateWorkPool(work_pool_pb2.CreateWorkPoolRequest(work_pool=pool))


@contextlib.asynccontextmanager
async def clients(state: Served, scheduler: Served) -> AsyncIterator[Clients]:
    """Lend stubs of both services."""
    async with open_aio_channel(state.address) as one, open_aio_channel(scheduler.address) as other:
        yield Clients(one, other)


class BenchWorker:
    """A worker that ends each run as soon as it gets it, and notes when that was.

    Args:
        clients: Where to.
        capacity: How many runs it takes at once.
        runs_states: Whether it brings each run through RUNNING to COMPLETED, as a real one does; else it reports
            each as stopped, which costs nearly nothing and shows what dispatch alone can do.
    """

    def __init__(self, clients: Clients, capacity: int, *, runs_states: bool) -> None:
        self.given: list[Given] = []
        self.stored = 0
        """Runs of which the scheduler has said that their end is stored."""
        self._clients = clients
        self._capacity = capacity
        self._runs_states = runs_states
        self._held: dict[str, str] = {}
        self._unstored: dict[str, tuple[float, worker_pb2.WorkerResult]] = {}
        self._writing = asyncio.Lock()
        self._changed = asyncio.Event()
        """Set when it can take more: the next sign of life is due at once, one for all that ended meanwhile."""
        self._sequence = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._call: Any = None

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[BenchWorker]:
        """Stand on the stream for the block."""
        self._call = worker_pb2_grpc.WorkerServiceStub(self._clients.scheduler).Connect()
        worker_id = str(uuid7())
        hello = worker_pb2.WorkerHello(
            worker_id=worker_id,
            name=worker_id[-6:],
            work_pool_name="pool",
            type="process",
            capacity=self._capacity,
            free_capacity=self._capacity,
        )
        await self._send(hello=hello)
        assert (await self._call.read()).HasField("welcome")
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._beat())]
        try:
            yield self
        finally:
            for task in (*tasks, *self._tasks):
                task.cancel()
            self._call.cancel()
            await asyncio.gather(*tasks, *self._tasks, return_exceptions=True)

    async def _send(self, **message: Any) -> None:
        async with self._writing:
            self._sequence += 1
            await self._call.write(worker_pb2.ConnectRequest(sequence=self._sequence, **message))

    async def _beat(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._changed.wait()
            self._changed.clear()
            await self._tell()
            # As a real one does, it repeats what a busy server passed over.
            before = time.monotonic() - 5.0
            for run, (told_at, result) in list(self._unstored.items()):
                if told_at <= before:
                    self._unstored[run] = (time.monotonic(), result)
                    await self._send(result=result)

    async def _tell(self) -> None:
        held = [worker_pb2.HeldRun(flow_run_id=run, attempt_token=token) for run, token in self._held.items()]
        # It takes no more than it can tell the end of.
        free = max(0, self._capacity - len(held) - len(self._unstored))
        beat = worker_pb2.WorkerHeartbeat(free_capacity=free, held=held)
        await self._send(heartbeat=beat)

    async def _read(self) -> None:
        while (response := await self._call.read()) is not grpc.aio.EOF:
            if response.HasField("result_stored"):
                if self._unstored.pop(response.result_stored.flow_run_id, None) is not None:
                    self.stored += 1
                    self._changed.set()
                continue
            assignments = response.assignments.assignments
            if not assignments:
                continue
            now = time.time()
            for one in assignments:
                run = one.flow_run
                due = run.expected_start_at.seconds + run.expected_start_at.nanos / 1e9
                self.given.append(Given(run.flow_run_id, run.name, due, now))
                self._held[run.flow_run_id] = one.attempt.token
            await self._send(ack=worker_pb2.WorkerAck(flow_run_ids=[one.flow_run.flow_run_id for one in assignments]))
            # As real ones do, it brings each run to its end by itself, however long the others take.
            parts = [[one] for one in assignments] if self._runs_states else [assignments]
            for part in parts:
                task = asyncio.create_task(self._end(part))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _end(self, assignments: Sequence[worker_pb2.Assignment]) -> None:
        outcome = worker_pb2.WORKER_OUTCOME_ENDED if self._runs_states else worker_pb2.WORKER_OUTCOME_CANCELLED
        for one in assignments:
            if self._runs_states:
                await self._complete(one)
            token = self._held.pop(one.flow_run.flow_run_id)
            run = one.flow_run.flow_run_id
            result = worker_pb2.WorkerResult(flow_run_id=run, attempt_token=token, outcome=outcome)
            self._unstored[run] = (time.monotonic(), result)
            await self._send(result=result)
        self._changed.set()

    async def _complete(self, one: worker_pb2.Assignment) -> None:
        for kind in (state_pb2.STATE_TYPE_RUNNING, state_pb2.STATE_TYPE_COMPLETED):
            state = state_pb2.State(state_id=str(uuid7()), type=kind, name=state_pb2.StateType.Name(kind)[11:].title())
            await self._clients.runs.ProposeFlowRunState(
                flow_run_pb2.ProposeFlowRunStateRequest(
                    flow_run_id=one.flow_run.flow_run_id, state=state, attempt_token=one.attempt.token
                )
            )


async def sampled(work: Awaitable[None], services: Sequence[Served], look: Callable[[], Any]) -> dict[str, float]:
    """Await `work`; return the most memory of each service in megabytes meanwhile. `look` is called now and then."""
    most = {service.name: service.megabytes() for service in services}

    async def watch() -> None:
        while True:
            await asyncio.sleep(1.0)
            look()
            for service in services:
                most[service.name] = max(most[service.name], service.megabytes())

    watching = asyncio.create_task(watch())
    try:
        await work
    finally:
        watching.cancel()
    return most


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return median, 99th percentile and maximum, to the millisecond."""
    if len(values) < 2:
        return {"p50": values[0] if values else 0.0, "p99": values[0] if values else 0.0, "max": max(values, default=0)}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 3), "p99": round(cuts[98], 3), "max": round(max(values), 3)}
