"""Between messages and what the identity service knows."""

from __future__ import annotations

import uuid

from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace.api.v1 import options_pb2, workspace_pb2
from headrace.ids import uuid7
from headrace_identity.rules.workspaces import NewWorkspace, Workspace, WorkspaceChange

_CHANGEABLE = ("handle", "name", "description")

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
