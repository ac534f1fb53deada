"""Who a caller is, and what it may do."""

from __future__ import annotations

import dataclasses
import datetime
import uuid

from headrace_identity.rules.principals import Principal
from headrace_identity.rules.roles import Rights


@dataclasses.dataclass(frozen=True, slots=True)
class Proven:
    """What a credential proves."""

    principal_id: uuid.UUID
    credential_id: str
    """Names the credential in the audit log; no secret."""
    workspace_id: uuid.UUID | None = None
    """The only workspace that it is good in; None is every one of its holder's."""
    permissions: frozenset[str] | None = None
    """The most that it can do; None is all that its holder may."""
    expires_at: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Access:
    """Who a caller is and what it may do in one workspace."""

    principal: Principal
    workspace_id: uuid.UUID
    rights: Rights
    proven: Proven
    version: int
    calls_per_second: float
    concurrent_calls: int
