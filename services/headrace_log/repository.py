"""What the log service needs of storage, of its own news and of its neighbours, in its own words."""

from __future__ import annotations

import contextlib
import enum
import uuid
from collections.abc import Sequence
from typing import Protocol

from headrace_log.rules.histogram import Counts, Spans
from headrace_log.rules.records import Appended, Batch, Record, RecordFilter, Window


class Outcome(enum.Enum):
    """What became of a batch."""

    STORED = "stored"
    """It was new and is committed."""
    REPEATED = "repeated"
    """It was committed before."""
    TOO_OLD = "too old"
    """Whether it was committed before is not known any more; it was left alone."""


class RecordStore(Protocol):
    """Takes records in."""

    async def commit(self, batches: Sequence[Batch]) -> list[Outcome]:
        """Store all batches that are new in one transaction, in this order; return what became of each.

        Raises:
            errors.InvalidArgument: A record cannot be stored; nothing was.
            errors.Unavailable: Nothing was stored, or it is not known whether it was.
        """
        ...


class RecordReader(Protocol):
    """Finds records."""

    async def list_records(
        self, workspace_id: uuid.UUID, wanted: RecordFilter, window: Window, *, newest_first: bool, limit: int
    ) -> list[Record]:
        """Return at most `limit` records in the order of time, or in the opposite one."""
        ...

    async def count_levels(self, workspace_id: uuid.UUID, wanted: RecordFilter, spans: Spans) -> list[Counts]:
        """Return how many records of each level there are in each span that has any, in the order of time."""
        ...


class StretchStore(Protocol):
    """Keeps what text is in the stretches of long runs."""

    async def extend(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, settled: int) -> int:
        """Add the next stretch of a run, of records up to the position `settled`; return how many records it has.

        0 says that too few are left for a stretch, or that another replica is at it.
        """
        ...


class RecordFollower(Protocol):
    """One who is told what is committed in a workspace."""

    start: int
    """All records up to this position are committed; news begin behind it."""

    async def wait(self, timeout_seconds: float) -> RecordNews | None:
        """Return what was committed since the last call, waiting up to `timeout_seconds` for it; None if nothing."""
        ...


class RecordNews(Protocol):
    """What was committed."""

    @property
    def appended(self) -> tuple[Appended, ...] | None:
        """Commit by commit; None if there were too many to tell."""
        ...

    @property
    def position(self) -> int:
        """All records up to this position are committed."""
        ...


class RecordTail(Protocol):
    """Tells what is committed, as it happens."""

    @property
    def known_position(self) -> int:
        """A position up to which all records are known to be committed; it may be behind."""
        ...

    async def settle(self) -> int:
        """Return a position up to which all records are committed, with all that were before the call."""
        ...

    def follow(self, workspace_id: uuid.UUID) -> contextlib.AbstractAsyncContextManager[RecordFollower]:
        """Lend a follower of one workspace."""
        ...


class RunFamilies(Protocol):
    """Knows which runs are below others."""

    async def with_children(self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]) -> tuple[uuid.UUID, ...]:
        """Return the flow runs and all below them.

        Raises:
            errors.InvalidArgument: They are too many.
            errors.Unavailable: The state service does not answer.
        """
        ...


class RunFinality(Protocol):
    """Knows whether runs are over."""

    async def all_final(self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]) -> bool:
        """Return whether every one of the flow runs is final or does not exist.

        Raises:
            errors.Unavailable: The state service does not answer.
        """
        ...
