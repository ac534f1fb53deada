"""Drop runs of a deployment that did not start."""

from __future__ import annotations

import uuid

from headrace_state.repository.claims import Claims
from headrace_state.repository.flow_runs import FlowRuns
from headrace_state.rules.facts import Actor, NewState, Proposal
from headrace_state.rules.states import StateType
from headrace_state.usecases.propose import propose


async def drop_scheduled_runs(
    flow_runs: FlowRuns,
    claims: Claims,
    workspace_id: uuid.UUID,
    deployment_id: uuid.UUID,
    schedule_id: str | None,
    *,
    all_runs: bool,
) -> int:
    """Delete the runs that schedules made; with `all_runs` also those due already, and cancel what others made.

    Without `all_runs` a run whose time has come is kept: its slot is not lost by a change made a moment later.

    Returns:
        How many runs were deleted or cancelled.
    """
    dropped = await claims.drop_scheduled(workspace_id, deployment_id, schedule_id, with_past=all_runs)
    if not all_runs:
        return dropped
    for flow_run_id in await claims.list_waiting(workspace_id, deployment_id):
        state = NewState(StateType.CANCELLING, "Cancelling", message="Its deployment was deleted.")
        outcome = await propose(flow_runs, workspace_id, flow_run_id, Proposal(state, actor=Actor.SERVER))
        dropped += outcome.state.type is StateType.CANCELLED
    return dropped
