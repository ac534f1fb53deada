"""Tells the state service of transitions of task runs, many at a time."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from headrace import errors
from headrace.api.v1 import task_run_pb2

logger = logging.getLogger(__name__)

MOST_TOGETHER = 500
"""Transitions in a frame."""

Told = tuple[task_run_pb2.RecordAttempt, task_run_pb2.TaskRunTransition]
"""A transition, and what it is recorded under; its index is set when it is recorded."""

Record = Callable[[task_run_pb2.RecordTransitionsRequest], Awaitable[task_run_pb2.RecordTransitionsResponse]]
"""Calls the service."""


async def record(call: Record, told: Sequence[Told]) -> set[str]:
    """Record transitions for good; those that can never be taken are logged and left out.

    Args:
        call: Calls the service.
        told: In the order in which they came.

    Returns:
        The flow runs whose transitions were not taken: others have them now, or they are gone.

    Raises:
        errors.HeadraceError: Nothing was decided about some of them; all may be sent again.
    """
    lost: set[str] = set()
    for start in range(0, len(told), MOST_TOGETHER):
        lost |= await _record(call, told[start : start + MOST_TOGETHER])
    return lost


async def _record(call: Record, told: Sequence[Told]) -> set[str]:
    frame = task_run_pb2.RecordFrame(sequence=1)
    places: dict[str, int] = {}
    for attempt, transition in told:
        place = places.get(attempt.flow_run_id)
        if place is None:
            place = places[attempt.flow_run_id] = len(frame.attempts)
            frame.attempts.append(attempt)
        transition.attempt_index = place
        frame.transitions.append(transition)
    try:
        response = await call(task_run_pb2.RecordTransitionsRequest(frame=frame))
    except errors.InvalidArgument as error:
        if len(told) == 1:
            logger.warning("a state of task run %s is left out: %s", told[0][1].task_run_id, error)
            return set()
        # One of them spoils it for all: each goes by itself.
        lost: set[str] = set()
        for single in told:
            lost |= await _record(call, [single])
        return lost
    return {each.flow_run_id for each in response.lost}
