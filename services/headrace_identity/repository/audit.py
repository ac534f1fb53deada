"""What storage offers to the audit log."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Sequence
from typing import Protocol

from headrace_identity.rules.audit import Entry, Note


@dataclasses.dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries of the audit log are asked for; what is empty asks for all."""

    principal_id: str = ""
    action_contains: str = ""
    object_kind: str = ""
    object_id: str = ""
    outcome: str = ""
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None


class AuditLog(Protocol):
    """The audit log. Nothing in it can be changed."""

    async def append(self, workspace_id: uuid.UUID, notes: Sequence[Note]) -> int:
        """Add notes to the chain of a workspace, those that are in it already left out.

        Returns:
            How many were added.
        """
        ...

    async def list_page(
        self, workspace_id: uuid.UUID, wanted: AuditFilter, *, before_sequence: int | None, limit: int
    ) -> Sequence[Entry]:
        """Return entries of a workspace, the newest first."""
        ...

    async def list_after(self, workspace_id: uuid.UUID, sequence: int, limit: int) -> Sequence[Entry]:
        """Return the entries of a workspace behind one, in their order."""
        ...
