"""Who gets the slots of limits: due runs that are claimed, and waiters in line."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Iterable, Sequence


@dataclasses.dataclass(frozen=True, slots=True)
class Limit:
    """A limit as it stands while its row is locked."""

    name: str
    slots: int
    taken: int
    """Slots that live leases hold."""
    slot_decay_per_second: float = 0.0
    level: float = 0.0
    """For a rate limit: how much was in use at `level_at`; it drains at the decay."""
    level_at: datetime.datetime | None = None

    @property
    def is_rate(self) -> bool:
        """Whether slots come back with time and not by release."""
        return self.slot_decay_per_second > 0

    def free(self, now: datetime.datetime) -> float:
        """Return how many slots are free at `now`."""
        if not self.is_rate:
            return float(self.slots - self.taken)
        return self.slots - drained(self, now)


def drained(limit: Limit, now: datetime.datetime) -> float:
    """Return what is in use of a rate limit at `now`."""
    if limit.level_at is None:
        return 0.0
    return max(0.0, limit.level - max(0.0, (now - limit.level_at).total_seconds()) * limit.slot_decay_per_second)


def seconds_until_free(limit: Limit, slots: int, now: datetime.datetime) -> float | None:
    """Return when `slots` of a rate limit will be free if nobody else takes any; None if never or not by time."""
    if not limit.is_rate or slots > limit.slots:
        return None
    return max(0.0, (slots - limit.free(now)) / limit.slot_decay_per_second)


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who needs slots of all its limits, or none."""

    key: uuid.UUID
    names: tuple[str, ...]
    slots: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Grants:
    """Who got slots, in order, and which limits held others back."""

    granted: tuple[Candidate, ...]
    full: frozenset[str]


def grant(
    candidates: Iterable[Candidate],
    limits: Sequence[Limit],
    now: datetime.datetime,
    *,
    most: int | None = None,
    in_line: bool = False,
) -> Grants:
    """Give slots to candidates in their order; a limit that is not among `limits` holds nothing back.

    Args:
        candidates: First come, first served. One that a limit holds back lets others pass.
        limits: The locked limits.
        now: By the database's clock.
        most: Candidates to serve at most.
        in_line: True keeps a line: a limit that held somebody back gives nothing to those behind, so that
            who needs many slots is not starved by those who need few.
    """
    free = {limit.name: limit.free(now) for limit in limits}
    granted: list[Candidate] = []
    full: set[str] = set()
    for candidate in candidates:
        if most is not None and len(granted) >= most:
            break
        blocking = [
            name
            for name in candidate.names
            if name in free and (free[name] < candidate.slots or (in_line and name in full))
        ]
        if blocking:
            full.update(blocking)
            continue
        for name in candidate.names:
            if name in free:
                free[name] -= candidate.slots
        granted.append(candidate)
    return Grants(tuple(granted), frozenset(full))
