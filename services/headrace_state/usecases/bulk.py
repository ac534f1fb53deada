"""Change many flow runs."""

from __future__ import annotations

import dataclasses
import uuid

from headrace import errors
from headrace_state.repository.bulk import BulkOperations
from headrace_state.repository.flow_runs import FlowRunReads, FlowRuns, Outcome
from headrace_state.rules.bulk import BulkAction, BulkKind, BulkProgress, Refusal
from headrace_state.rules.facts import Actor, NewState, Proposal
from headrace_state.rules.filters import FlowRunFilter, Span
from headrace_state.rules.rows import Row
from headrace_state.rules.states import USUAL_NAMES, StateType
from headrace_state.usecases.cancel import cancel_flow_run
from headrace_state.usecases.propose import propose
from headrace_state.usecases.retry import RetryScope, retry_flow_run

_NOTHING_TO_STOP = "NOTHING_TO_STOP"


async def advance(
    operations: BulkOperations,
    flow_runs: FlowRuns,
    reads: FlowRunReads,
    operation: Row,
    chosen: FlowRunFilter,
    limit: int,
) -> int:
    """Change the next runs of an operation, in order of their ids, and store how far it has come.

    Runs that came after the operation are left alone. What is done again, because a process ended between change and
    note, is done once: each change of a run has an id of its own.

    Returns:
        How many runs it looked at.
    """
    started_at = operation["created_at"]
    until = min(chosen.created.until, started_at) if chosen.created.until is not None else started_at
    those = dataclasses.replace(chosen, created=Span(chosen.created.since, until))
    last = operation["last_flow_run_id"]
    after = (last,) if last is not None else None
    rows, _ = await reads.list_page(operation["workspace_id"], those, "ID_ASC", after, limit, with_payloads=False)
    action = BulkAction.from_json(operation["action"])
    refusals: list[Refusal] = []
    for row in rows:
        refusal = await _change(operations, flow_runs, operation, action, row["flow_run_id"])
        if refusal is not None:
            refusals.append(refusal)
    reached = rows[-1]["flow_run_id"] if rows else None
    await operations.advance(operation, BulkProgress(reached, len(rows), refusals))
    return len(rows)


async def _change(
    operations: BulkOperations, flow_runs: FlowRuns, operation: Row, action: BulkAction, flow_run_id: uuid.UUID
) -> Refusal | None:
    try:
        outcome = await _apply(operations, flow_runs, operation, action, flow_run_id)
    except errors.Unavailable:
        # Not the run's fault: the whole stretch is done again later.
        raise
    except errors.HeadraceError as error:
        return Refusal(flow_run_id, error.reason, str(error))
    # Whoever asks a run to stop that nobody executes gets more than was asked for: it is cancelled at once.
    if outcome is None or outcome.verdict == "accepted" or outcome.code == _NOTHING_TO_STOP:
        return None
    return Refusal(flow_run_id, outcome.code, outcome.reason)


async def _apply(
    operations: BulkOperations, flow_runs: FlowRuns, operation: Row, action: BulkAction, flow_run_id: uuid.UUID
) -> Outcome | None:
    workspace_id = operation["workspace_id"]
    request_id = uuid.uuid5(operation["bulk_operation_id"], str(flow_run_id))
    match action.kind:
        case BulkKind.CANCEL:
            return await cancel_flow_run(flow_runs, workspace_id, flow_run_id, request_id, action.reason)
        case BulkKind.RETRY:
            scope = RetryScope.ALL if action.retries_all else RetryScope.UNFINISHED
            return await retry_flow_run(flow_runs, workspace_id, flow_run_id, request_id, scope, ())
        case BulkKind.DELETE:
            await flow_runs.delete(workspace_id, flow_run_id)
            return None
        case BulkKind.SET_STATE:
            state_type = StateType(action.state_type)
            state = NewState(state_type, action.state_name or USUAL_NAMES[state_type], action.message)
            proposal = Proposal(state, proposal_id=request_id, actor=Actor.PERSON, force=action.force)
            return await propose(flow_runs, workspace_id, flow_run_id, proposal)
        case BulkKind.CHANGE_TAGS:
            await operations.change_tags(workspace_id, flow_run_id, action)
            return None
