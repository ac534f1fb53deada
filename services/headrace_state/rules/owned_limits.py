"""Limits that belong to pools, queues and deployments."""

from __future__ import annotations

import dataclasses

OWNERS = ("work-pool:", "work-queue:", "deployment:")
"""What the names of owned limits begin with; people do not set or delete these by name."""


@dataclasses.dataclass(frozen=True, slots=True)
class OwnedLimit:
    """A limit as its owner wants it."""

    name: str
    slots: int | None
    """None removes it."""


def is_owned(name: str) -> bool:
    """Return whether a limit of this name belongs to a pool, queue or deployment."""
    return name.startswith(OWNERS)
