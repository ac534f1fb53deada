"""What workers say about the attempts that they were given."""

from __future__ import annotations

import asyncio
import datetime
import random
import uuid
from collections.abc import Sequence

from headrace_state.repository.flow_runs import FlowRuns, FlowRunUnit
from headrace_state.repository.leases import AttemptRef
from headrace_state.rules.facts import Actor, FlowRunFacts, NewState, Proposal, State
from headrace_state.rules.states import USUAL_NAMES, StateType
from headrace_state.usecases.propose import judge_and_store

_AT_ONCE = 4
"""Attempts that are ended side by side: each is a transaction that mostly waits for the disk."""


async def return_runs(flow_runs: FlowRuns, workspace_id: uuid.UUID, attempts: Sequence[AttemptRef], reason: str) -> int:
    """Give claimed runs back that nobody took; they keep their place in the queue.

    Attempts that are no longer those of a PENDING run are left alone.

    Returns:
        How many runs wait again.
    """
    returned = 0
    for attempt in attempts:

        async def work(unit: FlowRunUnit, attempt: AttemptRef = attempt) -> bool:
            proposal = _return(reason)
            facts = await unit.lock(attempt.flow_run_id, proposal)
            if facts is None or facts.attempt_token != attempt.token or not is_claimed_only(facts):
                return False
            await give_back(unit, facts, reason)
            return True

        returned += await flow_runs.run(workspace_id, work)
    return returned


async def end_attempts(
    flow_runs: FlowRuns,
    workspace_id: uuid.UUID,
    ends: Sequence[tuple[AttemptRef, NewState, uuid.UUID | None]],
) -> list[tuple[uuid.UUID, State | None]]:
    """Store how attempts ended in the eyes of their workers.

    An attempt that no longer holds its run, or whose run is over, changes nothing.

    Returns:
        The states of the runs after it; None where there is no such run.
    """
    found: list[tuple[uuid.UUID, State | None]] = []
    for start in range(0, len(ends), _AT_ONCE):
        some = ends[start : start + _AT_ONCE]
        states = await asyncio.gather(*(_end_attempt(flow_runs, workspace_id, *end) for end in some))
        found.extend((attempt.flow_run_id, state) for (attempt, _, _), state in zip(some, states, strict=True))
    return found


async def _end_attempt(
    flow_runs: FlowRuns, workspace_id: uuid.UUID, attempt: AttemptRef, state: NewState, proposal_id: uuid.UUID | None
) -> State | None:
    async def work(unit: FlowRunUnit) -> State | None:
        proposal = Proposal(state, proposal_id=proposal_id, actor=Actor.SERVER, chance=random.random())
        facts = await unit.lock(attempt.flow_run_id, proposal)
        if facts is None:
            return None
        if facts.attempt_token != attempt.token or not facts.progress.is_held:
            return facts.state
        if state.type is StateType.SCHEDULED and is_claimed_only(facts):
            return await give_back(unit, facts, state.message)
        return (await judge_and_store(unit, attempt.flow_run_id, proposal)).state

    return await flow_runs.run(workspace_id, work)


def is_claimed_only(facts: FlowRunFacts) -> bool:
    """Return whether a run was claimed and nothing of it was started."""
    return facts.state.type is StateType.PENDING and facts.progress.is_held


async def give_back(unit: FlowRunUnit, facts: FlowRunFacts, reason: str) -> State:
    """Put a locked run that was claimed back to its place in the queue."""
    due_at = facts.state.details.get("scheduled_at")
    proposal = _return(reason, due_at if isinstance(due_at, str) else None)
    return (await judge_and_store(unit, facts.flow_run_id, proposal)).state


def _return(reason: str, due_at: str | None = None) -> Proposal:
    state = NewState(
        StateType.SCHEDULED,
        USUAL_NAMES[StateType.SCHEDULED],
        message=reason or "The claim was given back.",
        details={"reason": "CLAIM_RETURNED"},
        scheduled_at=datetime.datetime.fromisoformat(due_at) if due_at is not None else None,
    )
    return Proposal(state, actor=Actor.SERVER)
