"""Slots as callers ask for them."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Iterable


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
    is_rate: bool = False
    """Whether only rate limits are meant, of which no lease is kept."""
    taken_by: uuid.UUID | None = None
    """The flow run that asks with its token; nobody else's lease is taken for its own."""


@dataclasses.dataclass(frozen=True, slots=True)
class LeaseHolder:
    """Who holds a lease."""

    attempt_of: uuid.UUID | None
    """The flow run whose attempt it is, None if it is a client's."""
    taken_by: uuid.UUID | None
    """The flow run that took it with its token beside its attempt."""


@dataclasses.dataclass(frozen=True, slots=True)
class SlotsHeld:
    """The slots are held."""

    lease_id: uuid.UUID | None
    """None if there is nothing to give back."""
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


@dataclasses.dataclass(frozen=True, slots=True)
class SlotsRefused:
    """The slots will not be given, however long one waits."""

    name: str
    """The limit that refuses."""


REFUSES_AT_ZERO = "tag:"
"""Limits of these names refuse where they are 0; others hold everybody back until they are raised."""


def refusing(names_and_slots: Iterable[tuple[str, int]]) -> SlotsRefused | None:
    """Return the refusal of the first limit that refuses; None if all would give slots some day."""
    for name, slots in names_and_slots:
        if slots == 0 and name.startswith(REFUSES_AT_ZERO):
            return SlotsRefused(name)
    return None
