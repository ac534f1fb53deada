"""Starts the process of a flow run and watches it: from the warm parent, or as a fresh interpreter.

Both kinds give a `RunProcess`: its output as streams of bytes, its exit, and signals to its process group.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shlex
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from headrace import errors, tracing
from headrace.worker import framing
from headrace.worker.job import API_KEY, Job

logger = logging.getLogger("headrace.worker")

PRELOADED_MODULES = (
    "headrace.worker.child",
    "headrace.steps",
    "headrace.api.v1.concurrency_pb2_grpc",
    "headrace.api.v1.flow_run_pb2_grpc",
    "headrace.api.v1.log_pb2_grpc",
    "headrace.api.v1.task_run_pb2_grpc",
    "grpc",
)
"""What the warm parent imports before it forks."""

_CHILD = (sys.executable, "-m", "headrace.worker.child")
_READ_AT_START = ("PYTHON", "LD_", "MALLOC_", "GRPC_", "LC_", "LANG", "TZ")
"""Variables that a process reads when it starts, by how they begin: later it is too late for them."""
_SPARE_SECONDS = 600.0
"""An interpreter that has waited longer is not used: what it has imported may have been replaced since."""
_START_SECONDS = 60.0
_STREAM_LIMIT_BYTES = 1 << 20


class ByteStream(Protocol):
    """What a process writes."""

    async def read(self, count: int = -1, /) -> bytes:
        """Return at most so many bytes as soon as there are any; b"" is the end."""


class RunProcess(Protocol):
    """The process of one flow run, or the container with it."""

    pid: int
    """Its id on this machine; 0 for a container."""

    @property
    def stdout(self) -> ByteStream:
        """Its standard output."""

    @property
    def stderr(self) -> ByteStream:
        """Its standard error."""

    @property
    def failure(self) -> str:
        """Why it ended, in a sentence, where the exit code does not say it; asked once it has ended."""

    async def wait(self) -> int:
        """Return the exit code once it has ended; minus the signal's number if one ended it."""

    def signal(self, number: int) -> None:
        """Send a signal to the process group; harmless once it has ended."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """A process that a worker before this one has started, and that nobody looks after any more."""

    flow_run_id: str
    attempt_token: str
    flow_run_name: str
    process: RunProcess


@dataclass(frozen=True, slots=True)
class Siblings:
    """The workers of a pool, as a launcher has to know them to find what is nobody's."""

    work_pool_name: str
    worker_name: str
    """This worker's own name."""
    others: frozenset[str] = frozenset()
    """Names of the other workers that are there."""
    is_first: bool = False
    """Whether this worker has just started: what bears its name was started by one before it then."""

    def may_take_from(self, worker_name: str) -> bool:
        """Return whether what a worker of this name has started is nobody's."""
        return self.is_first if worker_name == self.worker_name else worker_name not in self.others


class Launcher(Protocol):
    """Starts processes of flow runs."""

    enters_running: bool
    """Whether the worker brings a run to RUNNING before its process exists; else the process does it itself."""

    async def start(self) -> None:
        """Make ready.

        Raises:
            errors.Unavailable: It cannot be made ready; the message says why.
        """

    async def launch(self, job: Job) -> RunProcess:
        """Start the process of a job.

        Raises:
            errors.Unavailable: The process cannot be started; the message says why.
        """

    async def adopt(self, siblings: Siblings) -> list[Adopted]:
        """Return what workers that are gone have started, to be looked after by this one; each is returned once."""

    async def close(self) -> None:
        """Give up what the launcher holds; processes that run go on."""


@dataclass(eq=False)
class _ForkedProcess:
    job_id: str
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader
    server: ForkingLauncher
    started: asyncio.Future[int]
    exited: asyncio.Future[int]
    pid: int = 0
    failure: str = ""

    async def wait(self) -> int:
        return await asyncio.shield(self.exited)

    def signal(self, number: int) -> None:
        if not self.exited.done():
            self.server.send({"op": "signal", "id": self.job_id, "signal": number})


