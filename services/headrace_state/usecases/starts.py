"""What the server does to runs whose infrastructure does not start."""

from __future__ import annotations

import random

from headrace_state.repository.flow_runs import FlowRuns, FlowRunUnit
from headrace_state.repository.starts import StartDeadline
from headrace_state.rules.facts import Actor, NewState, Proposal
from headrace_state.rules.states import StateType
from headrace_state.usecases.propose import judge_and_store


async def end_start(flow_runs: FlowRuns, deadline: StartDeadline) -> bool:
    """Crash a run that its attempt should be running by now, unless it runs, or is another attempt's.

    Its policy says whether it is tried again. The worker hears of it when it renews the lease, and stops what it
    has started.

    Returns:
        Whether it crashed.
    """
    crash = Proposal(
        NewState(
            StateType.CRASHED,
            "Crashed",
            message=f"Its infrastructure did not start within {deadline.timeout_seconds:g} s.",
            details={"reason": "START_TIMED_OUT"},
        ),
        actor=Actor.SERVER,
        chance=random.random(),
    )

    async def work(unit: FlowRunUnit) -> bool:
        facts = await unit.lock(deadline.flow_run_id, crash)
        if (
            facts is None
            or facts.attempt_token != deadline.attempt_token
            or facts.state.type is not StateType.PENDING
            or not facts.progress.is_held
        ):
            return False
        await judge_and_store(unit, deadline.flow_run_id, crash)
        return True

    return await flow_runs.run(deadline.workspace_id, work)
