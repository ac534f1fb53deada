"""What a transition does to a run beside its state."""

from __future__ import annotations

import dataclasses
import datetime

import pytest

from headrace_state.rules.facts import NewState, Progress, RetryPolicy
from headrace_state.rules.progress import LeaseStep, begin, complete, enter, lease_step, waits_in_queue
from headrace_state.rules.states import StateType
from unit.state.facts import NOW

S = StateType
SECOND = datetime.timedelta(seconds=1)


def path(*states: NewState, policy: RetryPolicy | None = None) -> list[Progress]:
    """Return the progress after each state, one second apart."""
    steps = [begin(states[0], policy or RetryPolicy(), NOW)]
    for place, state in enumerate(states[1:], start=1):
        steps.append(enter(steps[-1], state, NOW + place * SECOND))
    return steps


def a(state_type: StateType, name: str = "", **fields: object) -> NewState:
    """Return a state."""
    return NewState(state_type, name or state_type.title(), **fields)  # type: ignore[arg-type]


def test_a_run_is_timed_from_its_creation_to_its_end() -> None:
    *_, running, done = path(a(S.SCHEDULED), a(S.PENDING), a(S.RUNNING), a(S.COMPLETED))
    assert running.started_at == NOW + 2 * SECOND
    assert running.start_delay_seconds == 2
    assert running.run_count == 1
    assert done.ended_at == NOW + 3 * SECOND
    assert done.run_seconds == 1
    assert done.attempt == 1


def test_leases_are_taken_once_and_released_at_the_end() -> None:
    scheduled, pending, running, done = path(a(S.SCHEDULED), a(S.PENDING), a(S.RUNNING), a(S.COMPLETED))
    assert waits_in_queue(scheduled)
    assert not waits_in_queue(pending)
    assert lease_step(scheduled, pending) is LeaseStep.TAKE
    assert lease_step(pending, running) is LeaseStep.NONE
    assert lease_step(running, done) is LeaseStep.RELEASE


def test_a_retry_in_process_keeps_the_attempt_and_counts() -> None:
    waiting_state = a(S.SCHEDULED, "AwaitingRetry", details={"reason": "RETRY_IN_PROCESS"}, keeps_attempt=True)
    running, waiting, again = path(a(S.RUNNING), waiting_state, a(S.RUNNING))
    assert waiting.is_held
    assert not waits_in_queue(waiting)
    assert waiting.retries_used == 1
    assert again.attempt == running.attempt == 1
    assert again.run_count == 2
    assert again.started_at == running.started_at


def test_a_rescheduled_retry_gives_the_run_to_another_attempt() -> None:
    waiting_state = a(S.SCHEDULED, "AwaitingRetry", details={"reason": "RETRY_RESCHEDULED"})
    _, waiting, pending = path(a(S.RUNNING), waiting_state, a(S.PENDING))
    assert waits_in_queue(waiting)
    assert pending.attempt == 2


def test_an_infrastructure_retry_does_not_grant_the_other_retries_anew() -> None:
    policy = RetryPolicy(retries=3, infrastructure_retries=2, pause_keys=("a",))
    retried = a(S.SCHEDULED, "AwaitingRetry", details={"reason": "RETRY_RESCHEDULED"})
    crashed = a(S.SCHEDULED, "AwaitingRetry", details={"reason": "INFRASTRUCTURE_RETRY"})
    last = path(a(S.RUNNING), retried, a(S.RUNNING), a(S.CRASHED), crashed, policy=policy)[-1]
    assert last.retries_used == 1
    assert last.infrastructure_retries_used == 1
    assert last.ended_at is None


def test_a_retry_by_hand_grants_all_retries_anew() -> None:
    last = path(a(S.RUNNING), a(S.FAILED), a(S.SCHEDULED, "AwaitingRetry"))[-1]
    worn = dataclasses.replace(path(a(S.RUNNING), a(S.FAILED))[-1], retries_used=2, infrastructure_retries_used=1)
    fresh = enter(worn, a(S.SCHEDULED, "AwaitingRetry"), NOW)
    assert (fresh.retries_used, fresh.infrastructure_retries_used) == (0, 0)
    assert last.ended_at is None
    assert waits_in_queue(last)


@pytest.mark.parametrize(("suspends", "held"), [(False, True), (True, False)])
def test_a_suspended_run_gives_its_process_up(suspends: bool, held: bool) -> None:
    details = {"pause_key": "k", "pause_reschedule": suspends}
    _, paused, resumed = path(a(S.RUNNING), a(S.PAUSED, details=details), a(S.SCHEDULED if suspends else S.RUNNING))
    assert paused.is_held is held
    assert paused.policy.pause_keys == ("k",)
    assert paused.run_seconds == 1
    assert resumed.policy.resuming


def test_a_scheduled_state_says_when_it_is_due_and_a_claim_when_it_was() -> None:
    scheduled = a(S.SCHEDULED, scheduled_at=NOW + 5 * SECOND)
    first, second = path(scheduled, a(S.PENDING))
    assert complete(first, scheduled, first).details == {"scheduled_at": (NOW + 5 * SECOND).isoformat()}
    assert complete(first, a(S.PENDING), second).details == {"scheduled_at": (NOW + 5 * SECOND).isoformat()}
    assert second.expected_start_at == NOW + 5 * SECOND


def test_a_pause_whose_process_is_lost_is_not_passed() -> None:
    asked = a(S.PAUSED, details={"pause_key": "first"})
    again = a(S.PAUSED, details={"pause_key": "second"})
    lost = a(S.SCHEDULED, "AwaitingRetry", details={"reason": "INFRASTRUCTURE_RETRY"})
    last = path(a(S.RUNNING), asked, a(S.RUNNING), again, a(S.CRASHED), lost)[-1]
    assert last.policy.pause_keys == ("first",)


def test_a_sleep_is_passed_once_it_has_begun() -> None:
    asleep = a(S.SCHEDULED, "Sleeping", details={"reason": "SLEEPING", "pause_key": "sleep-0"})
    _, sleeping, pending = path(a(S.RUNNING), asleep, a(S.PENDING))
    assert waits_in_queue(sleeping)
    assert pending.policy.pause_keys == ("sleep-0",)
    assert pending.attempt == 2


def test_a_pause_with_a_span_says_when_it_ends() -> None:
    paused = a(S.PAUSED, details={"pause_key": "k"}, pause_seconds=60.0)
    _, after = path(a(S.RUNNING), paused)
    assert complete(after, paused, after).details["pause_expires_at"] == (after.at + 60 * SECOND).isoformat()
