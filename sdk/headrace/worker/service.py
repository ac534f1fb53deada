"""Puts a worker together and runs it until it is told to leave."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence

from headrace import errors, tracing
from headrace.api.v1 import api_key_pb2, log_pb2, work_pool_pb2, worker_pb2
from headrace.client.core import AsyncClient, open_async
from headrace.client.discovery import System
from headrace.credentials import api_key_of
from headrace.ids import uuid7
from headrace.recording.log_batches import LogLine
from headrace.recording.logs import LogShipper
from headrace.recording.wire import mapping_of
from headrace.settings import Settings
from headrace.worker.docker import DockerLauncher
from headrace.worker.execution import Execution
from headrace.worker.health import answering
from headrace.worker.job import Job
from headrace.worker.kubernetes import KubernetesLauncher
from headrace.worker.launcher import PRELOADED_MODULES, Adopted, ForkingLauncher, Launcher, Siblings, SpawningLauncher
from headrace.worker.runner import Worker, WorkerOptions

logger = logging.getLogger("headrace.worker")

_FLUSH_SECONDS = 10.0
_LOGGERS = {
    log_pb2.LOG_SOURCE_STDOUT: "stdout",
    log_pb2.LOG_SOURCE_STDERR: "stderr",
}


class _ShippedRunLog:
    """Lines about runs, on their way to the log service."""

    def __init__(self, shipper: LogShipper, worker_id: str) -> None:
        self._shipper = shipper
        self._worker_id = worker_id

    def write(self, flow_run_id: str, level: int, message: str, source: log_pb2.LogSource.ValueType) -> None:
        """Ship one line."""
        self._shipper.write(
            LogLine(
                flow_run_id=flow_run_id,
                task_run_id="",
                logger=_LOGGERS.get(source, "headrace.worker"),
                level=level,
                message=message,
                occurred_ns=time.time_ns(),
                source=source,
                worker_id=self._worker_id,
            )
        )


def choose_launcher(*, fresh_interpreter: bool, preload: Sequence[str] = ()) -> Launcher:
    """Return how runs are started.

    Args:
        fresh_interpreter: True starts each in an interpreter of its own instead of a fork of a warm one.
        preload: Modules that the warm parent imports beside Headrace's own.
    """
    if fresh_interpreter:
        return SpawningLauncher()
    return ForkingLauncher(preload=(*PRELOADED_MODULES, *preload))


def container_launcher(options: WorkerOptions, system: System, settings: Settings) -> Launcher:
    """Return what starts runs in containers, by the type of the worker.

    Raises:
        headrace.extras.MissingExtra: The client of the engine or cluster is not installed.
        errors.InvalidArgument: There is no such type.
    """
    match options.type:
        case "docker":
            return DockerLauncher(settings, system.api_url, options.name, options.work_pool_name)
        case "kubernetes":
            return KubernetesLauncher(settings, system.api_url, options.name, options.work_pool_name)
        case _:
            raise errors.InvalidArgument.of_field("type", f"there is no worker of the type {options.type!r}")


def job_maker(system: System) -> Callable[[worker_pb2.Assignment], Job]:
    """Return what turns assignments into jobs for processes that report to a server."""

    def make(assignment: worker_pb2.Assignment) -> Job:
        configuration = mapping_of(assignment.job_configuration)
        environment = configuration.get("env") or {}
        folder = configuration.get("working_dir")
        return Job(
            assignment=assignment.SerializeToString(),
            api_url=system.api_url,
            grpc_address=system.grpc_target,
            grpc_tls=system.grpc_tls,
            environment={str(key): str(value) for key, value in environment.items() if value is not None},
            working_directory=str(folder) if folder else None,
            command=configuration.get("command") or None,
            stream_output=bool(configuration.get("stream_output")),
            flow_run_id=assignment.flow_run.flow_run_id,
            flow_run_name=assignment.flow_run.name,
            attempt_token=assignment.attempt.token,
            attempt_number=assignment.attempt.number,
            configuration=configuration,
        )

    return make


def credential_maker(
    client: AsyncClient, settings: Settings
) -> Callable[[worker_pb2.Assignment], Awaitable[str]] | None:
    """Return what gives each run a token of its own, so that flows do not get the worker's key; None without a key.

    Args:
        client: Of the worker.
        settings: Of the worker, with its key.
    """
    key = api_key_of(settings)
    if not key:
        return None

    async def make(assignment: worker_pb2.Assignment) -> str:
        request = api_key_pb2.CreateRunTokenRequest(
            flow_run_id=assignment.flow_run.flow_run_id, attempt_token=assignment.attempt.token
        )
        try:
            return (await client.api_keys.CreateRunToken(request)).token or key
        except errors.Unimplemented:
            # A server that is older than this worker.
            return key

    return make


async def run_worker(
    options: WorkerOptions,
    system: System,
    settings: Settings,
    launcher: Launcher,
    *,
    on_start: Callable[[Worker], None] = lambda _worker: None,
    on_change: Callable[[Worker], None] = lambda _worker: None,
    health_address: tuple[str, int] | None = None,
) -> None:
    """Run a worker until SIGINT or SIGTERM, then let its runs finish; a second signal stops them.

    SIGUSR1 pauses it, SIGUSR2 lets it go on.

    Args:
        options: What the worker was told.
        system: The server.
        settings: Key, workspace and limits of the client.
        launcher: How runs are started.
        on_start: Called once, before the first connection.
        on_change: Called when a run starts or ends, or the connection changes.
        health_address: Where to answer `GET /health` and `GET /ready`; None does not.

    Raises:
        headrace.errors.HeadraceError: The server refuses this worker for good, or runs cannot be started here.
    """
    tracing.name_process("headrace-worker")
    async with open_async(system, settings) as client:
        shipper = LogShipper(client)
        shipping = asyncio.create_task(shipper.run(), name="worker-log-shipper")
        try:
            credential = credential_maker(client, settings)
            worker = _assemble(options, client, system, launcher, shipper, on_change, credential)
            on_start(worker)
            async with contextlib.AsyncExitStack() as stack:
                if health_address is not None:
                    port = await stack.enter_async_context(answering(worker, *health_address))
                    logger.info("Health is told at http://%s:%d/health", health_address[0], port)
                stack.enter_context(_signals(worker))
                await _run_beside(worker, shipping)
        finally:
            lost = await shipper.flush(_FLUSH_SECONDS) if not shipping.done() else 0
            if lost:
                logger.warning("%d lines of output were not confirmed by the server.", lost)
            shipping.cancel()
            await asyncio.gather(shipping, return_exceptions=True)


def _assemble(
    options: WorkerOptions,
    client: AsyncClient,
    system: System,
    launcher: Launcher,
    shipper: LogShipper,
    on_change: Callable[[Worker], None],
    credential: Callable[[worker_pb2.Assignment], Awaitable[str]] | None,
) -> Worker:
    worker_id = str(uuid7())
    execution = Execution(
        launcher=launcher,
        propose=client.flow_runs.ProposeFlowRunState,
        log=_ShippedRunLog(shipper, worker_id),
        job=job_maker(system),
        credential=credential,
    )

    def changed() -> None:
        on_change(worker)

    async def adopt(is_first: bool) -> list[Adopted]:
        return await launcher.adopt(await _siblings(client, options, worker_id, is_first))

    worker = Worker(
        options,
        execution,
        lambda: client.channel,
        worker_id=worker_id,
        on_change=changed,
        adopt=None if launcher.enters_running else adopt,
    )
    return worker


async def _siblings(client: AsyncClient, options: WorkerOptions, worker_id: str, is_first: bool) -> Siblings:
    others: set[str] = set()
    request = work_pool_pb2.ListWorkersRequest(
        work_pool_name=options.work_pool_name,
        statuses=[
            work_pool_pb2.WORKER_STATUS_ONLINE,
            work_pool_pb2.WORKER_STATUS_PAUSED,
            work_pool_pb2.WORKER_STATUS_DRAINING,
        ],
        page_size=200,
    )
    while True:
        try:
            page = await client.work_pools.ListWorkers(request)
        except errors.NotFound:
            # A pool that this worker is about to create.
            break
        others.update(worker.name for worker in page.workers if worker.worker_id != worker_id)
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    return Siblings(options.work_pool_name, options.name, frozenset(others), is_first)


async def _run_beside(worker: Worker, shipping: asyncio.Task[None]) -> None:
    """Run the worker; a log shipper that fails is a fault that must be seen, not one to work on without."""
    running = asyncio.create_task(worker.run(), name="worker")
    try:
        await asyncio.wait({running, shipping}, return_when=asyncio.FIRST_COMPLETED)
        if shipping.done() and not running.done():
            shipping.result()
        await running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@contextlib.contextmanager
def _signals(worker: Worker) -> Iterator[None]:
    """Let the first signal drain the worker and the next stop its runs."""
    loop = asyncio.get_running_loop()

    def leave() -> None:
        if not worker.draining:
            worker.drain("the worker was told to stop")
            if worker.runs:
                logger.warning("Finishing %d run(s); once more stops them.", len(worker.runs))
        else:
            worker.stop_runs()

    handlers = {
        signal.SIGINT: leave,
        signal.SIGTERM: leave,
        signal.SIGUSR1: worker.pause,
        signal.SIGUSR2: worker.resume,
    }
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)
