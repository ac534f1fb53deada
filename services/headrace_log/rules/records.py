"""Records, batches of them, and which ones are asked for."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from typing import Any, TypeAlias

from headrace_log.rules.text import TextQuery

PackedRow: TypeAlias = bytes
"""A record on its way into the table: its columns but the position, in the binary form of COPY.

Nothing between the wire and the table looks at single records, and there are hundreds of thousands a second.
"""

PACKED_COLUMNS = (
    "occurred_at",
    "log_id",
    "message",
    "level",
    "source",
    "workspace_id",
    "flow_run_id",
    "task_run_id",
    "logger",
    "worker_id",
    "traceparent",
    "fields",
)
"""The columns of a `PackedRow`, in its order: first what each record has for itself, then what many share."""


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """Records that are stored together or not at all."""

    workspace_id: uuid.UUID
    rows: list[PackedRow]
    flow_run_ids: frozenset[uuid.UUID] | None
    """The flow runs of its records; None if a record has none."""
    oldest_at: datetime.datetime
    newest_at: datetime.datetime
    size_bytes: int
    """About how much memory it takes."""
    process_id: str = ""
    """The writing process, if it numbers its batches."""
    sequence: int = 0
    """The number of the batch among those of the process, from 1."""
    digest: bytes | None = None
    """Tells a repeated batch of a writer that does not number its batches; None stores it in any case."""


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """A stored record."""

    position: int
    occurred_at: datetime.datetime
    flow_run_id: uuid.UUID | None
    task_run_id: uuid.UUID | None
    log_id: uuid.UUID
    level: int
    source: int
    logger: str
    message: str
    worker_id: str | None
    traceparent: str | None
    fields: Any

    @property
    def key(self) -> Key:
        """Where it stands in the order of time."""
        return Key(self.occurred_at, self.position)


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Key:
    """A place in the order of time; records of one moment stand in the order in which they were committed."""

    occurred_at: datetime.datetime
    position: int


@dataclasses.dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records. Empty fields do not restrict; fields are joined by AND, values in a field by OR."""

    flow_run_ids: tuple[uuid.UUID, ...] = ()
    task_run_ids: tuple[uuid.UUID, ...] = ()
    worker_ids: tuple[str, ...] = ()
    level_at_least: int = 0
    level_at_most: int = 0
    occurred_from: datetime.datetime | None = None
    occurred_until: datetime.datetime | None = None
    text: TextQuery = dataclasses.field(default_factory=TextQuery)
    loggers: tuple[str, ...] = ()
    sources: tuple[int, ...] = ()
    without_task_runs: bool = False
    with_children: bool = False
    """Also of the flow runs below those that are named; to be replaced by their ids before anything is looked up."""


MOST_FAMILY = 1000
"""Flow runs that a question about runs and those below them is about."""


def fault_of_family(runs: int) -> str | None:
    """Return what is wrong with a question about so many runs, None if nothing is."""
    if runs <= MOST_FAMILY:
        return None
    return f"is for at most {MOST_FAMILY} flow runs, and there are more below these"


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """A part of the records that match a filter."""

    after: Key | None = None
    """Only those behind it in the order that is asked for."""
    above_position: int = 0
    """Only those with a higher position."""
    up_to_position: int | None = None
    """Only those with no higher position."""
    occurred_from: datetime.datetime | None = None
    """It is known that none of them occurred before; spares looking."""
    occurred_until: datetime.datetime | None = None
    """It is known that none of them occurred after; spares looking."""


@dataclasses.dataclass(frozen=True, slots=True)
class Appended:
    """What a commit added, as its outbox entry tells."""

    flow_run_ids: frozenset[uuid.UUID] | None
    """The flow runs of its records; None if they are too many to name, or if some have none."""
    oldest_at: datetime.datetime
    newest_at: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class FollowToken:
    """How far a follower has come.

    It has all records up to the position `floor`; of those above it and up to `horizon` the ones that are
    not behind `after` in the order of time; and those in `seen`.
    """

    floor: int
    horizon: int
    after: Key | None = None
    seen: frozenset[int] = frozenset()


def follow_behind(page: list[Record], horizon: int) -> FollowToken:
    """Return the token that goes on behind the newest record of `page`, which was read with `horizon` known."""
    if not page:
        return FollowToken(floor=horizon, horizon=horizon)
    return FollowToken(
        floor=0,
        horizon=horizon,
        after=max(record.key for record in page),
        seen=frozenset(record.position for record in page if record.position > horizon),
    )
