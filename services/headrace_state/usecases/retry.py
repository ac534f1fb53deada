"""Schedule final flow runs again."""

from __future__ import annotations

import enum
import random
import uuid
from collections.abc import Sequence

from headrace import errors
from headrace_state.repository.flow_runs import FlowRuns, FlowRunUnit, Outcome
from headrace_state.rules.facts import Actor, NewState, Proposal
from headrace_state.rules.states import AWAITING_RETRY, StateType
from headrace_state.usecases.propose import judge_and_store


class RetryScope(enum.Enum):
    """What a retry executes again."""

    UNFINISHED = "unfinished"
    """Task runs without a finished result."""
    ALL = "all"
    FROM_TASK = "from task"
    """The named task runs and all that depends on them."""


async def retry_flow_run(
    flow_runs: FlowRuns,
    workspace_id: uuid.UUID,
    flow_run_id: uuid.UUID,
    request_id: uuid.UUID | None,
    scope: RetryScope,
    task_run_ids: Sequence[uuid.UUID],
) -> Outcome:
    """Schedule a final run now, and open the task runs that are to be executed again.

    Raises:
        errors.NotFound: There is no such flow run.
        errors.InvalidArgument: Task runs are named although the scope does not look at them, or the other way round;
            or none of them is one of the run's.
    """
    if (scope is RetryScope.FROM_TASK) != bool(task_run_ids):
        raise errors.InvalidArgument.of_field("task_run_ids", "belong to the scope FROM_TASK, which needs them")
    proposal = Proposal(
        NewState(StateType.SCHEDULED, AWAITING_RETRY, message="A retry was requested."),
        proposal_id=request_id,
        actor=Actor.PERSON,
        executes_all_again=scope is not RetryScope.UNFINISHED,
        chance=random.random(),
    )

    async def work(unit: FlowRunUnit) -> Outcome:
        before = await unit.lock(flow_run_id, proposal)
        if before is not None and not before.state.is_final and before.answer is None:
            return Outcome("aborted", before.state, "NOT_FINAL", f"the run is {before.state.name}, which is not final")
        outcome = await judge_and_store(unit, flow_run_id, proposal)
        is_new = outcome.verdict == "accepted" and before is not None and before.answer is None
        if is_new and scope is not RetryScope.UNFINISHED:
            reopened = await unit.reopen_task_runs(flow_run_id, task_run_ids or None)
            if task_run_ids and not reopened:
                raise errors.InvalidArgument.of_field("task_run_ids", "are no finished task runs of this flow run")
        if is_new and scope is RetryScope.ALL:
            await unit.forget_waits(flow_run_id)
        return outcome

    return await flow_runs.run(workspace_id, work)
