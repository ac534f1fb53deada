"""`InvitationService`: how people get in."""

from __future__ import annotations

import datetime
import uuid

from headrace import errors
from headrace.api.v1 import invitation_pb2 as pb
from headrace.api.v1 import invitation_pb2_grpc
from headrace.ids import uuid7
from headrace_chassis.caller import current_caller
from headrace_chassis.pages import asked_page
from headrace_chassis.scope import everywhere
from headrace_identity import wire
from headrace_identity.neighbours.mail import InvitationMail
from headrace_identity.repository import ApiKeys, Directory, Invitations, Roles
from headrace_identity.servicers.calls import ACCOUNT_ADMIN, Context, held
from headrace_identity.usecases import members


class InvitationServicer(invitation_pb2_grpc.InvitationServiceServicer):
    """Invitations belong to a workspace; the set-up of a new server to none."""

    def __init__(
        self,
        invitations: Invitations,
        directory: Directory,
        roles: Roles,
        keys: ApiKeys,
        mail: InvitationMail | None = None,
    ) -> None:
        self._mail = mail
        self._invitations = invitations
        self._directory = directory
        self._roles = roles
        self._keys = keys

    async def CreateInvitation(
        self, request: pb.CreateInvitationRequest, context: Context
    ) -> pb.CreateInvitationResponse:
        """Invite somebody."""
        caller = current_caller()
        permissions = await members.permissions_of(self._roles, request.role)
        members.refuse_more(permissions - {ACCOUNT_ADMIN}, held(caller))
        invitation, token = await members.invite(
            self._invitations, caller.workspace_id, uuid7(), request.email, request.role, caller.principal_id
        )
        emailed = self._mail is not None and await self._mail.send(invitation.email, token, caller.display_name)
        return pb.CreateInvitationResponse(invitation=wire.to_invitation(invitation), token=token, emailed=emailed)

    async def ListInvitations(self, request: pb.ListInvitationsRequest, context: Context) -> pb.ListInvitationsResponse:
        """Return a page of open invitations."""
        workspace_id = current_caller().workspace_id
        page = asked_page(request, "invitations", workspace_id)
        after = page.behind(datetime.datetime, uuid.UUID)
        found = await self._invitations.list_page(workspace_id, after=after, limit=page.lookahead)
        shown, token = page.split(found, lambda invitation: (invitation.created_at, invitation.invitation_id))
        return pb.ListInvitationsResponse(invitations=map(wire.to_invitation, shown), next_page_token=token)

    async def DeleteInvitation(
        self, request: pb.DeleteInvitationRequest, context: Context
    ) -> pb.DeleteInvitationResponse:
        """Take an invitation back."""
        named = uuid.UUID(request.invitation_id)
        if not await self._invitations.delete(current_caller().workspace_id, named):
            raise errors.NotFound(f"there is no open invitation {named}", reason="INVITATION_NOT_FOUND")
        return pb.DeleteInvitationResponse()

    async def AcceptInvitation(
        self, request: pb.AcceptInvitationRequest, context: Context
    ) -> pb.AcceptInvitationResponse:
        """Take an invitation up."""
        # Whoever takes it up is in no workspace yet, or in another one.
        with everywhere():
            user, key = await members.accept_invitation(
                self._invitations,
                self._directory,
                self._roles,
                self._keys,
                token=request.token,
                display_name=request.display_name,
                caller_id=current_caller().principal_id,
                user_id=uuid7(),
                assignment_id=uuid7(),
            )
        return pb.AcceptInvitationResponse(user=wire.to_user(user), key=key)

    async def SetUpAccount(self, request: pb.SetUpAccountRequest, context: Context) -> pb.SetUpAccountResponse:
        """Make the first user, who owns the account."""
        user, key = await members.set_up_account(
            self._invitations,
            self._directory,
            self._roles,
            self._keys,
            token=request.token,
            email=request.email,
            display_name=request.display_name,
            user_id=uuid7(),
            assignment_id=uuid7(),
        )
        return pb.SetUpAccountResponse(user=wire.to_user(user), key=key)
