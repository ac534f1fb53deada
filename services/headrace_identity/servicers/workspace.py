"""`WorkspaceService`: workspaces and the caller's place in them."""

from __future__ import annotations

import uuid

from headrace import errors
from headrace.api.v1 import workspace_pb2, workspace_pb2_grpc
from headrace_chassis.caller import ALL_PERMISSIONS, current_caller
from headrace_chassis.pages import asked_page
from headrace_chassis.resolving import NO_WORKSPACE_ID
from headrace_identity import wire
from headrace_identity.repository import Roles, Workspaces
from headrace_identity.servicers.calls import ACCOUNT_ADMIN, Context, principal_id
from headrace_identity.usecases import workspaces as usecases


class WorkspaceServicer(workspace_pb2_grpc.WorkspaceServiceServicer):
    """Whoever administers the account sees and changes every workspace, others their own."""

    def __init__(self, workspaces: Workspaces, roles: Roles) -> None:
        self._workspaces = workspaces
        self._roles = roles

    async def CreateWorkspace(
        self, request: workspace_pb2.CreateWorkspaceRequest, context: Context
    ) -> workspace_pb2.CreateWorkspaceResponse:
        """Create a workspace."""
        workspace = await usecases.create_workspace(self._workspaces, wire.from_create(request))
        return workspace_pb2.CreateWorkspaceResponse(workspace=wire.to_workspace(workspace))

    async def GetWorkspace(
        self, request: workspace_pb2.GetWorkspaceRequest, context: Context
    ) -> workspace_pb2.GetWorkspaceResponse:
        """Return one workspace; one that the caller may not see is as if it were not."""
        workspace = await usecases.find_workspace(self._workspaces, request.workspace)
        only = await self._visible()
        if only is not None and workspace.workspace_id not in only:
            raise errors.NotFound(f"there is no workspace {request.workspace}", reason="WORKSPACE_NOT_FOUND")
        return workspace_pb2.GetWorkspaceResponse(workspace=wire.to_workspace(workspace))

    async def ListWorkspaces(
        self, request: workspace_pb2.ListWorkspacesRequest, context: Context
    ) -> workspace_pb2.ListWorkspacesResponse:
        """Return a page of the workspaces that the caller may see."""
        only = await self._visible()
        page = asked_page(request, "workspaces", ",".join(map(str, only)) if only is not None else None, key=(str,))
        found = await self._workspaces.list_page(after_handle=page.after_name or "", limit=page.lookahead, only=only)
        shown, token = page.split(found, lambda workspace: (workspace.handle,))
        return workspace_pb2.ListWorkspacesResponse(workspaces=map(wire.to_workspace, shown), next_page_token=token)

    async def UpdateWorkspace(
        self, request: workspace_pb2.UpdateWorkspaceRequest, context: Context
    ) -> workspace_pb2.UpdateWorkspaceResponse:
        """Change a workspace."""
        workspace_id, change = wire.from_update(request)
        caller = current_caller()
        if not caller.may(ACCOUNT_ADMIN):
            if workspace_id != caller.workspace_id:
                raise errors.NotFound(f"there is no workspace {workspace_id}", reason="WORKSPACE_NOT_FOUND")
            if any(getattr(change, name) is not None for name in wire.LIMITS):
                caller.require(ACCOUNT_ADMIN)
        workspace = await usecases.update_workspace(self._workspaces, workspace_id, change)
        return workspace_pb2.UpdateWorkspaceResponse(workspace=wire.to_workspace(workspace))

    async def GetCaller(
        self, request: workspace_pb2.GetCallerRequest, context: Context
    ) -> workspace_pb2.GetCallerResponse:
        """Tell who the caller is."""
        caller = current_caller()
        if caller.workspace_id == NO_WORKSPACE_ID:
            workspace = None
        else:
            workspace = await usecases.find_workspace(self._workspaces, str(caller.workspace_id))
        return workspace_pb2.GetCallerResponse(
            principal_id=caller.principal_id,
            kind=wire.to_kind(caller.principal_kind),
            display_name=caller.display_name,
            workspace=wire.to_workspace(workspace) if workspace is not None else None,
            permissions=wire.to_permissions(caller.permissions, has_all=caller.may(ALL_PERMISSIONS)),
        )

    async def _visible(self) -> list[uuid.UUID] | None:
        """Return the workspaces that the caller may see, None if it may see all."""
        caller = current_caller()
        if caller.may(ACCOUNT_ADMIN):
            return None
        own = principal_id(caller)
        places = set(await self._roles.list_member_workspaces(own)) if own is not None else set()
        if None in places:
            return None
        return sorted({place for place in places if place is not None} | {caller.workspace_id})
