"""What a transition does to the run beside its state: attempts, counts and times."""

from __future__ import annotations

import dataclasses
import datetime
import enum

from headrace_state.rules.facts import NewState, Progress, RetryPolicy
from headrace_state.rules.states import StateType, is_final


def begin(state: NewState, policy: RetryPolicy, now: datetime.datetime) -> Progress:
    """Return the progress of a run that is created in `state`."""
    return enter(Progress(StateType.SCHEDULED, "", now, policy), state, now)


def enter(progress: Progress, state: NewState, now: datetime.datetime) -> Progress:
    """Return the progress after the run entered `state` at `now`."""
    after = dataclasses.replace(progress, type=state.type, name=state.name, at=now, pause_key="")
    if progress.pause_key and state.type is StateType.CRASHED:
        # The process that waited is gone before anybody resumed the run: the next attempt pauses here again.
        keys = tuple(key for key in after.policy.pause_keys if key != progress.pause_key)
        after = dataclasses.replace(after, policy=dataclasses.replace(after.policy, pause_keys=keys))
    if progress.type is StateType.RUNNING:
        spent = max(0.0, (now - progress.at).total_seconds())
        after = dataclasses.replace(after, run_seconds=progress.run_seconds + spent)
    if is_final(progress.type) and not is_final(state.type):
        after = _reopened(after)
    match state.type:
        case StateType.SCHEDULED:
            return _scheduled(progress, after, state, now)
        case StateType.PENDING | StateType.RUNNING:
            return _started(progress, after, now)
        case StateType.PAUSED:
            return _paused(after, state)
        case StateType.CANCELLING:
            return after
        case _:
            return dataclasses.replace(
                after,
                ended_at=now,
                next_scheduled_start_at=None,
                is_held=False,
                policy=dataclasses.replace(after.policy, resuming=False),
            )


def complete(before: Progress, state: NewState, after: Progress) -> NewState:
    """Return `state` as it is stored: with when the run is due, or was when it was claimed, or when a pause ends."""
    if state.type is StateType.PAUSED and state.pause_seconds is not None:
        expires_at = after.at + datetime.timedelta(seconds=state.pause_seconds)
        return dataclasses.replace(state, details={**state.details, "pause_expires_at": expires_at.isoformat()})
    due_at = after.next_scheduled_start_at if state.type is StateType.SCHEDULED else None
    if state.type is StateType.PENDING:
        due_at = before.next_scheduled_start_at
    if due_at is None:
        return state
    return dataclasses.replace(state, details={**state.details, "scheduled_at": due_at.isoformat()})


def _reopened(after: Progress) -> Progress:
    # Whoever opens a final run again grants it all its retries anew.
    return dataclasses.replace(
        after,
        ended_at=None,
        retries_used=0,
        infrastructure_retries_used=0,
        policy=dataclasses.replace(after.policy, pause_keys=(), resuming=False),
    )


def _scheduled(before: Progress, after: Progress, state: NewState, now: datetime.datetime) -> Progress:
    due_at = state.scheduled_at or now
    policy = after.policy
    retries_used, infrastructure_retries_used = after.retries_used, after.infrastructure_retries_used
    match state.details.get("reason"):
        case "RETRY_IN_PROCESS" | "RETRY_RESCHEDULED":
            retries_used += 1
            policy = dataclasses.replace(policy, pause_keys=(), resuming=False)
        case "INFRASTRUCTURE_RETRY":
            # The crash before it opened the run again, but its retries are not granted anew.
            retries_used = before.retries_used
            infrastructure_retries_used = before.infrastructure_retries_used + 1
            policy = before.policy
        case "SLEEPING":
            # Once it has been slept, whoever executes the run next does not sleep again.
            policy = _passed(policy, state.details.get("pause_key"))
    if before.type is StateType.PAUSED:
        policy = dataclasses.replace(policy, resuming=True)
    return dataclasses.replace(
        after,
        policy=policy,
        retries_used=retries_used,
        infrastructure_retries_used=infrastructure_retries_used,
        is_held=before.is_held and state.keeps_attempt,
        expected_start_at=before.expected_start_at or due_at,
        next_scheduled_start_at=due_at,
    )


def _started(before: Progress, after: Progress, now: datetime.datetime) -> Progress:
    after = dataclasses.replace(
        after,
        attempt=before.attempt if before.is_held else before.attempt + 1,
        is_held=True,
        next_scheduled_start_at=None,
        expected_start_at=before.expected_start_at or now,
    )
    if after.type is StateType.PENDING or before.type is StateType.RUNNING:
        return after
    if before.type is StateType.PAUSED:
        after = dataclasses.replace(after, policy=dataclasses.replace(after.policy, resuming=True))
    delay = after.start_delay_seconds
    if after.started_at is None and after.expected_start_at is not None:
        delay = max(0.0, (now - after.expected_start_at).total_seconds())
    return dataclasses.replace(
        after,
        run_count=before.run_count + 1,
        started_at=before.started_at or now,
        start_delay_seconds=delay,
    )


def _paused(after: Progress, state: NewState) -> Progress:
    key = state.details.get("pause_key")
    return dataclasses.replace(
        after,
        is_held=after.is_held and not state.details.get("pause_reschedule"),
        policy=dataclasses.replace(_passed(after.policy, key), resuming=False),
        pause_key=key if isinstance(key, str) else "",
    )


def _passed(policy: RetryPolicy, key: object) -> RetryPolicy:
    if not isinstance(key, str) or not key or key in policy.pause_keys:
        return policy
    return dataclasses.replace(policy, pause_keys=(*policy.pause_keys, key))


class LeaseStep(enum.Enum):
    """What happens to the run's lease."""

    NONE = "none"
    TAKE = "take"
    RELEASE = "release"


def lease_step(before: Progress, after: Progress) -> LeaseStep:
    """Return what the way from `before` to `after` does to the lease."""
    if after.is_held and not before.is_held:
        return LeaseStep.TAKE
    if before.is_held and not after.is_held:
        return LeaseStep.RELEASE
    return LeaseStep.NONE


def waits_in_queue(progress: Progress) -> bool:
    """Return whether a run stands in the queue of due runs."""
    return progress.type is StateType.SCHEDULED and not progress.is_held