@dataclass
class ForkingLauncher:
    """Forks each run from a warm parent, which is started once and again should it ever die."""

    preload: Sequence[str] = PRELOADED_MODULES
    enters_running: bool = True
    _control: socket.socket | None = None
    _parent: asyncio.subprocess.Process | None = None
    _reader: asyncio.Task[None] | None = None
    _processes: dict[str, _ForkedProcess] = field(default_factory=dict)
    _jobs: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self) -> None:
        """Start the warm parent and wait until it has its imports behind it."""
        async with self._lock:
            if self._control is None:
                await self._start_parent()

    async def _start_parent(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        inherited = theirs.detach()
        try:
            self._parent = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "headrace.worker.forkserver",
                str(inherited),
                *self.preload,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(inherited,),
                env=_inherited(),
                start_new_session=True,
            )
        finally:
            os.close(inherited)
        ours.setblocking(False)
        ready = asyncio.get_running_loop().create_future()
        self._control = ours
        self._reader = asyncio.create_task(self._read(ours, ready), name="worker-forkserver-reader")
        try:
            await asyncio.wait_for(ready, _START_SECONDS)
        except (TimeoutError, OSError) as error:
            await self.close()
            raise errors.Unavailable(
                "The process that starts flow runs did not come up. Look at the lines above for what its imports said,"
                " or start the worker with --fresh-interpreter."
            ) from error

    async def launch(self, job: Job) -> RunProcess:
        """Fork a process for the job, or start the command that it names; returns when it exists."""
        if job.command is not None:
            return await spawn(job)
        await self.start()
        self._jobs += 1
        loop = asyncio.get_running_loop()
        stdout_read, stdout_write = os.pipe()
        stderr_read, stderr_write = os.pipe()
        try:
            process = _ForkedProcess(
                job_id=str(self._jobs),
                stdout=await open_reader(os.dup(stdout_read)),
                stderr=await open_reader(os.dup(stderr_read)),
                server=self,
                started=loop.create_future(),
                exited=loop.create_future(),
            )
            self._processes[process.job_id] = process
            message = framing.encode({"op": "launch", "id": process.job_id}, job.to_bytes())
            await self._send_with_descriptors(message, [stdout_write, stderr_write, stdout_read, stderr_read])
        finally:
            for descriptor in (stdout_read, stdout_write, stderr_read, stderr_write):
                os.close(descriptor)
        try:
            process.pid = await asyncio.wait_for(asyncio.shield(process.started), _START_SECONDS)
        except (TimeoutError, OSError) as error:
            self._processes.pop(process.job_id, None)
            raise errors.Unavailable("The process of the run could not be forked.") from error
        return process

    async def _send_with_descriptors(self, message: bytes, descriptors: list[int]) -> None:
        control = self._control
        if control is None:
            raise errors.Unavailable("The process that starts flow runs has ended.")
        loop = asyncio.get_running_loop()
        async with self._lock:
            try:
                while True:
                    try:
                        sent = socket.send_fds(control, [message], descriptors)
                        break
                    except BlockingIOError:
                        await asyncio.sleep(0.005)
                await loop.sock_sendall(control, message[sent:])
            except OSError as error:
                raise errors.Unavailable("The process that starts flow runs has ended.") from error

    def send(self, message: framing.Message) -> None:
        """Send a small message without waiting; a parent that is gone has no children to signal."""
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.send(framing.encode(message))

    async def _read(self, control: socket.socket, ready: asyncio.Future[None]) -> None:
        loop = asyncio.get_running_loop()
        decoder = framing.Decoder()
        try:
            while data := await loop.sock_recv(control, 1 << 16):
                for message, _blob in decoder.feed(data):
                    self._take(message, ready)
        except OSError:
            logger.debug("The fork server's socket broke.", exc_info=True)
        finally:
            self._lose_parent(control, ready)

    def _take(self, message: framing.Message, ready: asyncio.Future[None]) -> None:
        if message["op"] == "ready":
            if not ready.done():
                ready.set_result(None)
            return
        process = self._processes.get(message["id"])
        if process is None:
            return
        if message["op"] == "started":
            if not process.started.done():
                process.started.set_result(message["pid"])
        elif message["op"] == "exited":
            del self._processes[process.job_id]
            process.exited.set_result(message["status"])

    def _lose_parent(self, control: socket.socket, ready: asyncio.Future[None]) -> None:
        """The warm parent is gone: its children can no longer be waited for, which counts as killed."""
        control.close()
        if self._control is control:
            self._control = None
        gone = ConnectionError("the fork server ended")
        if not ready.done():
            ready.set_exception(gone)
        for process in self._processes.values():
            if not process.started.done():
                process.started.set_exception(gone)
                process.started.exception()
            if not process.exited.done():
                process.exited.set_result(-signal.SIGKILL)
        if self._processes:
            logger.error("The process that starts flow runs has ended; %d runs are lost with it.", len(self._processes))
        self._processes.clear()

    async def adopt(self, siblings: Siblings) -> list[Adopted]:
        """Processes of a worker that is gone look after themselves."""
        return []

    async def close(self) -> None:
        """End the warm parent, at once if nothing runs, else when the last run has ended."""
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_RDWR)
        if self._reader is not None:
            await asyncio.wait({self._reader}, timeout=5)
        if self._parent is not None and not self._processes:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._parent.wait(), 5)


