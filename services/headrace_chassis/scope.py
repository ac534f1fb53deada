"""Which rows the work in progress may see: the second wall behind the guards, held by Postgres.

Every connection carries the setting `headrace.workspace`, and a policy on every table with a `workspace_id` compares
each row with it. Work for a caller sees the caller's workspace; loops, and calls of other services that act for no
workspace, see all of them. Work that serves several callers at once must begin in a context of its own
(`start_shared`), so that it does not see through the eyes of the first of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import uuid
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from headrace_chassis.caller import maybe_caller

SETTING = "headrace.workspace"
"""The setting of a connection: the id of a workspace, or `ALL`."""

ALL = "*"

Result = TypeVar("Result")

_NOBODY = uuid.UUID(int=0)

_everywhere: contextvars.ContextVar[bool] = contextvars.ContextVar("headrace_everywhere", default=False)


def current_scope() -> uuid.UUID | None:
    """Return the workspace whose rows may be seen, None for those of all."""
    caller = maybe_caller()
    if caller is None or _everywhere.get():
        return None
    if caller.workspace_id == _NOBODY and caller.principal_kind == "service":
        return None
    return caller.workspace_id


@contextlib.contextmanager
def everywhere() -> Iterator[None]:
    """See the rows of all workspaces inside; for what has to find out first which one a call is about."""
    token = _everywhere.set(True)
    try:
        yield
    finally:
        _everywhere.reset(token)


def start_shared(work: Coroutine[Any, Any, Result], *, name: str) -> asyncio.Task[Result]:
    """Start work that serves several callers, with the rights of none of them."""
    return asyncio.get_running_loop().create_task(work, name=name, context=contextvars.Context())
