"""`ApiKeyService`: what programs prove with who they are."""

from __future__ import annotations

import datetime
import uuid

from headrace import errors
from headrace.api.v1 import api_key_pb2 as pb
from headrace.api.v1 import api_key_pb2_grpc
from headrace_chassis.caller import Caller, current_caller
from headrace_chassis.pages import asked_page
from headrace_identity import wire
from headrace_identity.repository import ApiKeys, Directory, Roles
from headrace_identity.rules.principals import ApiKey
from headrace_identity.rules.roles import ACCOUNT_ADMIN, judge_rights
from headrace_identity.servicers.calls import MEMBERS_EDIT, MEMBERS_VIEW, Context, held, principal_id
from headrace_identity.usecases import keys as usecases
from headrace_identity.usecases import members
from headrace_identity.usecases.run_tokens import RunTokens


class ApiKeyServicer(api_key_pb2_grpc.ApiKeyServiceServicer):
    """Everybody keeps their own keys; those of service accounts are kept by who may edit members."""

    def __init__(self, keys: ApiKeys, directory: Directory, roles: Roles, run_tokens: RunTokens) -> None:
        self._run_tokens = run_tokens
        self._keys = keys
        self._directory = directory
        self._roles = roles

    async def CreateApiKey(self, request: pb.CreateApiKeyRequest, context: Context) -> pb.CreateApiKeyResponse:
        """Create a key."""
        caller = current_caller()
        holder = await self._holder(request.principal_id, caller)
        is_bound = False
        permissions = wire.from_permissions(request.permissions)
        if holder == principal_id(caller):
            # A key that is limited makes none that is not.
            members.refuse_more(frozenset(permissions), held(caller))
            limits = await usecases.load_limits(self._keys, caller.credential_id)
            is_bound = limits is not None and limits.workspace_id is not None
            if not permissions and limits is not None and limits.permissions:
                # Also where all that its holder may do here is within the limits: there are other workspaces.
                permissions = tuple(sorted(limits.permissions))
            elif not permissions and await self._is_limited(holder, caller):
                permissions = tuple(sorted(caller.permissions))
        key, text = await usecases.create_key(
            self._keys,
            holder,
            request.name,
            workspace_id=caller.workspace_id if request.only_here or is_bound else None,
            permissions=permissions,
            lifetime_seconds=request.lifetime.ToTimedelta().total_seconds() if request.HasField("lifetime") else None,
        )
        return pb.CreateApiKeyResponse(api_key=wire.to_api_key(key), key=text)

    async def ListApiKeys(self, request: pb.ListApiKeysRequest, context: Context) -> pb.ListApiKeysResponse:
        """Return a page of keys."""
        caller = current_caller()
        holder = wire.from_id(request.principal_id) or principal_id(caller)
        workspace_id = None
        if request.everybody or holder is None or holder != principal_id(caller):
            caller.require(MEMBERS_VIEW)
            workspace_id = caller.workspace_id
        if request.everybody:
            holder = None
        page = asked_page(request, "keys", workspace_id, holder, str(request.include_dead))
        found = await self._keys.list_page(
            principal_id=holder,
            workspace_id=workspace_id,
            with_dead=request.include_dead,
            after=page.behind(datetime.datetime, str),
            limit=page.lookahead,
        )
        shown, token = page.split(found, lambda key: (key.created_at, key.api_key_id))
        return pb.ListApiKeysResponse(api_keys=map(wire.to_api_key, shown), next_page_token=token)

    async def RotateApiKey(self, request: pb.RotateApiKeyRequest, context: Context) -> pb.RotateApiKeyResponse:
        """Create a key in place of another."""
        old = await self._find(request.api_key_id)
        caller = current_caller()
        # The text of the new key is the caller's from now on, and with it all that the key can do.
        await usecases.refuse_beyond(self._keys, caller.credential_id, old)
        if old.principal_id != principal_id(caller):
            await self._refuse_more(old.principal_id, caller, frozenset(old.permissions) or None)
        key, text = await usecases.rotate_key(
            self._keys,
            old,
            overlap_seconds=request.overlap.ToTimedelta().total_seconds() if request.HasField("overlap") else None,
            lifetime_seconds=request.lifetime.ToTimedelta().total_seconds() if request.HasField("lifetime") else None,
        )
        return pb.RotateApiKeyResponse(api_key=wire.to_api_key(key), key=text)

    async def RevokeApiKey(self, request: pb.RevokeApiKeyRequest, context: Context) -> pb.RevokeApiKeyResponse:
        """Make a key useless at once."""
        key = await self._find(request.api_key_id)
        await self._keys.revoke(key.api_key_id)
        return pb.RevokeApiKeyResponse()

    async def CreateRunToken(self, request: pb.CreateRunTokenRequest, context: Context) -> pb.CreateRunTokenResponse:
        """Create the token of a flow run."""
        caller = current_caller()
        holder = principal_id(caller)
        if holder is None:
            return pb.CreateRunTokenResponse()
        token = await self._run_tokens.create(
            holder,
            caller.workspace_id,
            caller.credential_id,
            uuid.UUID(request.flow_run_id),
            uuid.UUID(request.attempt_token),
        )
        return pb.CreateRunTokenResponse(token=token)

    async def _find(self, api_key_id: str) -> ApiKey:
        caller = current_caller()
        return await usecases.find_key(
            self._keys,
            api_key_id,
            own=caller.principal_id,
            workspace_id=caller.workspace_id,
            may_edit=caller.may(MEMBERS_EDIT),
        )

    async def _holder(self, named: str, caller: Caller) -> uuid.UUID:
        own = principal_id(caller)
        holder = wire.from_id(named) or own
        if holder is None:
            raise errors.InvalidArgument.of_field(
                "principal_id", "is needed on a server without sign-in: name a user or a service account"
            )
        if holder == own:
            return holder
        caller.require(MEMBERS_EDIT)
        found = await self._directory.load_principal(holder)
        # Users keep their keys themselves: whoever could make one for an owner would be an owner.
        is_kept_here = found is not None and found.workspace_id == caller.workspace_id
        if found is None or not (is_kept_here or (held(caller) is None and found.kind == "user")):
            raise errors.NotFound("there is no such service account in the workspace", reason="HOLDER_NOT_FOUND")
        await self._refuse_more(holder, caller)
        return holder

    async def _refuse_more(self, holder: uuid.UUID, caller: Caller, most: frozenset[str] | None = None) -> None:
        """Refuse who would get a key that can do more than they may themselves, here or elsewhere."""
        assignments = await self._roles.list_rights(holder)
        members.refuse_more(judge_rights(assignments, caller.workspace_id, most).permissions, held(caller))
        if any(each.workspace_id != caller.workspace_id for each in assignments):
            # In other workspaces nothing is known of what the caller may do.
            members.refuse_more(frozenset({ACCOUNT_ADMIN}), held(caller))

    async def _is_limited(self, holder: uuid.UUID, caller: Caller) -> bool:
        rights = judge_rights(await self._roles.list_rights(holder), caller.workspace_id)
        return bool(rights.permissions - caller.permissions)
