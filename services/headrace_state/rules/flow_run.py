"""The rules that judge proposals for flow runs.

`RULES` is the order of precedence: the first rule with a verdict decides, and where none has one the proposal
is accepted. A rule's docstring is its text in docs/state-machine.md.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping
from typing import Any

from headrace_state.rules import retries, states
from headrace_state.rules.facts import Actor, FlowRunFacts, NewState, Proposal, RetryKind
from headrace_state.rules.states import LEGAL, StateType
from headrace_state.rules.verdicts import Abort, Accept, Fence, Keep, Repeat, Replace, Verdict, Wait

Judge = Callable[[Proposal, FlowRunFacts], Verdict | None]

STRATEGY_CANCEL_NEW = 2
"""Number of the concurrency strategy under which a run that finds no slot is cancelled."""

STRATEGY_CANCEL_RUNNING = 3
"""Number of the one under which the oldest running run gives way."""


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One rule and what its line in the documentation says."""

    name: str
    moves: str
    """Which transitions it looks at."""
    text: str
    judge: Judge
    holds_under_force: bool


def _rule(moves: str, *, under_force: bool = False) -> Callable[[Judge], Rule]:
    def make(judge: Judge) -> Rule:
        text = " ".join((judge.__doc__ or "").split())
        return Rule(judge.__name__, moves, text, judge, under_force)

    return make


