"""Spans of statements, below the span of the call that makes them; statements of background loops have none."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from opentelemetry import trace

from headrace_chassis import telemetry

if TYPE_CHECKING:
    from asyncpg.connection import LoggedQuery

_LONGEST_TEXT = 4000
_NAMED = re.compile(r"/\*\s*([\w.\-]+)\s*\*/")


def span_of(record: LoggedQuery) -> None:
    """Make the span of a statement that has just been answered.

    The driver calls this in the context of who made it. Arguments are not told: they are what users store.
    """
    if not trace.get_current_span().get_span_context().is_valid:
        return
    ended_at = time.time_ns()
    attributes = {"db.system.name": "postgresql", "db.query.text": record.query[:_LONGEST_TEXT]}
    span = telemetry.tracer.start_span(
        name_of(record.query),
        kind=trace.SpanKind.CLIENT,
        start_time=ended_at - round(record.elapsed * 1e9),
        attributes=attributes,
    )
    if record.exception is not None:
        span.set_status(trace.StatusCode.ERROR, type(record.exception).__name__)
    span.end(ended_at)


def name_of(statement: str) -> str:
    """Return what a statement is called: the name that its file gave it, else what it does."""
    named = _NAMED.match(statement.lstrip())
    return f"sql {named[1]}" if named else f"sql {' '.join(statement.split()[:2]).lower().rstrip(';')}"
