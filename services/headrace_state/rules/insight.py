"""What sums many runs up."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid

from headrace_state.rules.rows import Row


class Moment(enum.StrEnum):
    """By which of its times a run counts: the column of the time."""

    EXPECTED_START = "expected_start_at"
    STARTED = "started_at"
    ENDED = "ended_at"


@dataclasses.dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time, from inclusive to exclusive, in buckets of the same length."""

    since: datetime.datetime
    until: datetime.datetime
    bucket_count: int

    def start_of(self, bucket: int) -> datetime.datetime:
        """Return the first moment of a bucket, from 0; of the one behind the last it is the end."""
        return self.since + (self.until - self.since) * bucket / self.bucket_count


@dataclasses.dataclass(frozen=True, slots=True)
class BucketCount:
    """Runs of a bucket that are in the same state."""

    bucket: int
    state_type: str
    state_name: str
    count: int
    run_seconds: float
    """On average."""
    start_delay_seconds: float | None
    """On average; None where none is known."""


@dataclasses.dataclass(frozen=True, slots=True)
class Histogram:
    """Runs counted by time and state."""

    counts: tuple[BucketCount, ...]
    """Of buckets that are not empty."""
    complete_from: datetime.datetime | None = None
    """If counting stopped at its bound: from then on everything was counted."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """Runs picked from many."""

    rows: tuple[Row, ...]
    run_count: int
    is_capped: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Lateness:
    """How late runs started, in seconds; None where there is none."""

    started_count: int
    waiting_count: int
    average: float | None
    median: float | None
    percentile_95: float | None
    longest: float | None
    longest_waiting: float | None
    is_capped: bool


@dataclasses.dataclass(frozen=True, slots=True)
class LastRuns:
    """The last runs of a flow or deployment."""

    owner_id: uuid.UUID
    rows: tuple[Row, ...]
    """Oldest first."""
    next_row: Row | None
    """The one that is scheduled to start next."""
