"""What the identity service is made of."""

from __future__ import annotations

from headrace_chassis.secrets import SecretBox
from headrace_chassis.service import Service, ServiceContext
from headrace_identity import wire
from headrace_identity.queries.changes import Changes
from headrace_identity.queries.directory import PostgresDirectory
from headrace_identity.queries.keys import PostgresApiKeys, PostgresInvitations, PostgresSigningKeys
from headrace_identity.queries.roles import PostgresRoles
from headrace_identity.queries.workspaces import PostgresWorkspaces
from headrace_identity.rules.roles import built_in_roles
from headrace_identity.servicers.api_keys import ApiKeyServicer
from headrace_identity.servicers.internal import IdentityInternalServicer
from headrace_identity.servicers.invitations import InvitationServicer
from headrace_identity.servicers.roles import RoleServicer
from headrace_identity.servicers.service_accounts import ServiceAccountServicer
from headrace_identity.servicers.signing import Signer
from headrace_identity.servicers.teams import TeamServicer
from headrace_identity.servicers.users import UserServicer
from headrace_identity.servicers.workspace import WorkspaceServicer
from headrace_identity.usecases.authenticating import ApiKeyAuthenticator


async def build(context: ServiceContext) -> Service:
    """Return the service, ready to be served."""
    changes = Changes(context.database, context.wakeups)
    workspaces = PostgresWorkspaces(context.database, changes)
    directory = PostgresDirectory(context.database, changes)
    roles = PostgresRoles(context.database, changes, built_in_roles(wire.PERMISSION_NAMES))
    keys = PostgresApiKeys(context.database, changes)
    invitations = PostgresInvitations(context.database)
    signing = PostgresSigningKeys(context.database, changes)
    signer = Signer(signing, SecretBox.of_settings(context.settings), context.clock.now)
    authenticators = (ApiKeyAuthenticator(keys, context.clock.now),)
    return Service(
        servicers=(
            WorkspaceServicer(workspaces, roles),
            UserServicer(directory, roles),
            TeamServicer(directory),
            RoleServicer(roles, directory),
            ServiceAccountServicer(directory, roles),
            ApiKeyServicer(keys, directory, roles),
            InvitationServicer(invitations, directory, roles, keys),
            IdentityInternalServicer(workspaces, directory, roles, signing, signer, authenticators),
        )
    )
