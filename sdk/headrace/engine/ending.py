"""How flow runs end: what a returned value or an error means."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from headrace.engine.judging import describe_error, error_details
from headrace.engine.tracking import SCALARS
from headrace.futures import Future
from headrace.outcomes import CancelledRun
from headrace.states import State, StateDetails, StateType, aggregate_states


def deciding(value: Any) -> list[Future[Any] | State[Any]]:
    """Return the futures and states in a returned value, which then say how the run ended."""
    if isinstance(value, Future | State):
        return [value]
    if type(value) in SCALARS:
        return []
    if isinstance(value, list | tuple | set | frozenset):
        return [found for item in value if type(item) not in SCALARS for found in deciding(item)]
    if isinstance(value, dict):
        return [found for item in value.values() if type(item) not in SCALARS for found in deciding(item)]
    return []


def judge_states(value: Any, found: Sequence[Future[Any] | State[Any]]) -> State[Any]:
    """Return the state of a run that returned futures and states, all of them done.

    A state that the user made is taken as it is; of several the worst counts.
    """
    states = [item.state if isinstance(item, Future) else item for item in found]
    state = states[0] if value is found[0] else aggregate_states(states)
    if not state.is_final():
        error = TypeError(f"the flow returned the state {state}, which is not a final one")
        return failed(error)
    retriable = state.details.retriable if state.details is not None and value is found[0] else None
    details = StateDetails(retriable=retriable) if retriable is not None else None
    return dataclasses.replace(state, details=details, reference=None)


def cause_of(state: State[Any], found: Sequence[Future[Any] | State[Any]]) -> Exception:
    """Return what is raised to the caller of a run that ended in a state which is not COMPLETED."""
    states = [item.state if isinstance(item, Future) else item for item in found]
    for each in (*states, state):
        if each.is_final() and not each.is_completed():
            error = each.exception()
            return error if isinstance(error, Exception) else CancelledRun(each.message or f"a run ended {each.name}")
    return CancelledRun(state.message)


def failed(error: Exception, name: str = "") -> State[Any]:
    """Return the state of a run that raised."""
    return State(
        type=StateType.FAILED, name=name, message=describe_error(error), data=error, details=error_details(error)
    )


def with_data(held: State[Any], proposal: State[Any]) -> State[Any]:
    """Return the state that the server holds, with the value or exception of the proposal that it came from."""
    if held.type is proposal.type and proposal.has_data:
        held.data = proposal.data
        held.reference = held.reference or proposal.reference
    return held
