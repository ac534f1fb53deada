"""What the server does to runs whose holders, pauses or cancellations ran out of time."""

from __future__ import annotations

import random

from headrace_state.repository.flow_runs import FlowRuns, FlowRunUnit
from headrace_state.repository.limits import Limits
from headrace_state.repository.upkeep import ExpiredLease, RunRef, Upkeep
from headrace_state.rules.facts import Actor, NewState, Proposal
from headrace_state.rules.flow_run import STRATEGY_CANCEL_RUNNING, awaited_key, pause_end, resuming
from headrace_state.rules.states import TIMED_OUT, StateType
from headrace_state.usecases.attempts import give_back, is_claimed_only
from headrace_state.usecases.cancel import cancel_flow_run
from headrace_state.usecases.propose import judge_and_store


async def reap(flow_runs: FlowRuns, limits: Limits, lease: ExpiredLease) -> bool:
    """End a lease that was not renewed: its run has crashed, or goes back to the queue if it was only claimed.

    Returns:
        Whether the lease was still expired.
    """
    flow_run_id = lease.flow_run_id
    if flow_run_id is None:
        await limits.end_leases(lease.workspace_id, [lease.lease_id])
        return True
    crash = Proposal(
        NewState(
            StateType.CRASHED,
            "Crashed",
            message="Its process was not heard of in time.",
            details={"reason": "LEASE_LOST"},
        ),
        actor=Actor.SERVER,
        chance=random.random(),
    )

    async def work(unit: FlowRunUnit) -> bool | None:
        facts = await unit.lock(flow_run_id, crash)
        if facts is None or facts.lease_id != lease.lease_id:
            return None
        if not await unit.lock_expired_lease(lease.lease_id):
            return False
        if is_claimed_only(facts) and facts.can_be_claimed:
            await give_back(unit, facts, "The claim was not taken up in time.")
        else:
            await judge_and_store(unit, flow_run_id, crash)
        return True

    reaped = await flow_runs.run(lease.workspace_id, work)
    if reaped is None:
        # Nobody's any more: the run was deleted, or moved on without it.
        await limits.end_leases(lease.workspace_id, [lease.lease_id])
        return True
    return reaped


async def give_way(flow_runs: FlowRuns, upkeep: Upkeep, run: RunRef, strategy: int) -> None:
    """Cancel a due run that found no slot, or in its favour the oldest one of its deployment."""
    if strategy == STRATEGY_CANCEL_RUNNING:
        oldest = await upkeep.find_oldest_running(run)
        if oldest is not None:
            await cancel_flow_run(flow_runs, run.workspace_id, oldest, None, "It gives way to a newer run.")
        return
    cancelled = Proposal(
        NewState(StateType.CANCELLED, "Cancelled", message="No slot was free.", details={"reason": "NO_SLOT"}),
        actor=Actor.SERVER,
    )

    async def work(unit: FlowRunUnit) -> None:
        facts = await unit.lock(run.flow_run_id, cancelled)
        if facts is not None and facts.state.type is StateType.SCHEDULED and not facts.progress.is_held:
            await judge_and_store(unit, run.flow_run_id, cancelled)

    await flow_runs.run(run.workspace_id, work)


async def expire_pause(flow_runs: FlowRuns, run: RunRef) -> None:
    """Fail a run whose pause timed out, if it has not been resumed meanwhile.

    One that only waited for an input goes on without it, and its own code decides what that means.
    """
    failed = Proposal(
        NewState(
            StateType.FAILED,
            TIMED_OUT,
            message="The pause timed out before the run was resumed.",
            details={"reason": "PAUSE_EXPIRED", "retriable": False},
        ),
        actor=Actor.SERVER,
    )

    async def work(unit: FlowRunUnit) -> None:
        facts = await unit.lock(run.flow_run_id, failed)
        if facts is None or facts.state.type is not StateType.PAUSED:
            return
        expires_at = pause_end(facts)
        if expires_at is None or expires_at > facts.now:
            return
        if awaited_key(facts.state.details) is not None:
            await judge_and_store(unit, run.flow_run_id, Proposal(resuming("It waited in vain."), actor=Actor.SERVER))
        else:
            await judge_and_store(unit, run.flow_run_id, failed)

    await flow_runs.run(run.workspace_id, work)


async def give_up_cancellation(flow_runs: FlowRuns, run: RunRef, after_seconds: float) -> None:
    """Declare a run cancelled that was asked to stop and did not say that it has; the message says what is missing."""
    probe = Proposal(NewState(StateType.CANCELLED, "Cancelled"), actor=Actor.SERVER)

    async def work(unit: FlowRunUnit) -> None:
        facts = await unit.lock(run.flow_run_id, probe)
        if facts is None or facts.state.type is not StateType.CANCELLING:
            return
        who = f"worker {facts.worker_name}" if facts.worker_name else "the process"
        missing = (
            f"its process still renewed its lease, but {who} did not report that it stopped"
            if facts.progress.is_held
            else f"{who} did not report that it stopped"
        )
        state = NewState(
            StateType.CANCELLED,
            "Cancelled",
            message=f"Given up after {after_seconds:g} s: {missing}. The code may still run.",
            details={"reason": "CANCELLATION_TIMED_OUT"},
        )
        await judge_and_store(unit, run.flow_run_id, Proposal(state, actor=Actor.SERVER))

    await flow_runs.run(run.workspace_id, work)
