"""Serving tasks: a process that executes what is queued for them."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType
from typing import Any

from headrace.background.server import TaskServer
from headrace.engine.definitions import TaskDefinition
from headrace.logging import configure_logging
from headrace.settings import get_settings

logger = logging.getLogger("headrace.background")


def serve_tasks(*tasks: TaskDefinition, limit: int = 10, name: str | None = None) -> None:
    """Execute queued calls of tasks until Ctrl-C or SIGTERM; calls that have begun are finished then.

    A second Ctrl-C or SIGTERM ends at once, and what was being executed goes to another server.

    Args:
        *tasks: The tasks. Those who queue calls name a task by its module and function, so both have to be the same.
        limit: How many calls at once.
        name: Of this server, for people; by default host and process.

    Raises:
        errors.InvalidArgument: There is nothing to serve, or the limit is below 1.
        errors.HeadraceError: There is no server to take calls from.
    """
    configure_logging(get_settings())
    server = TaskServer(tasks, limit=limit, name=name)
    previous = _install(server) if threading.current_thread() is threading.main_thread() else {}
    try:
        server.run()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _install(server: TaskServer) -> dict[int, Any]:
    def end(number: int, frame: FrameType | None) -> None:
        if server.is_ending:
            server.abort()
        else:
            server.end()

    return {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
