"""Propose a state for a flow run."""

from __future__ import annotations

import dataclasses
import random
import uuid
from collections.abc import Sequence

from headrace import errors
from headrace.ids import uuid7
from headrace_state.repository.flow_runs import Change, FlowRuns, FlowRunUnit, Held, NewAttempt, Outcome, Step
from headrace_state.rules.facts import Actor, FlowRunFacts, NewState, Proposal, State
from headrace_state.rules.flow_run import judge
from headrace_state.rules.progress import LeaseStep, complete, enter, lease_step
from headrace_state.rules.states import StateType
from headrace_state.rules.verdicts import Abort, Accept, Fence, Keep, Repeat, Replace, Wait

ATTEMPT_LEASE_SECONDS = 10.0
"""How long the lease of an attempt holds without a renewal, unless its holder says otherwise."""

UNATTENDED_LEASE_SECONDS = 100 * 365 * 86_400.0
"""How long the lease of an attempt holds whose client gives no signs of life: it never expires."""

_STARTS = frozenset({StateType.PENDING, StateType.RUNNING})
_CUT_SHORT = frozenset({StateType.CRASHED, StateType.CANCELLED})
_CARRIED = ("concurrency_lease_id",)


@dataclasses.dataclass(frozen=True, slots=True)
class Executor:
    """Who will execute the run if an attempt begins."""

    worker_id: str = ""
    worker_name: str = ""
    infrastructure_id: str = ""
    lease_seconds: float = ATTEMPT_LEASE_SECONDS


NOBODY = Executor()


async def propose(
    flow_runs: FlowRuns,
    workspace_id: uuid.UUID,
    flow_run_id: uuid.UUID,
    proposal: Proposal,
    executor: Executor = NOBODY,
) -> Outcome:
    """Judge `proposal` and store what the verdict says, in one transaction.

    Raises:
        errors.NotFound: There is no such flow run.
        errors.LeaseLost: The proposer no longer executes the run (reason `LEASE_LOST`), or must prove that it does
            (reason `ATTEMPT_TOKEN_REQUIRED`).
    """
    proposal = dataclasses.replace(proposal, chance=random.random())

    async def work(unit: FlowRunUnit) -> Outcome:
        return await judge_and_store(unit, flow_run_id, proposal, executor)

    return await flow_runs.run(workspace_id, work)


async def judge_and_store(
    unit: FlowRunUnit, flow_run_id: uuid.UUID, proposal: Proposal, executor: Executor = NOBODY
) -> Outcome:
    """Do what `propose` does, within a transaction that does more."""
    facts = await unit.lock(flow_run_id, proposal)
    if facts is None:
        raise errors.NotFound(f"there is no flow run {flow_run_id}")
    if proposal.own_token is not None and proposal.own_token == facts.attempt_token:
        proposal = dataclasses.replace(proposal, token=proposal.own_token)
    if proposal.state.type in _STARTS and not facts.progress.is_held:
        facts = await unit.lock_limits(facts)
    verdict = judge(proposal, facts)
    match verdict:
        case Accept(state):
            steps = _steps(facts, (state,), proposal)
            return await _store(unit, facts, steps, proposal, executor)
        case Replace(states, code, reason):
            steps = _steps(facts, states, proposal, code, reason)
            return await _store(unit, facts, steps, proposal, executor)
        case Keep(code, reason):
            return Outcome("rejected", facts.state, code, reason)
        case Wait(delay_seconds, code, reason):
            return Outcome("wait", facts.state, code, reason, delay_seconds)
        case Abort(code, reason):
            return Outcome("aborted", facts.state, code, reason)
        case Repeat(answer):
            verdict_name = "rejected" if answer.code else "accepted"
            return Outcome(verdict_name, answer.state, answer.code, answer.reason, attempt=_held(facts, answer.state))
        case Fence(code, reason):
            raise errors.LeaseLost(reason, reason=code)


def _steps(
    facts: FlowRunFacts, states: Sequence[NewState], proposal: Proposal, code: str = "", reason: str = ""
) -> tuple[Step, ...]:
    steps: list[Step] = []
    progress = facts.progress
    for state in states:
        after = enter(progress, state, facts.now)
        steps.append(Step(uuid7(), complete(progress, state, after), after))
        progress = after
    # The last one is the answer; an accepted proposal is stored under its own id.
    last = steps[-1]
    state_id = proposal.proposal_id if proposal.proposal_id is not None and not code else last.state_id
    steps[-1] = dataclasses.replace(last, state_id=state_id, proposal_id=proposal.proposal_id, code=code, reason=reason)
    return tuple(steps)


