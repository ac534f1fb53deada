"""Backfills: which runs they consist of, and where they stand."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import itertools
import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headrace_scheduler.rules import schedule
from headrace_scheduler.rules.deployment import Creator
from headrace_scheduler.rules.faults import Invalid
from headrace_scheduler.rules.schedule import Terms

MOST_RUNS = 5_000
"""Runs of one backfill."""
_MOMENT = datetime.timedelta(microseconds=1)


class Status(enum.StrEnum):
    """Where a backfill stands."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"

    @property
    def is_over(self) -> bool:
        """Whether no run of it is made or waited for any more."""
        return self in (Status.CANCELLED, Status.COMPLETED, Status.FAILED)


class ItemState(enum.StrEnum):
    """Where one run of a backfill stands."""

    WAITING = "WAITING"
    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CRASHED = "CRASHED"
    CANCELLED = "CANCELLED"


class Order(enum.StrEnum):
    """In which order runs are made."""

    ASC = "ASC"
    DESC = "DESC"


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """One run of a backfill."""

    number: int
    """From 1, in the order in which runs are made."""
    slot_at: datetime.datetime | None
    parameters: Mapping[str, Any]
    flow_run_id: uuid.UUID | None = None
    state: ItemState = ItemState.WAITING
    tries: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How many runs of a backfill are in which state."""

    counts: Mapping[ItemState, int]

    @property
    def total(self) -> int:
        """All runs."""
        return sum(self.counts.values())

    def of(self, state: ItemState) -> int:
        """Return how many runs are in a state."""
        return self.counts.get(state, 0)


@dataclasses.dataclass(frozen=True, slots=True)
class Backfill:
    """Runs of a deployment for many times or parameters."""

    backfill_id: uuid.UUID
    workspace_id: uuid.UUID
    deployment_id: uuid.UUID
    version_id: uuid.UUID
    name: str
    status: Status
    message: str
    concurrency: int
    """How many of its runs at once; 0: as many as can."""
    order: Order
    creator: Creator
    created_at: datetime.datetime
    updated_at: datetime.datetime
    ended_at: datetime.datetime | None = None
    progress: Progress = dataclasses.field(default_factory=lambda: Progress({}))

    @property
    def window(self) -> int:
        """How many runs of it are made and not over: some more than may run, so that none waits for the next look."""
        if not self.concurrency:
            return MOST_ACTIVE
        # What is made already still runs after a pause, so small ones make little ahead.
        return min(self.concurrency + max(2, self.concurrency // 2), MOST_ACTIVE)

    def keyed_limits(self) -> dict[str, int]:
        """Return the limit that its runs share."""
        if not self.concurrency:
            return {}
        return {f"deployment:{self.deployment_id}:key:backfill-{self.backfill_id}": self.concurrency}

    def idempotency_key(self, item: Item) -> str:
        """Return the key under which the next try of an item exists once."""
        return f"backfill:{self.backfill_id}:{item.number}:{item.tries + 1}"


MOST_ACTIVE = 500
"""Runs of one backfill that are made and not over."""


def items(
    slots: Sequence[datetime.datetime] | None,
    matrix: Mapping[str, Any],
    parameters: Mapping[str, Any],
    slot_parameter: str,
    order: Order,
) -> list[Item]:
    """Return the runs of a backfill in the order in which they are made.

    Args:
        slots: The times that it makes up for; None without a schedule.
        matrix: Lists of values by parameter.
        parameters: Parameters of all runs.
        slot_parameter: The parameter that gets each time; empty: none does.
        order: In which order.

    Raises:
        Invalid: There is nothing to run, or too much, or the matrix is not made of lists.
    """
    for name, values in matrix.items():
        if not isinstance(values, list) or not values:
            raise Invalid.of_field(f"matrix.{name}", "must be a list of values with at least one")
    if slots is None and not matrix:
        raise Invalid.of_field("range", "or matrix must be given")
    if slots is not None and not slots:
        raise Invalid.of_field("range", "holds no time of the schedule")
    combined = math.prod(len(values) for values in matrix.values())
    if (total := combined * (len(slots) if slots is not None else 1)) > MOST_RUNS:
        raise Invalid.of_field(
            "range" if slots else "matrix", f"makes {total} runs; a backfill has at most {MOST_RUNS}"
        )
    moments: list[datetime.datetime | None] = [None] if slots is None else list(slots)
    pairs = [(moment, values) for moment in moments for values in _combinations(matrix)]
    if order is Order.DESC:
        pairs.reverse()
    return [
        Item(
            number,
            moment,
            {**parameters, **values, **({slot_parameter: moment.isoformat()} if slot_parameter and moment else {})},
        )
        for number, (moment, values) in enumerate(pairs, start=1)
    ]


def _combinations(matrix: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    names = list(matrix)
    for values in itertools.product(*(matrix[name] for name in names)):
        yield dict(zip(names, values, strict=True))


def slots_between(terms: Terms, start: datetime.datetime, until: datetime.datetime) -> list[datetime.datetime]:
    """Return the times of a schedule in [start, until), whenever the schedule itself begins or ends.

    One more than a backfill may have is enough to refuse it.

    Raises:
        Invalid: The range is none.
    """
    if until <= start:
        raise Invalid.of_field("range.until", "must be after from")
    unbounded = dataclasses.replace(terms, starts_at=None, ends_at=None)
    return schedule.slots_until(unbounded, start - _MOMENT, until - _MOMENT, MOST_RUNS + 1)


def settled(backfill: Backfill, progress: Progress) -> Status:
    """Return where a backfill stands, given how far its runs are."""
    if progress.of(ItemState.ACTIVE):
        return backfill.status
    match backfill.status:
        case Status.CANCELLING:
            return Status.CANCELLED
        case Status.RUNNING if not progress.of(ItemState.WAITING):
            return Status.COMPLETED if progress.of(ItemState.COMPLETED) == progress.total else Status.FAILED
        case status:
            return status