@_rule("any → any", under_force=True)
def repeated_proposal(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """A proposal with an id that was judged before is answered with the first answer."""
    return Repeat(facts.answer) if facts.answer is not None else None


@_rule("any → any")
def replaced_attempt(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """Who executes a run proves it with the token of the current attempt.

    A token of an attempt that was replaced is refused with LEASE_LOST. While an attempt is alive, only it may move
    the run, apart from requests to stop, claims (which the run refuses) and the resumption of a paused run.
    """
    if proposal.actor is not Actor.PROCESS:
        return None
    if proposal.token is not None:
        if proposal.token == facts.attempt_token:
            return None
        return Fence("LEASE_LOST", "the run was given to another attempt, or taken from this one")
    if not facts.progress.is_held or proposal.state.type in (StateType.CANCELLING, StateType.PENDING):
        return None
    if facts.state.type is StateType.PAUSED and proposal.state.type is StateType.RUNNING:
        return None
    return Fence("ATTEMPT_TOKEN_REQUIRED", "the run is being executed; only its attempt may move it without force")


@_rule("final → any")
def final_state(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """A final state stays, but a retry may schedule the run again.

    For that the run needs a deployment or a work pool to be executed from. A COMPLETED run with a result keeps it
    unless everything is to be executed again.
    """
    if not facts.state.is_final:
        return None
    if proposal.state.type is not StateType.SCHEDULED:
        return Abort("FINAL_STATE", f"the run is {facts.state.name}, which is final")
    if not facts.can_be_claimed:
        return Abort("NOT_CLAIMABLE", "the run has no deployment and no work pool that could execute it again")
    if facts.state.type is StateType.COMPLETED and facts.state.result and not proposal.executes_all_again:
        return Keep("RESULT_KEPT", "the run completed with a result")
    return None


@_rule("COMPLETED → COMPLETED", under_force=True)
def kept_result(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """A COMPLETED state that is forced over another keeps the result if it brings none."""
    both = facts.state.type is proposal.state.type is StateType.COMPLETED
    if proposal.force and both and facts.state.result and not proposal.state.result:
        return Accept(dataclasses.replace(proposal.state, result=facts.state.result))
    return None


@_rule("CANCELLING → any but CANCELLED")
def cancelling_ends_cancelled(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """A run that was asked to stop ends as CANCELLED, whatever else it would have ended as."""
    if facts.state.type is not StateType.CANCELLING or proposal.state.type is StateType.CANCELLED:
        return None
    if proposal.actor is Actor.SERVER and states.is_final(proposal.state.type):
        stopped = NewState(
            StateType.CANCELLED, "Cancelled", message=proposal.state.message, details=proposal.state.details
        )
        return Replace((stopped,), "CANCELLING", "the run was asked to stop")
    return Keep("CANCELLING", "the run was asked to stop")


@_rule("any → CANCELLING", under_force=True)
def nothing_to_stop(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """A run that nobody executes (not claimed, or suspended) is CANCELLED at once."""
    if proposal.state.type is not StateType.CANCELLING or facts.state.is_final or facts.progress.is_held:
        return None
    stopped = NewState(StateType.CANCELLED, "Cancelled", message=proposal.state.message, details=proposal.state.details)
    return Replace((stopped,), "NOTHING_TO_STOP", "nobody executes the run")


@_rule("any but SCHEDULED → PENDING")
def claimed_already(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """A run is claimed once: PENDING follows SCHEDULED only, or another name of PENDING by the attempt itself."""
    if proposal.state.type is not StateType.PENDING or facts.state.type is StateType.SCHEDULED:
        if facts.progress.is_held and proposal.state.type is StateType.PENDING:
            return Abort("CLAIMED_ALREADY", "the run's process waits for its retry")
        return None
    is_progress = facts.state.type is StateType.PENDING and proposal.token is not None
    # The usual name is that of a claim, even if it comes under the token that all clients without tokens share.
    if is_progress and proposal.state.name not in (facts.state.name, states.USUAL_NAMES[StateType.PENDING]):
        return None
    return Abort("CLAIMED_ALREADY", f"the run is {facts.state.name} and cannot be claimed")


@_rule("see the table")
def legal_transition(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """Only the transitions of the table above exist."""
    if proposal.state.type in LEGAL[facts.state.type]:
        return None
    return Abort("ILLEGAL_TRANSITION", f"a run that is {facts.state.type} cannot become {proposal.state.type}")


@_rule("RUNNING → RUNNING")
def running_already(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """A RUNNING run stays in its state unless the name changes."""
    same = facts.state.type is proposal.state.type is StateType.RUNNING and facts.state.name == proposal.state.name
    return Keep("RUNNING_ALREADY", "the run is in this state") if same else None


@_rule("any → SCHEDULED “Late”")
def late_once(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """Only a run that is SCHEDULED “Scheduled” becomes Late, and it keeps the time when it was due."""
    if proposal.state.type is not StateType.SCHEDULED or proposal.state.name != states.LATE:
        return None
    usual = states.USUAL_NAMES[StateType.SCHEDULED]
    if facts.state.type is StateType.SCHEDULED and facts.state.name == usual and not facts.progress.is_held:
        return Accept(dataclasses.replace(proposal.state, scheduled_at=facts.progress.next_scheduled_start_at))
    return Keep("NOT_WAITING", f"only a run that is {usual} becomes {states.LATE}")


@_rule("SCHEDULED → PENDING; SCHEDULED, PENDING → RUNNING")
def not_due_yet(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """A run starts when it is due by the database's clock; who comes earlier is told how long to wait.

    Clients that keep no tokens fetch runs ahead: they may claim one before it is due, and wait with RUNNING.
    """
    if proposal.state.type is StateType.PENDING and proposal.own_token is not None:
        return None
    due_at = None
    if facts.state.type is StateType.SCHEDULED and proposal.state.type in (StateType.PENDING, StateType.RUNNING):
        due_at = facts.progress.next_scheduled_start_at
    elif facts.state.type is StateType.PENDING and proposal.state.type is StateType.RUNNING:
        due_at = _time(facts.state.details.get("scheduled_at"))
    if due_at is None or due_at <= facts.now:
        return None
    return Wait((due_at - facts.now).total_seconds(), "NOT_DUE", "the scheduled time is in the future")


@_rule("RUNNING → PAUSED")
def pause_once_per_key(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """A run pauses once for each pause key."""
    key = proposal.state.details.get("pause_key")
    if proposal.state.type is StateType.PAUSED and key and key in facts.progress.policy.pause_keys:
        return Keep("PAUSED_BEFORE", f"the pause {key} was passed already")
    return None


@_rule("RUNNING → PAUSED “Suspended”")
def suspension(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """A run gives up its process only where another can resume it: not as a subflow, not without a deployment."""
    if proposal.state.type is not StateType.PAUSED or not proposal.state.details.get("pause_reschedule"):
        return None
    if facts.is_subflow:
        return Abort("SUBFLOW_NOT_SUSPENDED", "a subflow cannot be suspended: its parent waits for it")
    if not facts.can_be_claimed:
        return Abort("NOT_CLAIMABLE", "a run without a deployment or work pool cannot be suspended")
    return None


@_rule("RUNNING → SCHEDULED")
def release(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """A process gives its run up until a later time only where another can go on with it."""
    if facts.state.type is not StateType.RUNNING or proposal.state.type is not StateType.SCHEDULED:
        return None
    if proposal.token is None or facts.can_be_claimed:
        return None
    return Abort("NOT_CLAIMABLE", "the run has no deployment and no work pool that could go on with it")


@_rule("RUNNING → PAUSED")
def awaited_input(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """A run is not suspended for an input that is there already: it is SCHEDULED “Resuming” at once."""
    if proposal.state.type is not StateType.PAUSED or not facts.has_awaited_input:
        return None
    return Replace((resuming("What it waits for is there."),), "INPUT_IS_THERE", "what the run waits for is there")


@_rule("PAUSED → RUNNING, SCHEDULED")
def pause_expired(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """A pause that is resumed after its time-out fails the run, unless it only waited for an input."""
    if facts.state.type is not StateType.PAUSED or proposal.state.type not in (StateType.RUNNING, StateType.SCHEDULED):
        return None
    expires_at = None if awaited_key(facts.state.details) else pause_end(facts)
    if expires_at is None or expires_at > facts.now:
        return None
    failed = NewState(
        StateType.FAILED,
        states.TIMED_OUT,
        message="The pause timed out before the run was resumed.",
        details={"reason": "PAUSE_EXPIRED", "retriable": False},
    )
    return Replace((failed,), "PAUSE_EXPIRED", "the pause timed out")


@_rule("SCHEDULED, PAUSED → PENDING, RUNNING")
def slots(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """A run starts only with a slot of each of its limits.

    Without one it waits as SCHEDULED “AwaitingConcurrencySlot”, or is cancelled where its deployment says so. A limit
    of zero holds it back for good.
    """
    if proposal.state.type not in (StateType.PENDING, StateType.RUNNING) or facts.progress.is_held:
        return None
    full = [limit for limit in facts.limits if limit.is_full]
    if not full:
        return None
    names = ", ".join(limit.name for limit in full)
    if any(limit.slots == 0 for limit in full):
        return Abort("LIMIT_IS_ZERO", f"no slot exists: {names}")
    if facts.concurrency_strategy == STRATEGY_CANCEL_NEW:
        cancelled = NewState(
            StateType.CANCELLED, "Cancelled", message=f"No slot was free: {names}.", details={"reason": "NO_SLOT"}
        )
        return Replace((cancelled,), "NO_SLOT", f"no slot is free: {names}")
    if facts.state.name == states.AWAITING_CONCURRENCY_SLOT:
        return Keep("NO_SLOT", f"no slot is free: {names}")
    waiting = NewState(
        StateType.SCHEDULED,
        states.AWAITING_CONCURRENCY_SLOT,
        message=f"Waits for a slot: {names}.",
        scheduled_at=facts.now,
    )
    return Replace((waiting,), "NO_SLOT", f"no slot is free: {names}")


@_rule("RUNNING → FAILED")
def retry_after_failure(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """A failed run with retries left is SCHEDULED “AwaitingRetry” instead.

    Its process waits and goes on by itself, unless the policy or the lack of a process asks for another worker.
    """
    policy = facts.progress.policy
    if facts.state.type is not StateType.RUNNING or proposal.state.type is not StateType.FAILED:
        return None
    if proposal.state.details.get("retriable") is False or facts.progress.retries_used >= policy.retries:
        return None
    delay = retries.retry_delay(policy, facts.progress.retries_used, proposal.chance)
    reschedule = policy.kind is RetryKind.RESCHEDULE and facts.can_be_claimed
    in_process = not reschedule and facts.progress.is_held
    if not in_process and not facts.can_be_claimed:
        return None
    waiting = NewState(
        StateType.SCHEDULED,
        states.AWAITING_RETRY,
        message=proposal.state.message,
        details={"reason": "RETRY_IN_PROCESS" if in_process else "RETRY_RESCHEDULED"},
        scheduled_at=facts.now + datetime.timedelta(seconds=delay),
        keeps_attempt=in_process,
    )
    return Replace((waiting,), "RETRY_SCHEDULED", "the run is tried again")


@_rule("PENDING, RUNNING, PAUSED, SCHEDULED → CRASHED")
def retry_after_crash(proposal: Proposal, facts: FlowRunFacts) -> Verdict | None:
    """A crashed run with infrastructure retries left is CRASHED, then SCHEDULED “AwaitingRetry” for another worker.

    If its process was lost while it waited for a retry, another worker does that retry.
    """
    policy = facts.progress.policy
    if proposal.state.type is not StateType.CRASHED or not facts.can_be_claimed:
        return None
    if facts.state.type is StateType.SCHEDULED:
        waiting = NewState(
            StateType.SCHEDULED,
            facts.state.name,
            message="The process that waited for the retry was lost.",
            details={"reason": "PROCESS_LOST"},
            scheduled_at=facts.progress.next_scheduled_start_at,
        )
        return Replace((waiting,), "RETRY_SCHEDULED", "another worker does the retry")
    used = facts.progress.infrastructure_retries_used
    if proposal.state.details.get("retriable") is False or used >= policy.infrastructure_retries:
        return None
    delay = retries.infrastructure_delay(used, proposal.chance)
    waiting = NewState(
        StateType.SCHEDULED,
        states.AWAITING_RETRY,
        message="The infrastructure was lost; the run is tried again.",
        details={"reason": "INFRASTRUCTURE_RETRY"},
        scheduled_at=facts.now + datetime.timedelta(seconds=delay),
    )
    return Replace((proposal.state, waiting), "INFRASTRUCTURE_RETRY_SCHEDULED", "the run is tried again")


RULES: tuple[Rule, ...] = (
    repeated_proposal,
    replaced_attempt,
    final_state,
    kept_result,
    cancelling_ends_cancelled,
    nothing_to_stop,
    claimed_already,
    legal_transition,
    running_already,
    late_once,
    not_due_yet,
    pause_once_per_key,
    suspension,
    release,
    awaited_input,
    pause_expired,
    slots,
    retry_after_failure,
    retry_after_crash,
)


def judge(proposal: Proposal, facts: FlowRunFacts) -> Verdict:
    """Return the verdict on `proposal`: that of the first rule that has one, else acceptance."""
    for rule in RULES:
        if proposal.force and not rule.holds_under_force:
            continue
        verdict = rule.judge(proposal, facts)
        if verdict is not None:
            return verdict
    return Accept(proposal.state)


def resuming(message: str = "") -> NewState:
    """Return the state of a suspended run that any worker may go on with now."""
    return NewState(StateType.SCHEDULED, states.RESUMING, message=message, details={"reason": "RESUMED"})


def awaited_key(details: Mapping[str, Any]) -> str | None:
    """Return the key of the input whose arrival resumes a run by itself; None if the pause waits for none."""
    keyset = details.get("run_input_keyset")
    key = keyset.get("awaited") if isinstance(keyset, Mapping) else None
    return key if isinstance(key, str) and key and details.get("pause_reschedule") else None


def pause_end(facts: FlowRunFacts) -> datetime.datetime | None:
    """Return when the pause that the run is in times out, None if never."""
    return _time(facts.state.details.get("pause_expires_at"))


def _time(value: object) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(value) if isinstance(value, str) else None
