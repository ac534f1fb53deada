"""Where calendars are kept."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Sequence
from typing import Protocol

from headrace_scheduler.rules.calendar import Calendar


@dataclasses.dataclass(frozen=True, slots=True)
class StoredCalendar:
    """A calendar, and when it was made and changed."""

    calendar: Calendar
    created_at: datetime.datetime
    updated_at: datetime.datetime


class Calendars(Protocol):
    """Calendars of workspaces."""

    async def load(self, workspace_id: uuid.UUID, names: Sequence[str]) -> dict[str, Calendar]:
        """Return those of these calendars that exist."""
        ...

    async def load_stored(self, workspace_id: uuid.UUID, name: str) -> StoredCalendar | None:
        """Return a calendar with its times, None if there is none."""
        ...

    async def list_page(self, workspace_id: uuid.UUID, after: str | None, limit: int) -> list[StoredCalendar]:
        """Return calendars with names behind `after`, by name."""
        ...

    async def store(self, workspace_id: uuid.UUID, stored: Calendar) -> bool:
        """Store a calendar in the place of the one with its name; return whether it is new."""
        ...

    async def delete(self, workspace_id: uuid.UUID, name: str) -> None:
        """Delete a calendar."""
        ...

    async def list_deployments(self, workspace_id: uuid.UUID, name: str) -> list[uuid.UUID]:
        """Return the deployments with schedules that name a calendar."""
        ...
