"""`RoleService`: roles, and who holds them where."""

from __future__ import annotations

import uuid

from headrace import errors
from headrace.api.v1 import role_pb2, role_pb2_grpc
from headrace.ids import uuid7
from headrace_chassis.caller import current_caller
from headrace_chassis.pages import asked_page
from headrace_identity import wire
from headrace_identity.repository import Directory, Roles
from headrace_identity.rules.principals import OBJECT_KINDS, Role
from headrace_identity.rules.roles import BuiltIn
from headrace_identity.servicers.calls import ACCOUNT_ADMIN, Context, administers_account, held
from headrace_identity.usecases import members

_CHANGEABLE = ("name", "description", "permissions")


class RoleServicer(role_pb2_grpc.RoleServiceServicer):
    """Roles belong to the account; who holds them, to a workspace or to the account."""

    def __init__(self, roles: Roles, directory: Directory) -> None:
        self._roles = roles
        self._directory = directory

    async def CreateRole(self, request: role_pb2.CreateRoleRequest, context: Context) -> role_pb2.CreateRoleResponse:
        """Create a role."""
        self._refuse_built_in(request.handle)
        permissions = wire.from_permissions(request.permissions)
        role = await self._roles.insert(
            request.handle, request.name or request.handle, request.description, permissions
        )
        if role is None:
            raise errors.AlreadyExists(f"there is a role {request.handle} already")
        return role_pb2.CreateRoleResponse(role=wire.to_role(role))

    async def GetRole(self, request: role_pb2.GetRoleRequest, context: Context) -> role_pb2.GetRoleResponse:
        """Return a role."""
        built_in = self._roles.built_in.get(request.handle)
        role = _role(built_in) if built_in is not None else await self._roles.load(request.handle)
        if role is None:
            raise await members.no_role(self._roles, request.handle)
        return role_pb2.GetRoleResponse(role=wire.to_role(role))

    async def ListRoles(self, request: role_pb2.ListRolesRequest, context: Context) -> role_pb2.ListRolesResponse:
        """Return a page of roles: first those that come with the server."""
        page = asked_page(request, "roles", key=(str,))
        first = [_role(each) for each in self._roles.built_in.values()] if page.after is None else []
        # Those that come with the server are few, and on the first page in addition.
        found = await self._roles.list_page(after=page.after_name or "", limit=page.lookahead)
        shown, token = page.split(found, lambda role: (role.handle,))
        return role_pb2.ListRolesResponse(roles=map(wire.to_role, (*first, *shown)), next_page_token=token)

    async def UpdateRole(self, request: role_pb2.UpdateRoleRequest, context: Context) -> role_pb2.UpdateRoleResponse:
        """Change a role."""
        self._refuse_built_in(request.role.handle)
        change = wire.changed(request.role, request.update_mask.paths, _CHANGEABLE)
        if change["permissions"] is not None:
            change["permissions"] = wire.from_permissions(change["permissions"])
        role = await self._roles.update(request.role.handle, **change)
        if role is None:
            raise await members.no_role(self._roles, request.role.handle)
        return role_pb2.UpdateRoleResponse(role=wire.to_role(role))

    async def DeleteRole(self, request: role_pb2.DeleteRoleRequest, context: Context) -> role_pb2.DeleteRoleResponse:
        """Delete a role."""
        self._refuse_built_in(request.handle)
        if not await self._roles.delete(request.handle):
            raise await members.no_role(self._roles, request.handle)
        return role_pb2.DeleteRoleResponse()

    async def AssignRole(self, request: role_pb2.AssignRoleRequest, context: Context) -> role_pb2.AssignRoleResponse:
        """Give a role."""
        caller = current_caller()
        if bool(request.principal_id) == bool(request.team_id):
            raise errors.InvalidArgument.of_field("principal_id", "name this or a team_id")
        if bool(request.object_kind) != bool(request.object):
            raise errors.InvalidArgument.of_field("object", "goes together with object_kind")
        if request.in_account:
            caller.require(ACCOUNT_ADMIN)
            if request.object_kind:
                raise errors.InvalidArgument.of_field("in_account", "objects belong to a workspace")
        principal_id = wire.from_id(request.principal_id)
        if principal_id is not None:
            await self._refuse_foreign(principal_id)
        assignment = await members.assign_role(
            self._roles,
            request.role,
            held=held(caller),
            assignment_id=uuid7(),
            workspace_id=None if request.in_account else caller.workspace_id,
            principal_id=principal_id,
            team_id=wire.from_id(request.team_id),
            object_kind=OBJECT_KINDS[request.object_kind],
            object_name=request.object,
        )
        return role_pb2.AssignRoleResponse(role_assignment=wire.to_assignment(assignment))

    async def ListRoleAssignments(
        self, request: role_pb2.ListRoleAssignmentsRequest, context: Context
    ) -> role_pb2.ListRoleAssignmentsResponse:
        """Return a page of who holds which roles."""
        caller = current_caller()
        page = asked_page(
            request, "role assignments", caller.workspace_id, request.principal_id, request.team_id, key=(uuid.UUID,)
        )
        found = await self._roles.list_assignments(
            caller.workspace_id,
            with_account=administers_account(),
            principal_id=wire.from_id(request.principal_id),
            team_id=wire.from_id(request.team_id),
            after=page.after_id,
            limit=page.lookahead,
        )
        shown, token = page.split(found, lambda assignment: (assignment.role_assignment_id,))
        return role_pb2.ListRoleAssignmentsResponse(
            role_assignments=map(wire.to_assignment, shown), next_page_token=token
        )

    async def UnassignRole(
        self, request: role_pb2.UnassignRoleRequest, context: Context
    ) -> role_pb2.UnassignRoleResponse:
        """Take a role away."""
        caller = current_caller()
        found = await self._roles.load_assignment(uuid.UUID(request.role_assignment_id))
        if found is None or (found.workspace_id != caller.workspace_id and not administers_account()):
            raise errors.NotFound(f"there is no role assignment {request.role_assignment_id}")
        permissions = await members.permissions_of(self._roles, found.role)
        members.refuse_more(permissions if found.workspace_id is None else permissions - {ACCOUNT_ADMIN}, held(caller))
        await self._roles.unassign(found.role_assignment_id)
        return role_pb2.UnassignRoleResponse()

    def _refuse_built_in(self, handle: str) -> None:
        if handle in self._roles.built_in:
            raise errors.FailedPrecondition(
                f"the role {handle} comes with the server and stays as it is", reason="ROLE_BUILT_IN"
            )

    async def _refuse_foreign(self, principal_id: uuid.UUID) -> None:
        holder = await self._directory.load_principal(principal_id)
        is_foreign = holder is not None and holder.workspace_id not in (None, current_caller().workspace_id)
        if holder is None or is_foreign:
            raise errors.NotFound("there is no such user, service account or team", reason="HOLDER_NOT_FOUND")


def _role(built_in: BuiltIn) -> Role:
    return Role(built_in.handle, built_in.name, built_in.description, built_in.permissions, True, None, None)
