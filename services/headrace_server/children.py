"""The server processes of a supervisor: started, watched, started again, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import os
import random
import signal
from collections.abc import Sequence

from headrace import errors
from headrace_server.interpreter import command
from headrace_server.order import Order, Report

logger = logging.getLogger(__name__)

STABLE_SECONDS = 60.0
"""A process that ran this long before it died is started again at once, however often its forerunners died."""

HUNG_SECONDS = 60.0
"""A process that gave no sign of life for this long hangs."""

START_SECONDS = 120.0
"""A process that is not ready after this long counts as failed."""

_RESTART_FIRST_SECONDS = 0.5
_RESTART_MOST_SECONDS = 15.0
_KILL_SECONDS = 5.0
_LOST = Report(is_ready=False, fault="the process ended before it was ready; its log says why")


class ServerProcess:
    """One process. It loads its code as soon as it is spawned, and serves once it has its order."""

    def __init__(self, process: asyncio.subprocess.Process, reports: asyncio.StreamReader) -> None:
        self._process = process
        self._reports = reports

    @classmethod
    async def spawn(cls, parts: Sequence[str]) -> ServerProcess:
        """Start a process that will hold `parts`."""
        read_end, write_end = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *command("headrace_server.process", str(write_end), ",".join(parts)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                pass_fds=(write_end,),
                # Ctrl-C in a terminal goes to all processes of a session; this one is stopped by its supervisor.
                start_new_session=True,
            )
        except BaseException:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        reports = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reports), os.fdopen(read_end, "rb", buffering=0)
        )
        return cls(process, reports)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    async def begin(self, order: Order) -> Report:
        """Give the process its order, and return what becomes of it."""
        if self._process.stdin is None:
            raise RuntimeError("the process was started without a pipe")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._process.stdin.write(order.to_line())
            await self._process.stdin.drain()
        try:
            async with asyncio.timeout(START_SECONDS):
                line = await self._reports.readline()
        except TimeoutError:
            return Report(is_ready=False, fault=f"the process is not ready after {START_SECONDS:g} s")
        return Report.from_line(line) if line else _LOST

    async def wait(self) -> int:
        """Return its exit code once it has ended; negative is the signal that killed it.

        A process that gives no sign of life for `HUNG_SECONDS` is killed.
        """
        try:
            while True:
                async with asyncio.timeout(HUNG_SECONDS):
                    if not await self._reports.readline():
                        break
        except TimeoutError:
            logger.error("process %d hangs; killing it", self.pid)
            self.signal(signal.SIGKILL)
        return await self._process.wait()

    async def stop(self, drain_seconds: float) -> None:
        """Ask it to drain and end; kill it if it takes too long."""
        for number, seconds in ((signal.SIGTERM, drain_seconds + _KILL_SECONDS), (signal.SIGKILL, _KILL_SECONDS)):
            if self._process.returncode is not None:
                return
            self.signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._process.wait()

    def signal(self, number: int) -> None:
        """Send a signal; that it has ended is fine."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


class Child:
    """The place of one server process, which always has one in it. `spawn`, `begin`, `keep`, and `stop` at the end.

    Args:
        number: Tells it from others in messages.
        parts: What the process holds.
        drain_seconds: How long calls in progress may go on when it is stopped.
        process: One with these parts that was spawned ahead; None leaves that to `spawn`.
    """

    def __init__(
        self, number: int, parts: Sequence[str], *, drain_seconds: float, process: ServerProcess | None = None
    ) -> None:
        self._number = number
        self._parts = tuple(parts)
        self._drain_seconds = drain_seconds
        self._process = process
        self._is_stopping = False

    @property
    def pid(self) -> int | None:
        """Process id of the process that is there now."""
        return self._process.pid if self._process is not None else None

    async def spawn(self) -> None:
        """Start a process; it loads its code and waits."""
        self._process = await ServerProcess.spawn(self._parts)

    async def begin(self, order: Order) -> None:
        """Let the process serve.

        Raises:
            errors.FailedPrecondition: It cannot.
        """
        if self._process is None:
            raise RuntimeError("spawn comes first")
        settings = {**order.settings, "process_number": self._number}
        report = await self._process.begin(dataclasses.replace(order, settings=settings))
        if not report.is_ready:
            raise errors.FailedPrecondition(f"the server cannot start: {report.fault}", reason="SERVER_FAILED")

    async def keep(self, order: Order) -> None:
        """Start another process whenever one dies, until `stop`."""
        loop = asyncio.get_running_loop()
        pause, began_at = 0.0, loop.time()
        while self._process is not None and not self._is_stopping:
            code = await self._process.wait()
            if self._is_stopping:
                return
            pause = 0.0 if loop.time() - began_at > STABLE_SECONDS else pause
            logger.error("server process %d died (%s); starting another", self._number, _cause(code))
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))
            pause = min(max(pause * 2, _RESTART_FIRST_SECONDS), _RESTART_MOST_SECONDS)
            began_at = loop.time()
            try:
                await self.spawn()
                await self.begin(order)
            except (errors.HeadraceError, OSError) as error:
                logger.error("server process %d does not start: %s", self._number, error)
                await self._process.stop(0)
            else:
                logger.info("server process %d is back", self._number)

    async def stop(self) -> None:
        """Drain and end the process."""
        self._is_stopping = True
        if self._process is not None:
            await self._process.stop(self._drain_seconds)

    def kill(self) -> None:
        """End the process at once."""
        self._is_stopping = True
        if self._process is not None:
            self._process.signal(signal.SIGKILL)


def _cause(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
