"""Tells the state service of transitions of task runs, many at a time."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from headrace import errors
from headrace.api.v1 import task_run_pb2

logger = logging.getLogger(__name__)

T = TypeVar("T")

MOST_TOGETHER = 500
"""Transitions in a frame."""
MOST_BYTES = 4 * 1024 * 1024
"""The same in bytes; a longer one goes alone."""

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
    for some in in_parts(told, lambda one: one[1].ByteSize()):
        lost |= await _record(call, some)
    return lost


def in_parts(things: Sequence[T], size: Callable[[T], int]) -> Iterator[Sequence[T]]:
    """Yield things in their order, as many together as one call can take."""
    start, held = 0, 0
    for place, thing in enumerate(things):
        taken = size(thing)
        if place > start and (held + taken > MOST_BYTES or place - start >= MOST_TOGETHER):
            yield things[start:place]
            start, held = place, 0
        held += taken
    if things[start:]:
        yield things[start:]


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
