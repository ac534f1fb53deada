"""What the identity service is made of."""

from __future__ import annotations

from headrace_chassis.service import Service, ServiceContext
from headrace_identity.queries.workspaces import PostgresWorkspaces
from headrace_identity.servicers.internal import IdentityInternalServicer
from headrace_identity.servicers.workspace import WorkspaceServicer


async def build(context: ServiceContext) -> Service:
    """Return the service, ready to be served."""
    workspaces = PostgresWorkspaces(context.database)
    return Service(servicers=(WorkspaceServicer(workspaces), IdentityInternalServicer(workspaces)))
