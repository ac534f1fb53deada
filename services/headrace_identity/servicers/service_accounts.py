"""`ServiceAccountService`: programs that call under a name of their own."""

from __future__ import annotations

import uuid

from headrace import errors
from headrace.api.v1 import service_account_pb2 as pb
from headrace.api.v1 import service_account_pb2_grpc
from headrace.ids import uuid7
from headrace_chassis.caller import current_caller
from headrace_chassis.pages import asked_page
from headrace_identity import wire
from headrace_identity.repository import Directory, Roles
from headrace_identity.rules.principals import Principal
from headrace_identity.servicers.calls import Context, held
from headrace_identity.usecases import members

_CHANGEABLE = ("display_name", "active")


class ServiceAccountServicer(service_account_pb2_grpc.ServiceAccountServiceServicer):
    """Service accounts belong to a workspace."""

    def __init__(self, directory: Directory, roles: Roles) -> None:
        self._directory = directory
        self._roles = roles

    async def CreateServiceAccount(
        self, request: pb.CreateServiceAccountRequest, context: Context
    ) -> pb.CreateServiceAccountResponse:
        """Create a service account, with a role if one is named."""
        caller = current_caller()
        if request.role:
            # Refused before anything is made.
            permissions = await members.permissions_of(self._roles, request.role)
            members.refuse_more(permissions - {"PERMISSION_ACCOUNT_ADMIN"}, held(caller))
        made = await self._directory.insert_principal(
            uuid7(),
            request.handle,
            request.display_name or request.handle,
            kind="service_account",
            workspace_id=caller.workspace_id,
        )
        if made is None:
            raise errors.AlreadyExists(f"there is a service account {request.handle} already")
        if request.role:
            await members.assign_role(
                self._roles,
                request.role,
                held=held(caller),
                assignment_id=uuid7(),
                workspace_id=caller.workspace_id,
                principal_id=made.principal_id,
                team_id=None,
            )
        return pb.CreateServiceAccountResponse(service_account=wire.to_service_account(made))

    async def GetServiceAccount(
        self, request: pb.GetServiceAccountRequest, context: Context
    ) -> pb.GetServiceAccountResponse:
        """Return a service account."""
        found = await self._find(request.service_account)
        return pb.GetServiceAccountResponse(service_account=wire.to_service_account(found))

    async def ListServiceAccounts(
        self, request: pb.ListServiceAccountsRequest, context: Context
    ) -> pb.ListServiceAccountsResponse:
        """Return a page of service accounts."""
        workspace_id = current_caller().workspace_id
        page = asked_page(request, "service accounts", workspace_id, key=(str,))
        found = await self._directory.list_service_accounts(
            workspace_id, after=page.after_name or "", limit=page.lookahead
        )
        shown, token = page.split(found, lambda account: (account.handle,))
        return pb.ListServiceAccountsResponse(
            service_accounts=map(wire.to_service_account, shown), next_page_token=token
        )

    async def UpdateServiceAccount(
        self, request: pb.UpdateServiceAccountRequest, context: Context
    ) -> pb.UpdateServiceAccountResponse:
        """Change a service account."""
        change = wire.changed(request.service_account, request.update_mask.paths, _CHANGEABLE)
        found = await self._find(request.service_account.service_account_id)
        made = await self._directory.update_principal(
            found.principal_id, handle=None, display_name=change["display_name"], is_active=change["active"]
        )
        return pb.UpdateServiceAccountResponse(service_account=wire.to_service_account(made or found))

    async def DeleteServiceAccount(
        self, request: pb.DeleteServiceAccountRequest, context: Context
    ) -> pb.DeleteServiceAccountResponse:
        """Delete a service account with all keys and roles."""
        workspace_id = current_caller().workspace_id
        named = uuid.UUID(request.service_account_id)
        if not await self._directory.delete_principal(named, "service_account", workspace_id):
            raise _missing(request.service_account_id)
        return pb.DeleteServiceAccountResponse()

    async def _find(self, named: str) -> Principal:
        workspace_id = current_caller().workspace_id
        try:
            found = await self._directory.load_principal(uuid.UUID(named))
        except ValueError:
            found = await self._directory.load_service_account(workspace_id, named)
        if found is None or found.workspace_id != workspace_id:
            raise _missing(named)
        return found


def _missing(named: str) -> errors.NotFound:
    return errors.NotFound(f"there is no service account {named}", reason="SERVICE_ACCOUNT_NOT_FOUND")
