"""The note for the audit log that the call in progress has to leave with what it changes (see `audit`)."""

from __future__ import annotations

import contextvars
import dataclasses
from collections.abc import Callable
from typing import Any

from headrace.api.v1 import audit_pb2


@dataclasses.dataclass(slots=True)
class AuditScope:
    """The note of one call, while it is made."""

    entry: audit_pb2.AuditEntry
    database: Any
    """The `Database` whose transactions carry the note."""
    statement: Callable[[], str]
    """Returns what stores the note, for the transaction of the change to begin with."""
    is_stored: bool = False
    """Whether a transaction with the note has committed."""
    is_closed: bool = False
    """Whether the call has ended; work that it left behind notes nothing any more."""


_scope: contextvars.ContextVar[AuditScope | None] = contextvars.ContextVar("headrace_audit_scope", default=None)


def scope_to_store(database: object) -> AuditScope | None:
    """Return the note that the next transaction of `database` has to carry, None if there is none."""
    scope = _scope.get()
    if scope is None or scope.is_stored or scope.is_closed or scope.database is not database:
        return None
    return scope


def set_scope(scope: AuditScope | None) -> None:
    """Make `scope` the note of the call in progress; each call has a task and so a context of its own."""
    _scope.set(scope)
