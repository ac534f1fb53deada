"""What workers say about the attempts that they were given."""

from __future__ import annotations

import datetime
import random
import uuid
from collections.abc import Mapping, Sequence

from headrace_state.repository.flow_runs import FlowRuns, FlowRunUnit
from headrace_state.repository.leases import AttemptRef
from headrace_state.repository.limits import Limits
from headrace_state.rules.facts import Actor, FlowRunFacts, NewState, Proposal, State
from headrace_state.rules.states import USUAL_NAMES, StateType
from headrace_state.usecases.propose import judge_and_store

_AT_ONCE = 100
"""Runs that share a transaction."""


async def return_runs(flow_runs: FlowRuns, workspace_id: uuid.UUID, attempts: Sequence[AttemptRef], reason: str) -> int:
    """Give claimed runs back that nobody took; they keep their place in the queue.

    Attempts that are no longer those of a PENDING run are left alone.

    Returns:
        How many runs wait again.
    """

    async def give_back_one(unit: FlowRunUnit, attempt: AttemptRef) -> bool:
        facts = await unit.lock(attempt.flow_run_id, _return(reason))
        if facts is None or facts.attempt_token != attempt.token or not is_claimed_only(facts):
            return False
        await give_back(unit, facts, reason)
        return True

    async def give_back_some(some: Sequence[AttemptRef]) -> int:
        async def work(unit: FlowRunUnit) -> int:
            async with unit.together([attempt.flow_run_id for attempt in some]):
                return sum([await give_back_one(unit, attempt) for attempt in some])

        return await flow_runs.run(workspace_id, work)

    by_run = list({attempt.flow_run_id: attempt for attempt in attempts}.values())
    return sum([await give_back_some(by_run[start : start + _AT_ONCE]) for start in range(0, len(by_run), _AT_ONCE)])


End = tuple[AttemptRef, NewState, uuid.UUID | None]
"""An attempt, the state that its run enters, and the id of the proposal."""


_Ended = tuple[State | None, bool]
"""The state of a run, and whether its process ended without a word."""


async def end_attempts(
    flow_runs: FlowRuns, limits: Limits, workspace_id: uuid.UUID, ends: Sequence[End]
) -> list[tuple[uuid.UUID, State | None]]:
    """Store how attempts ended in the eyes of their workers.

    An attempt that no longer holds its run, or whose run is over, changes nothing. A process that did not say itself
    how its run ended gave no slots back either; who waits for them gets them now, and not when their leases run out.

    Returns:
        The states of the runs after it; None where there is no such run.
    """
    states: dict[int, State | None] = {}
    cut_short: list[tuple[uuid.UUID, datetime.datetime]] = []
    waiting = dict(enumerate(ends))
    while waiting:
        # A run of which several ends are told is judged again once the first is stored.
        turn = {attempt.flow_run_id: place for place, (attempt, _, _) in reversed(waiting.items())}
        chosen = {place: waiting.pop(place) for place in sorted(turn.values())[:_AT_ONCE]}
        for place, (state, is_cut_short) in (await _end_some(flow_runs, workspace_id, chosen)).items():
            states[place] = state
            if is_cut_short and state is not None:
                cut_short.append((ends[place][0].flow_run_id, state.at))
    if cut_short:
        # Apart from the runs, since the limits of several transactions are locked in one order.
        await limits.end_leases_of_runs(workspace_id, cut_short)
    return [(attempt.flow_run_id, states[place]) for place, (attempt, _, _) in enumerate(ends)]


async def _end_some(flow_runs: FlowRuns, workspace_id: uuid.UUID, ends: Mapping[int, End]) -> dict[int, _Ended]:
    chances = {place: random.random() for place in ends}

    async def work(unit: FlowRunUnit) -> dict[int, _Ended]:
        async with unit.together([attempt.flow_run_id for attempt, _, _ in ends.values()]):
            return {place: await _end_attempt(unit, end, chances[place]) for place, end in ends.items()}

    return await flow_runs.run(workspace_id, work)


async def _end_attempt(unit: FlowRunUnit, end: End, chance: float) -> _Ended:
    attempt, state, proposal_id = end
    proposal = Proposal(state, proposal_id=proposal_id, actor=Actor.SERVER, chance=chance)
    facts = await unit.lock(attempt.flow_run_id, proposal)
    if facts is None:
        return None, False
    if facts.attempt_token != attempt.token or not facts.progress.is_held:
        return facts.state, False
    if state.type is StateType.SCHEDULED and is_claimed_only(facts):
        return await give_back(unit, facts, state.message), False
    return (await judge_and_store(unit, attempt.flow_run_id, proposal)).state, True


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
