"""`UserService`: the people of the account."""

from __future__ import annotations

import uuid

from headrace import errors
from headrace.api.v1 import user_pb2, user_pb2_grpc
from headrace.ids import uuid7
from headrace_chassis.caller import current_caller
from headrace_chassis.pages import asked_page
from headrace_identity import wire
from headrace_identity.repository import Directory, Roles
from headrace_identity.rules.principals import Principal
from headrace_identity.servicers.calls import Context, administers_account
from headrace_identity.usecases import members

_CHANGEABLE = ("email", "display_name", "active", "external_id")


class UserServicer(user_pb2_grpc.UserServiceServicer):
    """Whoever administers the account sees and changes all users, others see those of their workspace."""

    def __init__(self, directory: Directory, roles: Roles) -> None:
        self._directory = directory
        self._roles = roles

    async def CreateUser(self, request: user_pb2.CreateUserRequest, context: Context) -> user_pb2.CreateUserResponse:
        """Create a user."""
        user = await members.create_user(
            self._directory, uuid7(), request.email, request.display_name, request.external_id
        )
        return user_pb2.CreateUserResponse(user=wire.to_user(user))

    async def GetUser(self, request: user_pb2.GetUserRequest, context: Context) -> user_pb2.GetUserResponse:
        """Return a user; one of other workspaces is as if it were not."""
        user = await self._find(request.user)
        if user is None or not await self._is_visible(user):
            raise errors.NotFound(f"there is no user {request.user}", reason="USER_NOT_FOUND")
        return user_pb2.GetUserResponse(user=wire.to_user(user))

    async def ListUsers(self, request: user_pb2.ListUsersRequest, context: Context) -> user_pb2.ListUsersResponse:
        """Return a page of users."""
        only = None if administers_account() else current_caller().workspace_id
        page = asked_page(request, "users", only, request.name_contains, request.external_id, key=(str,))
        part = request.name_contains.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        found = await self._directory.list_users(
            after=page.after_name or "",
            limit=page.lookahead,
            in_workspace=only,
            pattern=f"%{part}%" if part else "",
            external_id=request.external_id,
        )
        shown, token = page.split(found, lambda user: (user.handle,))
        return user_pb2.ListUsersResponse(users=map(wire.to_user, shown), next_page_token=token)

    async def UpdateUser(self, request: user_pb2.UpdateUserRequest, context: Context) -> user_pb2.UpdateUserResponse:
        """Change a user."""
        user_id = _id(request.user.user_id)
        change = wire.changed(request.user, request.update_mask.paths, _CHANGEABLE)
        if change["active"] is False:
            await members.refuse_last_owner(self._roles, user_id)
        found = await self._directory.load_principal(user_id)
        if found is None or found.kind != "user":
            raise errors.NotFound(f"there is no user {user_id}", reason="USER_NOT_FOUND")
        user = await self._directory.update_principal(
            user_id,
            handle=members.address_of(change["email"]) if change["email"] is not None else None,
            display_name=change["display_name"],
            is_active=change["active"],
            external_id=change["external_id"],
            if_updated_at=wire.moment(request, "if_updated_at"),
        )
        if user is None:
            raise wire.changed_meanwhile(f"the user {user_id}")
        return user_pb2.UpdateUserResponse(user=wire.to_user(user))

    async def DeleteUser(self, request: user_pb2.DeleteUserRequest, context: Context) -> user_pb2.DeleteUserResponse:
        """Delete a user with all keys, sessions and roles."""
        user_id, if_updated_at = uuid.UUID(request.user_id), wire.moment(request, "if_updated_at")
        if not await members.delete_user(self._directory, self._roles, user_id, if_updated_at):
            found = await self._directory.load_principal(user_id)
            if found is None or found.kind != "user":
                raise errors.NotFound(f"there is no user {user_id}", reason="USER_NOT_FOUND")
            raise wire.changed_meanwhile(f"the user {user_id}")
        return user_pb2.DeleteUserResponse()

    async def _find(self, named: str) -> Principal | None:
        try:
            found = await self._directory.load_principal(uuid.UUID(named))
        except ValueError:
            found = await self._directory.load_user(named.lower())
        return found if found is not None and found.kind == "user" else None

    async def _is_visible(self, user: Principal) -> bool:
        if administers_account():
            return True
        places = await self._roles.list_member_workspaces(user.principal_id)
        return bool({None, current_caller().workspace_id} & set(places))


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise errors.InvalidArgument.of_field("user.user_id", "must be the id of a user") from None
