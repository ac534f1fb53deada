"""The types of states, their usual names, and which type may follow which."""

from __future__ import annotations

import enum
from collections.abc import Mapping


class StateType(enum.StrEnum):
    """Where a run stands, as the rules know it; stored by these names."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CRASHED = "CRASHED"


FINAL = frozenset({StateType.CANCELLED, StateType.COMPLETED, StateType.FAILED, StateType.CRASHED})
"""A run in one of these is over."""

USUAL_NAMES: Mapping[StateType, str] = {
    StateType.SCHEDULED: "Scheduled",
    StateType.PENDING: "Pending",
    StateType.RUNNING: "Running",
    StateType.PAUSED: "Paused",
    StateType.CANCELLING: "Cancelling",
    StateType.CANCELLED: "Cancelled",
    StateType.COMPLETED: "Completed",
    StateType.FAILED: "Failed",
    StateType.CRASHED: "Crashed",
}
"""What a state of a type is called where nobody says otherwise."""

LATE = "Late"
AWAITING_RETRY = "AwaitingRetry"
AWAITING_CONCURRENCY_SLOT = "AwaitingConcurrencySlot"
RESUMING = "Resuming"
SUSPENDED = "Suspended"
SLEEPING = "Sleeping"
SKIPPED = "Skipped"
TIMED_OUT = "TimedOut"

LEGAL: Mapping[StateType, frozenset[StateType]] = {
    StateType.SCHEDULED: frozenset(
        {
            StateType.SCHEDULED,
            StateType.PENDING,
            StateType.RUNNING,
            StateType.CANCELLING,
            StateType.CANCELLED,
            StateType.FAILED,
            StateType.CRASHED,
        }
    ),
    StateType.PENDING: frozenset(
        {
            StateType.SCHEDULED,
            StateType.PENDING,
            StateType.RUNNING,
            StateType.CANCELLING,
            StateType.CANCELLED,
            StateType.FAILED,
            StateType.CRASHED,
        }
    ),
    StateType.RUNNING: frozenset(StateType) - {StateType.PENDING},
    StateType.PAUSED: frozenset(StateType) - {StateType.PENDING, StateType.PAUSED},
    StateType.CANCELLING: frozenset({StateType.CANCELLED}),
    StateType.CANCELLED: frozenset({StateType.SCHEDULED}),
    StateType.COMPLETED: frozenset({StateType.SCHEDULED}),
    StateType.FAILED: frozenset({StateType.SCHEDULED}),
    StateType.CRASHED: frozenset({StateType.SCHEDULED}),
}
"""Which type may follow which without force; a final state is left by a retry only."""


def is_final(state_type: str) -> bool:
    """Return whether a run in a state of this type is over."""
    return state_type in FINAL
