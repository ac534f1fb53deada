"""Make, find and change workspaces."""

from __future__ import annotations

import uuid

from headrace import errors
from headrace_identity.repository import Workspaces
from headrace_identity.rules import workspaces as rules
from headrace_identity.rules.workspaces import NewWorkspace, Workspace, WorkspaceChange


async def create_workspace(workspaces: Workspaces, new: NewWorkspace) -> Workspace:
    """Make a workspace. The same request again returns what it made before.

    Raises:
        errors.InvalidArgument: The handle, name or description is not allowed.
        errors.AlreadyExists: Another workspace has the handle or the id.
    """
    _refuse_faults("", WorkspaceChange(new.handle, new.name, new.description))
    made = await workspaces.insert(new)
    if made is not None:
        return made
    found = await workspaces.load(new.workspace_id)
    if found is not None and found.handle == new.handle:
        return found
    taken = f"the handle {new.handle}" if found is None else f"the id {new.workspace_id}"
    raise errors.AlreadyExists(f"another workspace has {taken}")


async def find_workspace(workspaces: Workspaces, named: str) -> Workspace:
    """Return the workspace with an id or handle.

    Raises:
        errors.NotFound: There is none.
    """
    workspace_id = rules.reads_as_id(named)
    if workspace_id is not None:
        found = await workspaces.load(workspace_id)
    else:
        found = await workspaces.load_by_handle(named)
    if found is None:
        raise errors.NotFound(f"there is no workspace {named}", reason="WORKSPACE_NOT_FOUND")
    return found


async def update_workspace(workspaces: Workspaces, workspace_id: uuid.UUID, change: WorkspaceChange) -> Workspace:
    """Change a workspace and return it with its new values.

    Raises:
        errors.InvalidArgument: A new value is not allowed.
        errors.AlreadyExists: Another workspace has the new handle.
        errors.NotFound: There is no such workspace.
    """
    _refuse_faults("workspace.", change)
    changed = await workspaces.update(workspace_id, change)
    if changed is None:
        raise errors.NotFound(f"there is no workspace {workspace_id}", reason="WORKSPACE_NOT_FOUND")
    return changed


def _refuse_faults(prefix: str, change: WorkspaceChange) -> None:
    faults = {
        "handle": rules.fault_of_handle(change.handle) if change.handle is not None else None,
        "name": rules.fault_of_name(change.name) if change.name is not None else None,
        "description": rules.fault_of_description(change.description) if change.description is not None else None,
    }
    violations = [errors.FieldViolation(prefix + field, fault) for field, fault in faults.items() if fault is not None]
    if violations:
        raise errors.InvalidArgument(violations=violations)
