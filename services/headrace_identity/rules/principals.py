"""Users, service accounts, teams, and what may be said of them."""

from __future__ import annotations

import dataclasses
import datetime
import re
import uuid

_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")

OBJECT_KINDS = ("", "deployment", "work_pool", "block", "automation")
"""By the number of `headrace.api.v1.ObjectKind`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Principal:
    """A user or a service account."""

    principal_id: uuid.UUID
    account_id: uuid.UUID
    workspace_id: uuid.UUID | None
    """Of a service account."""
    kind: str
    """`user` or `service_account`."""
    handle: str
    """Of a user the e-mail address in small letters."""
    display_name: str
    is_active: bool
    last_seen_at: datetime.datetime | None
    created_at: datetime.datetime
    updated_at: datetime.datetime
    external_id: str = ""
    """What a directory calls a user."""


@dataclasses.dataclass(frozen=True, slots=True)
class Team:
    """Users that hold roles together."""

    team_id: uuid.UUID
    handle: str
    name: str
    description: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    external_id: str = ""
    """What a directory calls it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Role:
    """A set of permissions with a name."""

    handle: str
    name: str
    description: str
    permissions: frozenset[str]
    is_built_in: bool
    created_at: datetime.datetime | None
    updated_at: datetime.datetime | None


@dataclasses.dataclass(frozen=True, slots=True)
class RoleAssignment:
    """That somebody holds a role somewhere, as it is shown."""

    role_assignment_id: uuid.UUID
    role: str
    principal_id: uuid.UUID | None
    team_id: uuid.UUID | None
    workspace_id: uuid.UUID | None
    object_kind: str
    object: str
    created_at: datetime.datetime
    holder: str


@dataclasses.dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its text."""

    api_key_id: str
    name: str
    principal_id: uuid.UUID
    workspace_id: uuid.UUID | None
    permissions: tuple[str, ...]
    lifetime_seconds: float | None
    created_at: datetime.datetime
    expires_at: datetime.datetime | None
    revoked_at: datetime.datetime | None
    last_used_at: datetime.datetime | None
    replaced_by_id: str | None
    holder: str
    holder_workspace_id: uuid.UUID | None
    """The workspace that the holder belongs to; None for users."""


@dataclasses.dataclass(frozen=True, slots=True)
class Invitation:
    """That somebody was invited."""

    invitation_id: uuid.UUID
    workspace_id: uuid.UUID
    email: str
    role: str
    created_at: datetime.datetime
    expires_at: datetime.datetime


def read_address(text: str) -> str | None:
    """Return an e-mail address as it is compared, None for what is none."""
    address = text.strip().lower()
    return address if _ADDRESS.fullmatch(address) else None
