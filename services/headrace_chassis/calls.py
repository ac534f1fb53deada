"""The call in progress, as guards and handlers see it."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
from typing import Any

import grpc.aio

from headrace_chassis.caller import Caller
from headrace_chassis.methods import Method


@dataclasses.dataclass(slots=True)
class Call:
    """One call that this server handles."""

    method: Method
    metadata: dict[str, str | bytes]
    context: grpc.aio.ServicerContext[Any, Any]
    draining: asyncio.Event
    """Set when the server is about to stop: streams end themselves soon after."""
    correlation_id: str = ""
    caller: Caller | None = None
    """Who calls, once that is known."""


_current: contextvars.ContextVar[Call] = contextvars.ContextVar("headrace_call")


def current_call() -> Call:
    """Return the call in progress.

    Raises:
        LookupError: No call is in progress.
    """
    return _current.get()


def current_draining() -> asyncio.Event:
    """Return the event that is set when the server is about to stop; long streams wait on it beside their work.

    Raises:
        LookupError: No call is in progress.
    """
    return _current.get().draining


def set_call(call: Call) -> None:
    """Make `call` the one in progress; each call has a task and so a context of its own."""
    _current.set(call)
