"""`IdentityInternalService`: what guards of other services ask."""

from __future__ import annotations

from typing import Any

import grpc.aio

from headrace.internal.v1 import identity_pb2, identity_pb2_grpc
from headrace_identity import wire
from headrace_identity.repository import Workspaces
from headrace_identity.usecases import workspaces as usecases


class IdentityInternalServicer(identity_pb2_grpc.IdentityInternalServiceServicer):
    """Only Headrace's own services reach it."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    async def ResolveWorkspace(
        self, request: identity_pb2.ResolveWorkspaceRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> identity_pb2.ResolveWorkspaceResponse:
        """Return the workspace that a caller names."""
        workspace = await usecases.find_workspace(self._workspaces, request.workspace)
        return identity_pb2.ResolveWorkspaceResponse(workspace=wire.to_workspace(workspace))

    async def GetInstallation(
        self, request: identity_pb2.GetInstallationRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> identity_pb2.GetInstallationResponse:
        """Tell which installation the database is."""
        installation_id = await self._workspaces.load_installation_id()
        return identity_pb2.GetInstallationResponse(installation_id=str(installation_id))
