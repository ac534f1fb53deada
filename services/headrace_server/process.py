"""One server process, as the supervisor starts it: `python -m headrace_server.process <report fd> <parts>`.

What takes long, loading all code, is done before the order is awaited, so that it happens while the
database starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, BinaryIO

from headrace import errors
from headrace_chassis.logs import configure_logging
from headrace_chassis.run import run_async
from headrace_chassis.settings import ServerSettings
from headrace_chassis.telemetry import configure_tracing
from headrace_server.order import SIGN_OF_LIFE, SIGN_OF_LIFE_SECONDS, Order, Report

if TYPE_CHECKING:
    from headrace_server.composition import Composition

logger = logging.getLogger(__name__)

EXIT_FAILED = 1

_COMMAND_LINE_OF_HTTPX = "httpx._main"
"""It comes with everything that paints terminals, a tenth of all code that a server would load."""


def main(arguments: Sequence[str]) -> int:
    """Run until told to stop, or until the supervisor dies.

    Returns:
        The exit code.
    """
    report_descriptor, parts = arguments
    with os.fdopen(int(report_descriptor), "wb", buffering=0) as reports:
        # Nothing of what is loaded is garbage; to look for some meanwhile takes a tenth of the time.
        gc.disable()
        # None stands for a module that cannot be imported, which the package allows for.
        sys.modules[_COMMAND_LINE_OF_HTTPX] = None  # type: ignore[assignment]
        composition = importlib.import_module("headrace_server.composition")
        composition.load(parts.split(","))
        gc.enable()
        line = sys.stdin.buffer.readline()
        if not line:
            return 0
        order = Order.from_line(line)
        settings = ServerSettings(**order.settings)
        configure_logging(settings.log_level)
        configure_tracing("server")
        # What is loaded stays; the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        return run_async(_serve(composition.Composition(parts.split(","), settings, order.database_url), reports))


async def _serve(composition: Composition, reports: BinaryIO) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(sys.stdin.fileno(), _supervisor_died, stop)
    try:
        await _first_of(stop.wait(), composition.start())
        if not stop.is_set():
            _tell(reports, Report(is_ready=True).to_line())
            await _first_of(stop.wait(), composition.failed.wait(), _live(reports))
    except (errors.HeadraceError, OSError) as error:
        logger.error("cannot start: %s", error)
        _tell(reports, Report(is_ready=False, fault=str(error)).to_line())
        return EXIT_FAILED
    finally:
        await composition.stop()
    return EXIT_FAILED if composition.failed.is_set() else 0


def _supervisor_died(stop: asyncio.Event) -> None:
    asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
    if not stop.is_set():
        logger.warning("the supervisor has died; stopping")
        stop.set()


async def _live(reports: BinaryIO) -> None:
    while True:
        await asyncio.sleep(SIGN_OF_LIFE_SECONDS)
        _tell(reports, SIGN_OF_LIFE)


def _tell(reports: BinaryIO, line: bytes) -> None:
    # Without a supervisor there is nobody to tell.
    with contextlib.suppress(BrokenPipeError):
        reports.write(line)


async def _first_of(*awaitables: Awaitable[object]) -> None:
    """Return when the first has ended; cancel the others. Raises what the first raises."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
