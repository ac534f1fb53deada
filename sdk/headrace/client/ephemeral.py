"""A server for one script: started where none is configured or running, ended with the process.

The server package is optional, so it is found by name when it is needed.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import logging
import os
import threading

from headrace import errors
from headrace.settings import DEFAULT_API_URL

logger = logging.getLogger("headrace.server")

_MODULE = "headrace_server.ephemeral"
_lock = threading.Lock()
_started: tuple[int, str] | None = None


def ephemeral_url() -> str:
    """Return the HTTP address of this process's own server, which is started at the first call.

    Raises:
        errors.Unavailable: The server package is not installed, or the server does not start.
    """
    global _started
    with _lock:
        if _started is not None and _started[0] == os.getpid():
            return _started[1]
        url = _start()
        _started = os.getpid(), url
        return url


def _start() -> str:
    try:
        module = importlib.import_module(_MODULE)
    except ModuleNotFoundError as error:
        raise errors.Unavailable(
            f"no server is configured and none answers at {DEFAULT_API_URL}. Set HEADRACE_API_URL to the address of "
            f"yours, or install one with: pip install 'headrace[server]' (missing module: {error.name})",
            reason="NO_SERVER",
        ) from None
    logger.warning(
        "No server is configured and none answers at %s: starting a temporary one, which forgets its runs when this "
        "script ends. To keep them run `headrace server start`, or set HEADRACE_API_URL.",
        DEFAULT_API_URL,
    )
    stack = contextlib.ExitStack()
    try:
        url: str = stack.enter_context(module.start())
    except (errors.HeadraceError, OSError) as error:
        raise errors.Unavailable(
            f"the temporary server did not start: {error}. Start one with `headrace server start`, or set "
            "HEADRACE_API_URL to the address of yours.",
            reason="EPHEMERAL_SERVER_FAILED",
        ) from None
    # Registered after the connection's own end, which must come first at exit: handlers run last in, first out.
    atexit.register(_stop, os.getpid(), stack)
    return url


def _stop(owner: int, stack: contextlib.ExitStack) -> None:
    if os.getpid() == owner:
        stack.close()