async def _store(
    unit: FlowRunUnit, facts: FlowRunFacts, steps: tuple[Step, ...], proposal: Proposal, executor: Executor
) -> Outcome:
    after = steps[-1].progress
    lease = lease_step(facts.progress, after)
    attempt = None
    token = facts.attempt_token
    if lease is LeaseStep.TAKE:
        attempt = new_attempt(proposal.own_token, executor)
        token = attempt.token
    elif lease is LeaseStep.RELEASE and _is_taken_away(steps, proposal):
        token = None
    if proposal.own_token is not None:
        steps = (*steps[:-1], _carrying_on(facts, steps[-1], attempt))
    held = await unit.store(Change(facts, steps, token, lease, attempt, executor.infrastructure_id))
    for step in steps:
        if step.state.type in _CUT_SHORT:
            await unit.end_task_runs(facts.flow_run_id, _end_of_task_runs(step.state))
    last = steps[-1]
    due_at = last.progress.next_scheduled_start_at
    if proposal.own_token is not None and after.is_held and facts.lease_id is not None and due_at is not None:
        # Its process waits for a retry, and clients without tokens give no signs of life meanwhile.
        await unit.extend_lease(facts.lease_id, due_at)
    return Outcome(
        "rejected" if last.code else "accepted",
        stored_state(facts, steps),
        last.code,
        last.reason,
        attempt=held if after.is_held and last.state.type in _STARTS else None,
    )


def new_attempt(own_token: uuid.UUID | None, executor: Executor = NOBODY) -> NewAttempt:
    """Return an attempt that begins, under the token of a client that keeps none or under a fresh one."""
    lease_seconds = executor.lease_seconds if own_token is None else UNATTENDED_LEASE_SECONDS
    return NewAttempt(own_token or uuid.uuid4(), uuid7(), lease_seconds, executor.worker_id, executor.worker_name)


def _carrying_on(facts: FlowRunFacts, step: Step, attempt: NewAttempt | None) -> Step:
    """Return a step whose state tells a client without tokens what it has to know of its attempt."""
    if not step.progress.is_held:
        return step
    known = facts.state.details if facts.progress.is_held else {}
    if attempt is not None and facts.limits:
        known = {"concurrency_lease_id": str(attempt.lease_id)}
    # It is due no earlier because its infrastructure is being made ready.
    names = ("concurrency_lease_id", "scheduled_at") if step.state.type is StateType.PENDING else _CARRIED
    details = {name: known[name] for name in names if name in known}
    return dataclasses.replace(step, state=dataclasses.replace(step.state, details={**details, **step.state.details}))


def stored_state(facts: FlowRunFacts, steps: Sequence[Step]) -> State:
    """Return the state that a run has after `steps`."""
    last = steps[-1]
    return State(
        state_id=last.state_id,
        type=last.state.type,
        name=last.state.name,
        message=last.state.message,
        at=last.progress.at,
        version=facts.state.version + len(steps),
        details=last.state.details,
        result=last.state.result,
    )


def _is_taken_away(steps: Sequence[Step], proposal: Proposal) -> bool:
    if steps[-1].state.type is StateType.PAUSED:
        # Who suspends a run does not throw away what its process has done: that may still be delivered.
        return False
    # The process that ends its own attempt may still deliver what it has; anybody else's word cuts it off.
    by_itself = proposal.actor is Actor.PROCESS and proposal.token is not None and not proposal.force
    left_for_another = any(step.state.type in (StateType.CRASHED, StateType.SCHEDULED) for step in steps)
    return not by_itself or left_for_another


def _end_of_task_runs(state: NewState) -> NewState:
    what = "crashed" if state.type is StateType.CRASHED else "was cancelled"
    return NewState(
        state.type,
        "Crashed" if state.type is StateType.CRASHED else "Cancelled",
        message=f"The flow run {what}.",
        details={"reason": "FLOW_RUN_ENDED"},
    )


def _held(facts: FlowRunFacts, state: State) -> Held | None:
    is_current = state.version == facts.state.version and state.type in _STARTS
    if not is_current or not facts.progress.is_held or facts.attempt_token is None:
        return None
    return Held(facts.progress.attempt, facts.attempt_token, None, ATTEMPT_LEASE_SECONDS)
