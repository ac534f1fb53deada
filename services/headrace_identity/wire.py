"""Between messages and what the identity service knows."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace.api.v1 import (
    api_key_pb2,
    invitation_pb2,
    options_pb2,
    role_pb2,
    service_account_pb2,
    team_pb2,
    user_pb2,
    workspace_pb2,
)
from headrace.ids import uuid7
from headrace_chassis.access_token import Claims, Grant
from headrace_identity.rules.access import Access
from headrace_identity.rules.principals import (
    OBJECT_KINDS,
    ApiKey,
    Invitation,
    Principal,
    Role,
    RoleAssignment,
    Team,
)
from headrace_identity.rules.workspaces import NewWorkspace, Workspace, WorkspaceChange

_CHANGEABLE = ("handle", "name", "description", "calls_per_second", "concurrent_calls")
LIMITS = frozenset({"calls_per_second", "concurrent_calls"})
"""What of a workspace only administrators of the account change."""

_KINDS = {
    "user": workspace_pb2.PRINCIPAL_KIND_USER,
    "service_account": workspace_pb2.PRINCIPAL_KIND_SERVICE_ACCOUNT,
    "local": workspace_pb2.PRINCIPAL_KIND_LOCAL,
    "service": workspace_pb2.PRINCIPAL_KIND_SYSTEM,
}

# These say who may call at all; nobody holds them.
_NOT_HELD = (
    options_pb2.PERMISSION_UNSPECIFIED,
    options_pb2.PERMISSION_PUBLIC,
    options_pb2.PERMISSION_AUTHENTICATED,
    options_pb2.PERMISSION_INTERNAL,
)
_HELD = {name: number for name, number in options_pb2.Permission.items() if number not in _NOT_HELD}


def to_workspace(workspace: Workspace) -> workspace_pb2.Workspace:
    """Return the message of a workspace."""
    created_at, updated_at = Timestamp(), Timestamp()
    created_at.FromDatetime(workspace.created_at)
    updated_at.FromDatetime(workspace.updated_at)
    return workspace_pb2.Workspace(
        workspace_id=str(workspace.workspace_id),
        account_id=str(workspace.account_id),
        handle=workspace.handle,
        name=workspace.name,
        description=workspace.description,
        created_at=created_at,
        updated_at=updated_at,
        calls_per_second=workspace.calls_per_second,
        concurrent_calls=workspace.concurrent_calls,
    )


def from_create(request: workspace_pb2.CreateWorkspaceRequest) -> NewWorkspace:
    """Return what a request asks to make; without an id it gets a new one, without a name its handle."""
    return NewWorkspace(
        workspace_id=uuid.UUID(request.workspace_id) if request.workspace_id else uuid7(),
        handle=request.handle,
        name=request.name or request.handle,
        description=request.description,
    )


def from_update(request: workspace_pb2.UpdateWorkspaceRequest) -> tuple[uuid.UUID, WorkspaceChange]:
    """Return which workspace to change and how.

    Raises:
        errors.InvalidArgument: The id is not one, or the mask names what cannot be changed.
    """
    try:
        workspace_id = uuid.UUID(request.workspace.workspace_id)
    except ValueError:
        raise errors.InvalidArgument.of_field("workspace.workspace_id", "must be the id of a workspace") from None
    paths = list(request.update_mask.paths) or [name for name in _CHANGEABLE if getattr(request.workspace, name)]
    unknown = sorted(set(paths) - set(_CHANGEABLE))
    if unknown:
        raise errors.InvalidArgument.of_field(
            "update_mask", f"names {', '.join(unknown)}; what can be changed is {', '.join(_CHANGEABLE)}"
        )
    return workspace_id, WorkspaceChange(**{name: getattr(request.workspace, name) for name in paths})


def to_kind(principal_kind: str) -> workspace_pb2.PrincipalKind.ValueType:
    """Return the number of a kind of principal; unspecified for one that has none."""
    return _KINDS.get(principal_kind, workspace_pb2.PRINCIPAL_KIND_UNSPECIFIED)


def to_permissions(names: frozenset[str], *, has_all: bool) -> list[options_pb2.Permission.ValueType]:
    """Return permissions by number, in their order.

    Args:
        names: Those held, by name; unknown ones are passed over.
        has_all: Whether every permission there is is held.
    """
    return sorted(
        options_pb2.Permission.ValueType(number) for name, number in _HELD.items() if has_all or name in names
    )


PERMISSION_NAMES = frozenset(_HELD)
"""All permissions that can be held."""


def to_claims(access: Access, expires_at: float) -> Claims:
    """Return what a token says of a caller."""
    return Claims(
        principal_id=str(access.principal.principal_id),
        kind=access.principal.kind,
        display_name=access.principal.display_name,
        account_id=access.principal.account_id,
        workspace_id=access.workspace_id,
        permissions=_numbers(access.rights.permissions),
        grants=tuple(
            Grant(OBJECT_KINDS.index(kind), name, _numbers(permissions))
            for (kind, name), permissions in access.rights.objects.items()
        ),
        credential_id=access.proven.credential_id,
        access_version=access.version,
        expires_at=expires_at,
        calls_per_second=access.calls_per_second,
        concurrent_calls=access.concurrent_calls,
    )


def to_user(principal: Principal) -> user_pb2.User:
    """Return the message of a user."""
    return user_pb2.User(
        user_id=str(principal.principal_id),
        email=principal.handle,
        display_name=principal.display_name,
        active=principal.is_active,
        created_at=_stamp(principal.created_at),
        updated_at=_stamp(principal.updated_at),
        last_seen_at=_stamp(principal.last_seen_at),
        external_id=principal.external_id,
    )


def to_service_account(principal: Principal) -> service_account_pb2.ServiceAccount:
    """Return the message of a service account."""
    return service_account_pb2.ServiceAccount(
        service_account_id=str(principal.principal_id),
        handle=principal.handle,
        display_name=principal.display_name,
        workspace_id=str(principal.workspace_id),
        active=principal.is_active,
        created_at=_stamp(principal.created_at),
        updated_at=_stamp(principal.updated_at),
        last_seen_at=_stamp(principal.last_seen_at),
    )


def to_team(team: Team) -> team_pb2.Team:
    """Return the message of a team."""
    return team_pb2.Team(
        team_id=str(team.team_id),
        handle=team.handle,
        name=team.name,
        description=team.description,
        created_at=_stamp(team.created_at),
        updated_at=_stamp(team.updated_at),
        external_id=team.external_id,
    )


def to_role(role: Role) -> role_pb2.Role:
    """Return the message of a role."""
    return role_pb2.Role(
        handle=role.handle,
        name=role.name,
        description=role.description,
        permissions=to_permissions(role.permissions, has_all=False),
        built_in=role.is_built_in,
        created_at=_stamp(role.created_at),
        updated_at=_stamp(role.updated_at),
    )


def to_assignment(assignment: RoleAssignment) -> role_pb2.RoleAssignment:
    """Return the message of an assignment of a role."""
    return role_pb2.RoleAssignment(
        role_assignment_id=str(assignment.role_assignment_id),
        role=assignment.role,
        principal_id=_text(assignment.principal_id),
        team_id=_text(assignment.team_id),
        workspace_id=_text(assignment.workspace_id),
        object_kind=options_pb2.ObjectKind.ValueType(OBJECT_KINDS.index(assignment.object_kind)),
        object=assignment.object,
        created_at=_stamp(assignment.created_at),
        holder=assignment.holder,
    )


def to_api_key(key: ApiKey) -> api_key_pb2.ApiKey:
    """Return the message of a key."""
    return api_key_pb2.ApiKey(
        api_key_id=key.api_key_id,
        name=key.name,
        principal_id=str(key.principal_id),
        workspace_id=_text(key.workspace_id),
        permissions=to_permissions(frozenset(key.permissions), has_all=False),
        created_at=_stamp(key.created_at),
        expires_at=_stamp(key.expires_at),
        revoked_at=_stamp(key.revoked_at),
        last_used_at=_stamp(key.last_used_at),
        replaced_by_id=key.replaced_by_id or "",
        holder=key.holder,
    )


def to_invitation(invitation: Invitation) -> invitation_pb2.Invitation:
    """Return the message of an invitation."""
    return invitation_pb2.Invitation(
        invitation_id=str(invitation.invitation_id),
        email=invitation.email,
        role=invitation.role,
        workspace_id=str(invitation.workspace_id),
        created_at=_stamp(invitation.created_at),
        expires_at=_stamp(invitation.expires_at),
    )


def from_permissions(numbers: Iterable[int]) -> tuple[str, ...]:
    """Return permissions by name, each once.

    Raises:
        errors.InvalidArgument: One cannot be held, or is not known.
    """
    names = {int(number): name for name, number in _HELD.items()}
    if any(number not in names for number in numbers):
        raise errors.InvalidArgument.of_field("permissions", "names one that nobody can hold")
    return tuple(sorted({names[number] for number in numbers}))


def from_id(text: str) -> uuid.UUID | None:
    """Return an id, None for an empty text."""
    return uuid.UUID(text) if text else None


def changed(message: Message, paths: Iterable[str], changeable: tuple[str, ...]) -> dict[str, Any]:
    """Return the new values of fields, None for those that stay.

    Raises:
        errors.InvalidArgument: The mask names what cannot be changed, or nothing.
    """
    named = list(paths)
    unknown = sorted(set(named) - set(changeable))
    if unknown or not named:
        raise errors.InvalidArgument.of_field("update_mask", f"what can be changed is {', '.join(changeable)}")
    return {name: getattr(message, name) if name in named else None for name in changeable}


def moment(message: Message, field: str) -> datetime.datetime | None:
    """Return the time in a field, None where it is unset.

    Raises:
        errors.InvalidArgument: It is beyond what can be stored.
    """
    if not message.HasField(field):
        return None
    try:
        found: datetime.datetime = getattr(message, field).ToDatetime(tzinfo=datetime.UTC)
    except (ValueError, OverflowError):
        raise errors.InvalidArgument.of_field(field, "must be in the years 1 to 9999") from None
    return found


def changed_meanwhile(what: str) -> errors.Aborted:
    """Return the refusal to change what is not any more as the caller saw it."""
    return errors.Aborted(f"{what} has changed meanwhile", reason="CHANGED_MEANWHILE")


def _numbers(names: Iterable[str]) -> frozenset[int]:
    return frozenset(int(_HELD[name]) for name in names if name in _HELD)


def _stamp(moment: datetime.datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def _text(value: uuid.UUID | None) -> str:
    return str(value) if value is not None else ""
