"""Ask flow runs to stop."""

from __future__ import annotations

import uuid

from headrace_state.repository.flow_runs import FlowRuns, Outcome
from headrace_state.rules.facts import Actor, NewState, Proposal
from headrace_state.rules.states import StateType
from headrace_state.usecases.propose import propose

CANCELLATION_SECONDS = 120.0
"""How long a run that was asked to stop has for it. Workers kill a process long before."""


async def cancel_flow_run(
    flow_runs: FlowRuns, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, request_id: uuid.UUID | None, reason: str
) -> Outcome:
    """Ask a run to stop, and then the subflows below it.

    Raises:
        errors.NotFound: There is no such flow run.
    """
    outcome = await propose(
        flow_runs, workspace_id, flow_run_id, _stop(request_id, reason or "Cancellation was requested.")
    )
    for child_id in await flow_runs.list_descendants(workspace_id, flow_run_id):
        await propose(flow_runs, workspace_id, child_id, _stop(None, "The flow run that called it is being cancelled."))
    return outcome


def _stop(proposal_id: uuid.UUID | None, message: str) -> Proposal:
    state = NewState(StateType.CANCELLING, "Cancelling", message=message)
    return Proposal(state, proposal_id=proposal_id, actor=Actor.PERSON)
