"""Slots as callers ask for them."""

from __future__ import annotations

import dataclasses
import datetime
import uuid


@dataclasses.dataclass(frozen=True, slots=True)
class SlotWish:
    """Slots of all named limits under one lease, or of none."""

    lease_id: uuid.UUID
    names: tuple[str, ...]
    slots: int
    lease_seconds: float
    holder_kind: str
    holder_id: str
    is_strict: bool
    """Whether a name without a limit is an error."""


@dataclasses.dataclass(frozen=True, slots=True)
class SlotsHeld:
    """The slots are held."""

    lease_id: uuid.UUID | None
    """None if none of the names has a limit."""
    expires_at: datetime.datetime | None
    names: tuple[str, ...]
    """The limits that were found."""


@dataclasses.dataclass(frozen=True, slots=True)
class SlotsAwaited:
    """The slots are not free."""

    name: str
    """A limit that is full."""
    place: int
    """In the line, from 1."""
    free_in_seconds: float | None
    """When a rate limit will have slots again; None where that depends on others."""
