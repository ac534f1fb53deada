"""Where service levels are kept."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from typing import Protocol

from headrace_scheduler.rules.service_level import ServiceLevel


class ServiceLevels(Protocol):
    """Service levels of deployments."""

    async def list_of(self, workspace_id: uuid.UUID, deployment_id: uuid.UUID) -> list[ServiceLevel]:
        """Return the service levels of a deployment by name."""
        ...

    async def store(self, level: ServiceLevel) -> None:
        """Store a service level, new or changed; it is looked at soon."""
        ...

    async def delete(self, service_level_ids: Sequence[uuid.UUID]) -> None:
        """Delete service levels."""
        ...

    async def list_due(self, limit: int) -> tuple[list[ServiceLevel], datetime.datetime]:
        """Return those of all workspaces that have to be looked at, and the time by the database's clock."""
        ...

    async def add_violation(self, service_level_id: uuid.UUID, subject: str, now: datetime.datetime) -> bool:
        """Store that a promise was broken; False if it is known of this subject."""
        ...

    async def checked(
        self, service_level_id: uuid.UUID, now: datetime.datetime, next_check_at: datetime.datetime
    ) -> None:
        """Store up to when a service level was looked at, and when to look again."""
        ...

    async def forget_violations(self, older_seconds: float) -> int:
        """Delete what was broken long ago; return how many."""
        ...
