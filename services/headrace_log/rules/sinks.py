"""Sinks: where records are sent on to."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Mapping

WEBHOOK, OTLP, FILE = 1, 2, 3
"""Kinds, with the numbers of headrace.api.v1.LogSinkKind."""

MOST_FAILURES = 300
"""In a row, which takes about a day; then a sink is paused until somebody has looked."""

_FIRST_SECONDS = 1.0
_MOST_SECONDS = 300.0


@dataclasses.dataclass(frozen=True, slots=True)
class Sink:
    """Where records are sent on to."""

    workspace_id: uuid.UUID
    name: str
    kind: int
    url: str
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    level_at_least: int
    is_paused: bool
    token: str = ""
    """How far it is."""
    sent_records: int = 0
    sent_at: datetime.datetime | None = None
    failures: int = 0
    last_error: str = ""
    revision: int = 1


def backoff_seconds(failures: int) -> float:
    """Return how long to wait after so many failures in a row, before jitter."""
    return float(min(_FIRST_SECONDS * 2.0 ** min(max(failures - 1, 0), 16), _MOST_SECONDS))
