"""Limits of tags: a task run holds a slot of the limit of each of its tags while it is tried.

Most tags have no limit. That is known after the first try and asked again in the background every other second,
so that it costs a run nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from headrace.engine.guards import current_guard
from headrace.engine.judging import fail
from headrace.engine.runs import TaskRun
from headrace.engine.slots import HeldSlots, SlotWish, arrival_of_slots, wait_for_slots
from headrace.errors import HeadraceError
from headrace.recording.facts import SCHEDULED
from headrace.recording.text import storable

LEASE_SECONDS = 30.0
"""How long the slots of a process that died stay taken where no worker sees it die."""


def take_slots(run: TaskRun) -> HeldSlots | None:
    """Wait in this thread until each tag of a run that has a limit has a slot for it; None if there is none.

    Raises:
        Interrupted: The run has to stop.
        HeadraceError: There will be no slots; the run has failed.
    """
    wish = _wish(run)
    if wish is None:
        return None
    guard = run.guard or current_guard()
    try:
        return wait_for_slots(run.host.backend, wish, guard, is_armed=True, on_wait=_told(run))
    except HeadraceError as error:
        guard.disarm()
        fail(run, error)
        raise
    except BaseException:
        guard.disarm()
        raise


async def arrival_of_tags(run: TaskRun) -> HeldSlots | None:
    """Wait on this event loop; otherwise as `take_slots`."""
    wish = _wish(run)
    if wish is None:
        return None
    try:
        return await arrival_of_slots(run.host.backend, wish, _told(run))
    except HeadraceError as error:
        fail(run, error)
        raise


def _told(run: TaskRun) -> Callable[[str], None]:
    def tell(limit: str) -> None:
        run.enter(SCHEDULED, "AwaitingConcurrencySlot", f"The limit {limit} has no free slot.")

    return tell


def _wish(run: TaskRun) -> SlotWish | None:
    names = _names(tuple(run.tags))
    if run.host.backend.is_unlimited(names):
        return None
    return SlotWish(names=names, lease_seconds=LEASE_SECONDS, holder_kind="task-run", holder_id=run.task_run_id)


@functools.lru_cache(maxsize=1_000)
def _names(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"tag:{storable(tag)}" for tag in tags)
