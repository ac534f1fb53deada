"""What webhooks need of storage."""

from __future__ import annotations

import datetime
import uuid
from typing import Protocol

from headrace_notification.rules.webhooks import Webhook


class WebhookStore(Protocol):
    """Keeps webhooks."""

    async def add(self, webhook: Webhook) -> Webhook | None:
        """Store a new webhook and return it as stored; None if its id or its slug is taken."""
        ...

    async def load(self, workspace_id: uuid.UUID, webhook_id: uuid.UUID) -> Webhook | None:
        """Return a webhook."""
        ...

    async def load_by_slug(self, slug: str, workspace_id: uuid.UUID | None = None) -> Webhook | None:
        """Return the webhook at an address, of any workspace or of one."""
        ...

    async def list_webhooks(
        self, workspace_id: uuid.UUID, *, name_contains: str, after: tuple[str, uuid.UUID] | None, limit: int
    ) -> list[Webhook]:
        """Return webhooks by name."""
        ...

    async def replace(self, webhook: Webhook) -> Webhook | None:
        """Store new values and return it as stored; None if it is gone."""
        ...

    async def delete(self, workspace_id: uuid.UUID, webhook_id: uuid.UUID) -> bool:
        """Delete a webhook; return whether it was there."""
        ...

    async def list_sealed(self, after: uuid.UUID, limit: int) -> list[Webhook]:
        """Return webhooks of all workspaces that have a secret, in the order of their ids, behind `after`."""
        ...

    async def spend(self, webhook: Webhook) -> float | None:
        """Count a call; return None, or in how many seconds there is room for another one."""
        ...

    async def event_id_of(
        self, webhook: Webhook, digest: bytes, event_id: uuid.UUID, window: datetime.timedelta
    ) -> uuid.UUID:
        """Return the id of the event that a call with this digest became within the window; else `event_id`."""
        ...

    async def note_error(self, webhook: Webhook, error: str) -> None:
        """Store what was wrong with a call."""
        ...
