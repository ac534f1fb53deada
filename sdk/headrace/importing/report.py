"""What an import found, what it made of it, and what could not be carried over."""

from __future__ import annotations

import dataclasses
from typing import Any

MOST_LOSSES = 2000
"""Losses that are told one by one; further ones are counted."""


@dataclasses.dataclass(slots=True)
class Count:
    """How many things of a kind."""

    found: int = 0
    created: int = 0
    updated: int = 0
    there_before: int = 0
    refused: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Loss:
    """Something that could not be carried over, whole or in part."""

    kind: str
    name: str
    what: str


@dataclasses.dataclass(slots=True)
class Report:
    """Counts by kind, in the order in which kinds are imported, and losses."""

    counts: dict[str, Count] = dataclasses.field(default_factory=dict)
    losses: list[Loss] = dataclasses.field(default_factory=list)
    more_losses: int = 0

    def of(self, kind: str) -> Count:
        """Return the count of a kind."""
        return self.counts.setdefault(kind, Count())

    def created(self, kind: str, number: int = 1) -> None:
        """Count what was made."""
        count = self.of(kind)
        count.found += number
        count.created += number

    def updated(self, kind: str) -> None:
        """Count what was there already, in another form than there."""
        count = self.of(kind)
        count.found += 1
        count.updated += 1

    def there_before(self, kind: str, number: int = 1) -> None:
        """Count what was there already, and stays as it is."""
        count = self.of(kind)
        count.found += number
        count.there_before += number

    def refused(self, kind: str, name: str, why: str) -> None:
        """Note something that could not be carried over at all."""
        count = self.of(kind)
        count.found += 1
        count.refused += 1
        self.lost(kind, name, why)

    def lost(self, kind: str, name: str, what: str) -> None:
        """Note a part of something that could not be carried over."""
        loss = Loss(kind, name, what)
        if loss in self.losses:
            return
        if len(self.losses) < MOST_LOSSES:
            self.losses.append(loss)
        else:
            self.more_losses += 1

    def to_plain(self) -> dict[str, Any]:
        """Return what can be kept and shown as JSON."""
        return {
            "counts": {kind: dataclasses.asdict(count) for kind, count in self.counts.items()},
            "lost": [dataclasses.asdict(loss) for loss in self.losses],
            "more_lost": self.more_losses,
        }

    @classmethod
    def from_plain(cls, kept: dict[str, Any]) -> Report:
        """Return what was kept."""
        return cls(
            {kind: Count(**count) for kind, count in kept["counts"].items()},
            [Loss(**loss) for loss in kept["lost"]],
            int(kept["more_lost"]),
        )
