"""Equal spans of time that people can read: they begin at round moments and have round lengths."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Iterator

# All that a calendar holds is behind it.
_EPOCH = datetime.datetime(1, 1, 1, tzinfo=datetime.UTC)
_STEPS = tuple(
    datetime.timedelta(seconds=seconds)
    for seconds in (
        *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
        *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
        *(3600, 7200, 10800, 21600, 43200, 86400),
    )
)


@dataclasses.dataclass(frozen=True, slots=True)
class Spans:
    """Spans of one length, one after the other."""

    start: datetime.datetime
    width: datetime.timedelta
    count: int


@dataclasses.dataclass(frozen=True, slots=True)
class Counts:
    """How many records of each level were written in one span."""

    place: int
    """Which span, from 0."""
    debug: int
    info: int
    warning: int
    error: int
    critical: int

    def plus(self, other: Counts) -> Counts:
        """Return both together, of the same span."""
        return Counts(
            self.place,
            self.debug + other.debug,
            self.info + other.info,
            self.warning + other.warning,
            self.error + other.error,
            self.critical + other.critical,
        )


def added_up(counts: Iterable[Counts]) -> list[Counts]:
    """Return the counts of each span, added up, in the order of time."""
    by_place: dict[int, Counts] = {}
    for one in counts:
        other = by_place.get(one.place)
        by_place[one.place] = one if other is None else one.plus(other)
    return [by_place[place] for place in sorted(by_place)]


def choose_spans(first: datetime.datetime, last: datetime.datetime, most: int) -> Spans:
    """Return at most `most` spans that reach from `first` to `last`, both in them."""
    for width in _widths():
        start = first - (first - _EPOCH) % width
        count = (last - start) // width + 1
        if count <= max(most, 1):
            return Spans(start, width, count)
    raise AssertionError("widths have no end")


def _widths() -> Iterator[datetime.timedelta]:
    yield from _STEPS
    days = 2
    while True:
        yield datetime.timedelta(days=days)
        days *= 2
