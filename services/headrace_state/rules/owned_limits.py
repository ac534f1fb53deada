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


KEY_MARK = ":key:"
"""Stands between the name of a deployment's limit and the key that a further limit is for."""


def is_keyed(name: str, deployment_id: str) -> bool:
    """Return whether a limit of this name is that of a key of a deployment."""
    start = f"deployment:{deployment_id}{KEY_MARK}"
    return bool(deployment_id) and name.startswith(start) and len(name) > len(start)


def is_owned(name: str) -> bool:
    """Return whether a limit of this name belongs to a pool, queue or deployment."""
    return name.startswith(OWNERS)
