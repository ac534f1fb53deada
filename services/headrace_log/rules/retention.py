"""For how long records are kept: by level, and by deployment."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence

HIGHEST_LEVEL = 32767


@dataclasses.dataclass(frozen=True, slots=True)
class RetentionRule:
    """Records at a level or below are kept for some days."""

    deployment_id: str
    """Of its runs; empty: of all."""
    level_at_most: int
    """0: at all levels."""
    days: int
    swept_until: datetime.datetime | None = None
    """What it holds for is deleted up to this moment."""

    @property
    def highest(self) -> int:
        """The highest level that it may hold for."""
        return self.level_at_most or HIGHEST_LEVEL


@dataclasses.dataclass(frozen=True, slots=True)
class Band:
    """Levels above one and up to another."""

    above: int
    up_to: int

    def __bool__(self) -> bool:
        return self.above < self.up_to


def band_of(rule: RetentionRule, rules: Sequence[RetentionRule]) -> Band:
    """Return for which levels a rule holds: those that no rule for a lower level takes from it."""
    lower = (
        other.highest for other in rules if other.deployment_id == rule.deployment_id and other.highest < rule.highest
    )
    return Band(max(lower, default=-1), rule.highest)


def taken_by_deployments(rules: Sequence[RetentionRule]) -> Mapping[str, int]:
    """Return the deployments that have rules, and up to which level these hold in place of those for all."""
    taken: dict[str, int] = {}
    for rule in rules:
        if rule.deployment_id:
            taken[rule.deployment_id] = max(taken.get(rule.deployment_id, -1), rule.highest)
    return taken
