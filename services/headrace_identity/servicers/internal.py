"""`IdentityInternalService`: what guards of other services ask."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

import grpc.aio

from headrace import errors
from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace.internal.v1 import identity_pb2, identity_pb2_grpc
from headrace_chassis.access_token import LIFETIME_SECONDS
from headrace_chassis.resolving import NO_WORKSPACE_ID
from headrace_identity import wire
from headrace_identity.repository import Directory, Roles, SigningKeys, Workspaces
from headrace_identity.servicers.signing import Signer
from headrace_identity.usecases import authenticating
from headrace_identity.usecases import workspaces as usecases

Context = grpc.aio.ServicerContext[Any, Any]


class IdentityInternalServicer(identity_pb2_grpc.IdentityInternalServiceServicer):
    """Only Headrace's own services reach it.

    Args:
        workspaces: The workspaces.
        directory: Users and service accounts.
        roles: Who holds which.
        signing: Keys that sign.
        signer: Signs with them.
        authenticators: The kinds of credentials that are known.
    """

    def __init__(
        self,
        workspaces: Workspaces,
        directory: Directory,
        roles: Roles,
        signing: SigningKeys,
        signer: Signer,
        authenticators: Sequence[authenticating.Authenticator],
    ) -> None:
        self._workspaces = workspaces
        self._directory = directory
        self._roles = roles
        self._signing = signing
        self._signer = signer
        self._authenticators = tuple(authenticators)

    async def ResolveWorkspace(
        self, request: identity_pb2.ResolveWorkspaceRequest, context: Context
    ) -> identity_pb2.ResolveWorkspaceResponse:
        """Return the workspace that a caller names."""
        workspace = await usecases.find_workspace(self._workspaces, request.workspace)
        return identity_pb2.ResolveWorkspaceResponse(workspace=wire.to_workspace(workspace))

    async def GetInstallation(
        self, request: identity_pb2.GetInstallationRequest, context: Context
    ) -> identity_pb2.GetInstallationResponse:
        """Tell which installation the database is."""
        installation_id = await self._workspaces.load_installation_id()
        return identity_pb2.GetInstallationResponse(installation_id=str(installation_id))

    async def ExchangeCredential(
        self, request: identity_pb2.ExchangeCredentialRequest, context: Context
    ) -> identity_pb2.ExchangeCredentialResponse:
        """Tell who a caller is and what it may do, with a token that proves it."""
        access = await authenticating.exchange(
            self._authenticators,
            self._directory,
            self._roles,
            self._signing,
            authorization=request.authorization,
            cookie=request.cookie,
            named=await self._named(request.workspace),
            default=DEFAULT_WORKSPACE_ID,
            nowhere=NO_WORKSPACE_ID,
        )
        expires_at = time.time() + LIFETIME_SECONDS
        if access.proven.expires_at is not None:
            expires_at = min(expires_at, access.proven.expires_at.timestamp())
        token = await self._signer.sign(wire.to_claims(access, expires_at))
        response = identity_pb2.ExchangeCredentialResponse(access_token=token, access_version=access.version)
        response.expires_at.FromMilliseconds(int(expires_at * 1000))
        return response

    async def GetAccessState(
        self, request: identity_pb2.GetAccessStateRequest, context: Context
    ) -> identity_pb2.GetAccessStateResponse:
        """Return what tokens are checked with."""
        version = await self._signing.load_version()
        keys = await self._signer.public_keys()
        return identity_pb2.GetAccessStateResponse(
            access_version=version,
            keys=[identity_pb2.VerifyingKey(key_id=key_id, public_key=key) for key_id, key in keys.items()],
        )

    async def _named(self, workspace: str) -> uuid.UUID | None:
        if not workspace:
            return None
        try:
            return (await usecases.find_workspace(self._workspaces, workspace)).workspace_id
        except errors.NotFound:
            # Whether there is one is told only to those who prove who they are, and have a role in it.
            return NO_WORKSPACE_ID
