"""Pause, suspend and resume flow runs on request."""

from __future__ import annotations

import dataclasses
import random
import uuid
from collections.abc import Mapping
from typing import Any

from headrace import errors
from headrace.ids import uuid7
from headrace_state.repository.flow_runs import FlowRuns, FlowRunUnit, Outcome
from headrace_state.rules.facts import Actor, FlowRunFacts, NewState, Proposal
from headrace_state.rules.flow_run import resuming
from headrace_state.rules.forms import FormFault, check_input
from headrace_state.rules.states import SUSPENDED, USUAL_NAMES, StateType
from headrace_state.usecases.propose import judge_and_store, propose


async def pause_flow_run(
    flow_runs: FlowRuns,
    workspace_id: uuid.UUID,
    flow_run_id: uuid.UUID,
    request_id: uuid.UUID | None,
    *,
    suspends: bool,
    key: str,
    timeout_seconds: float | None,
    reason: str,
) -> Outcome:
    """Pause a run, or suspend it: its process then ends.

    Raises:
        errors.NotFound: There is no such flow run.
    """
    details: dict[str, Any] = {"pause_key": key or f"request-{request_id or uuid7()}"}
    if suspends:
        details["pause_reschedule"] = True
    state = NewState(
        StateType.PAUSED,
        SUSPENDED if suspends else USUAL_NAMES[StateType.PAUSED],
        message=reason,
        details=details,
        pause_seconds=timeout_seconds,
    )
    proposal = Proposal(state, proposal_id=request_id, actor=Actor.PERSON)
    return await propose(flow_runs, workspace_id, flow_run_id, proposal)


async def resume_flow_run(
    flow_runs: FlowRuns,
    workspace_id: uuid.UUID,
    flow_run_id: uuid.UUID,
    request_id: uuid.UUID | None,
    given: Mapping[str, Any] | None,
    *,
    sender: str,
    reason: str,
) -> Outcome:
    """Resume a paused run, and store what it asked for.

    A run whose process waits is RUNNING again, a suspended one is SCHEDULED for any worker.

    Raises:
        errors.NotFound: There is no such flow run.
        errors.InvalidArgument: The input does not fit the run's form, or the run asks for none.
    """
    here = NewState(StateType.RUNNING, USUAL_NAMES[StateType.RUNNING], message=reason)
    proposal = Proposal(here, proposal_id=request_id, actor=Actor.PERSON, chance=random.random())

    async def work(unit: FlowRunUnit) -> Outcome:
        facts = await unit.lock(flow_run_id, proposal)
        if facts is None:
            raise errors.NotFound(f"there is no flow run {flow_run_id}")
        if facts.answer is None:
            if facts.state.type is not StateType.PAUSED:
                return Outcome(
                    "aborted", facts.state, "NOT_PAUSED", f"the run is {facts.state.name}, which is no pause"
                )
            await _take_input(unit, facts, given, sender)
        if facts.progress.is_held:
            return await judge_and_store(unit, flow_run_id, proposal)
        return await judge_and_store(unit, flow_run_id, dataclasses.replace(proposal, state=resuming(reason)))

    return await flow_runs.run(workspace_id, work)


async def _take_input(unit: FlowRunUnit, facts: FlowRunFacts, given: Mapping[str, Any] | None, sender: str) -> None:
    keyset = facts.state.details.get("run_input_keyset") or {}
    response_key = keyset.get("response")
    if not response_key:
        if given:
            raise errors.InvalidArgument.of_field("run_input", "is not wanted: the run asks for no input")
        return
    form = await unit.load_run_input(facts.flow_run_id, keyset["schema"]) if keyset.get("schema") else None
    if form is not None:
        try:
            check_input(form["value"], given or {})
        except FormFault as fault:
            violations = [errors.FieldViolation(field, description) for field, description in fault.faults]
            raise errors.InvalidArgument(violations=violations, reason="RUN_INPUT_INVALID") from None
    await unit.put_run_input(facts.flow_run_id, response_key, dict(given or {}), sender)
