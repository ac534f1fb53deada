"""Delete flows."""

from __future__ import annotations

import uuid

from headrace import errors
from headrace_state.repository.flows import Deployments, Flows


async def delete_flow(flows: Flows, deployments: Deployments, workspace_id: uuid.UUID, flow_id: uuid.UUID) -> None:
    """Delete a flow with its runs.

    Raises:
        errors.NotFound: There is no such flow.
        errors.FailedPrecondition: A deployment of it exists (reason `DEPLOYMENTS_EXIST`), or runs are in progress
            (reason `RUNS_IN_PROGRESS`).
        errors.Unavailable: The service that keeps deployments does not answer.
    """
    if await flows.load(workspace_id, flow_id) is None:
        raise errors.NotFound(f"there is no flow {flow_id}")
    name = await deployments.find_of_flow(flow_id)
    if name is not None:
        raise errors.FailedPrecondition(
            f"the flow has the deployment {name}; delete its deployments first", reason="DEPLOYMENTS_EXIST"
        )
    await flows.delete(workspace_id, flow_id)
