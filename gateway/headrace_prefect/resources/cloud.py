"""What `prefect cloud login` asks for: which workspaces there are for somebody."""

from __future__ import annotations

from headrace.api.v1 import workspace_pb2
from headrace_prefect import lists
from headrace_prefect.answers import Answer, ok
from headrace_prefect.request import Request
from headrace_prefect.resources.routes import Route

ACCOUNT = "headrace"
"""What the one account of an installation is called."""


async def read_my_workspaces(request: Request) -> Answer:
    """Return the workspaces that the caller may see, with the account that they are part of."""
    found = await lists.every(
        request,
        request.services.workspaces.ListWorkspaces,
        workspace_pb2.ListWorkspacesRequest(),
        "workspaces",
    )
    return ok(
        [
            {
                "account_id": workspace.account_id,
                "account_name": ACCOUNT,
                "account_handle": ACCOUNT,
                "workspace_id": workspace.workspace_id,
                "workspace_name": workspace.name or workspace.handle,
                "workspace_description": workspace.description,
                "workspace_handle": workspace.handle,
            }
            for workspace in found
        ]
    )


ROUTES = (Route("GET", "/me/workspaces", read_my_workspaces),)
