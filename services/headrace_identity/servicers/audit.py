"""`AuditService`, and how the other services' notes come into the audit log."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio

from headrace.api.v1 import audit_pb2, audit_pb2_grpc
from headrace.internal.v1 import audit_pb2 as internal_pb2
from headrace.internal.v1 import audit_pb2_grpc as internal_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.calls import current_draining
from headrace_chassis.pages import asked_page
from headrace_chassis.resolving import NO_WORKSPACE_ID
from headrace_chassis.scope import everywhere
from headrace_identity.repository.audit import AuditFilter, AuditLog
from headrace_identity.rules.audit import Entry, Note
from headrace_identity.usecases import audit as usecases

_ADMIN = "PERMISSION_ACCOUNT_ADMIN"
_BATCH = 500
_POLL_SECONDS = 1.0
_OUTCOME = "AUDIT_OUTCOME_"

Context = grpc.aio.ServicerContext[Any, Any]


class AuditServicer(audit_pb2_grpc.AuditServiceServicer):
    """Shows the audit log of the caller's workspace."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    async def ListAuditEntries(
        self, request: audit_pb2.ListAuditEntriesRequest, context: Context
    ) -> audit_pb2.ListAuditEntriesResponse:
        """Return a page of entries, the newest first."""
        caller = current_caller()
        workspace_id = caller.workspace_id
        if request.without_workspace:
            caller.require(_ADMIN)
            workspace_id = NO_WORKSPACE_ID
        asked = audit_pb2.ListAuditEntriesRequest()
        asked.CopyFrom(request)
        asked.ClearField("page_token")
        asked.ClearField("page_size")
        page = asked_page(request, "audit", workspace_id, asked)
        [before] = page.behind(int) or (None,)
        # Rows of no workspace are nobody's, and only who may see them has come this far.
        with everywhere() if request.without_workspace else contextlib.nullcontext():
            found = await self._log.list_page(
                workspace_id, _filter(request), before_sequence=before, limit=page.lookahead
            )
        shown, token = page.split(found, lambda entry: (entry.sequence,))
        return audit_pb2.ListAuditEntriesResponse(entries=map(to_entry, shown), next_page_token=token)

    async def FollowAuditEntries(
        self, request: audit_pb2.FollowAuditEntriesRequest, context: Context
    ) -> AsyncIterator[audit_pb2.FollowAuditEntriesResponse]:
        """Return entries in their order."""
        workspace_id, sequence = current_caller().workspace_id, request.after_sequence
        draining = current_draining()
        while not draining.is_set():
            page = await self._log.list_after(workspace_id, sequence, _BATCH)
            if page:
                sequence = page[-1].sequence
                yield audit_pb2.FollowAuditEntriesResponse(entries=[to_entry(entry) for entry in page])
            elif not request.follow:
                return
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(draining.wait(), _POLL_SECONDS)

    async def GetAuditVerification(
        self, request: audit_pb2.GetAuditVerificationRequest, context: Context
    ) -> audit_pb2.GetAuditVerificationResponse:
        """Tell whether the log is whole."""
        found = await usecases.verify(self._log, current_caller().workspace_id)
        return audit_pb2.GetAuditVerificationResponse(
            whole=not found.first_broken_sequence,
            checked=found.checked,
            first_broken_sequence=found.first_broken_sequence,
            last_sequence=found.head.sequence,
            last_hash=found.head.hash if found.head.sequence else "",
        )


class AuditInternalServicer(internal_pb2_grpc.AuditInternalServiceServicer):
    """Takes notes of the services."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    async def AppendAuditEntries(
        self, request: internal_pb2.AppendAuditEntriesRequest, context: Context
    ) -> internal_pb2.AppendAuditEntriesResponse:
        """Add them to the log."""
        await usecases.append_notes(self._log, [_note(entry) for entry in request.entries])
        return internal_pb2.AppendAuditEntriesResponse()


def to_entry(entry: Entry) -> audit_pb2.AuditEntry:
    """Return the message of an entry."""
    note = entry.note
    message = audit_pb2.AuditEntry(
        audit_entry_id=str(note.audit_entry_id),
        workspace_id=str(note.workspace_id),
        sequence=entry.sequence,
        principal_id=note.principal_id,
        principal_kind=note.principal_kind,
        principal_name=note.principal_name,
        action=note.action,
        permission=note.permission,
        object_kind=note.object_kind,
        object_id=note.object_id,
        outcome=audit_pb2.AuditOutcome.Value(_OUTCOME + note.outcome),
        reason=note.reason,
        address=note.address,
        user_agent=note.user_agent,
        correlation_id=note.correlation_id,
        before_digest=entry.before_digest,
        after_digest=note.after_digest,
        previous_hash=entry.previous_hash,
        hash=entry.hash,
    )
    message.occurred_at.FromDatetime(note.occurred_at)
    return message


def _note(entry: audit_pb2.AuditEntry) -> Note:
    return Note(
        audit_entry_id=uuid.UUID(entry.audit_entry_id),
        workspace_id=uuid.UUID(entry.workspace_id),
        occurred_at=entry.occurred_at.ToDatetime(datetime.UTC),
        # Postgres keeps every character of a text but this one.
        principal_id=entry.principal_id.replace("\0", ""),
        principal_kind=entry.principal_kind,
        principal_name=entry.principal_name.replace("\0", ""),
        action=entry.action,
        permission=entry.permission,
        object_kind=entry.object_kind,
        object_id=entry.object_id.replace("\0", ""),
        outcome=audit_pb2.AuditOutcome.Name(entry.outcome).removeprefix(_OUTCOME),
        reason=entry.reason,
        address=entry.address,
        user_agent=entry.user_agent.replace("\0", ""),
        correlation_id=entry.correlation_id,
        after_digest=entry.after_digest,
    )


def _filter(request: audit_pb2.ListAuditEntriesRequest) -> AuditFilter:
    outcome = audit_pb2.AuditOutcome.Name(request.outcome).removeprefix(_OUTCOME) if request.outcome else ""
    return AuditFilter(
        principal_id=request.principal_id,
        action_contains=request.action_contains,
        object_kind=request.object_kind,
        object_id=request.object_id,
        outcome=outcome,
        since=request.since.ToDatetime(datetime.UTC) if request.HasField("since") else None,
        until=request.until.ToDatetime(datetime.UTC) if request.HasField("until") else None,
    )
