"""Add to the audit log, and look whether it is whole."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable

from headrace_identity.repository.audit import AuditLog
from headrace_identity.rules.audit import Head, Note, Verification, first_broken

_BATCH = 1000


async def append_notes(log: AuditLog, notes: Iterable[Note]) -> None:
    """Add notes to the chains of their workspaces, in the order of their ids, which is that of time."""
    ordered = sorted(notes, key=lambda note: (note.workspace_id, note.audit_entry_id))
    for workspace_id, group in itertools.groupby(ordered, key=lambda note: note.workspace_id):
        await log.append(workspace_id, list(group))


async def verify(log: AuditLog, workspace_id: uuid.UUID) -> Verification:
    """Return whether the chain of a workspace is whole."""
    head = Head()
    checked = 0
    while page := await log.list_after(workspace_id, head.sequence, _BATCH):
        broken = first_broken(page, head)
        checked += len(page)
        if broken:
            return Verification(checked, broken, head)
        head = Head(page[-1].sequence, page[-1].hash)
    return Verification(checked, 0, head)