@dataclass
class _SpawnedProcess:
    process: asyncio.subprocess.Process
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader
    pid: int
    failure: str = ""

    async def wait(self) -> int:
        return await self.process.wait()

    def signal(self, number: int) -> None:
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    async def give(self, job: Job) -> None:
        """Hand the job over."""
        assert self.process.stdin is not None
        # A child that ends before it has read its job is found by its exit code.
        with contextlib.suppress(ConnectionError):
            self.process.stdin.write(job.to_bytes())
            await self.process.stdin.drain()
        self.process.stdin.close()

    async def discard(self) -> None:
        """End a process that has got no job."""
        self.signal(signal.SIGKILL)
        # What it wrote is read, or its end would not be noticed.
        await self.process.communicate()


@dataclass
class SpawningLauncher:
    """Starts each run in an interpreter of its own: on any platform and with any Python.

    The interpreter of the next run is started ahead, and waits for its job with Headrace imported and nothing else.
    """

    enters_running: bool = True
    _spare: asyncio.Task[_SpawnedProcess] | None = None
    _spare_since: float = 0.0

    async def start(self) -> None:
        """Start the interpreter of the first run ahead."""
        self._start_spare()

    async def launch(self, job: Job) -> RunProcess:
        """Start an interpreter for the job, or the command that it names; returns when it exists."""
        if job.command is not None or any(name.startswith(_READ_AT_START) for name in job.environment):
            return await spawn(job)
        process = await self._take_spare()
        self._start_spare()
        if process is None:
            return await spawn(job)
        await process.give(job)
        return process

    async def adopt(self, siblings: Siblings) -> list[Adopted]:
        """Processes of a worker that is gone look after themselves."""
        return []

    async def close(self) -> None:
        """End the interpreter that waits."""
        spare = await self._take_spare()
        if spare is not None:
            await spare.discard()

    def _start_spare(self) -> None:
        self._spare = asyncio.create_task(_start_process(_CHILD, {}), name="worker-spare-interpreter")
        self._spare_since = time.monotonic()

    async def _take_spare(self) -> _SpawnedProcess | None:
        """Return the interpreter that waits, None if there is none that is fresh enough."""
        task, self._spare = self._spare, None
        if task is None:
            return None
        try:
            spare = await task
        except errors.Unavailable:
            return None
        if spare.process.returncode is None and time.monotonic() - self._spare_since < _SPARE_SECONDS:
            return spare
        await spare.discard()
        return None


async def spawn(job: Job) -> RunProcess:
    """Start a process for a job by its command, or in a fresh interpreter.

    Raises:
        errors.Unavailable: It cannot be started; the message says why.
    """
    process = await _start_process(shlex.split(job.command) if job.command else _CHILD, job.environment)
    await process.give(job)
    return process


async def _start_process(command: Sequence[str], environment: Mapping[str, str]) -> _SpawnedProcess:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_STREAM_LIMIT_BYTES,
            env={**_inherited(), **environment, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise errors.Unavailable(f"{shlex.join(command)} could not be started: {error}") from error
    assert process.stdout is not None
    assert process.stderr is not None
    return _SpawnedProcess(process, process.stdout, process.stderr, process.pid)


def _inherited() -> dict[str, str]:
    """Return the worker's environment without its key and its trace: runs get something of their own."""
    return {name: value for name, value in os.environ.items() if name not in (API_KEY, tracing.VARIABLE)}


async def open_reader(descriptor: int) -> asyncio.StreamReader:
    """Return what comes out of a pipe, whose descriptor is the reader's from now on."""
    reader = asyncio.StreamReader(limit=_STREAM_LIMIT_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    return reader
