"""Bringing backfills on: runs are made a few at a time, and counted when they are over.

Whoever makes a run a second time, another replica or the same after a crash, finds the first one by its key.
"""

from __future__ import annotations

import dataclasses
import logging

from headrace import errors
from headrace.ids import uuid7
from headrace_scheduler.repository.storage import Unit
from headrace_scheduler.rules import backfill as rules
from headrace_scheduler.rules.backfill import Backfill, Item, ItemState, Status
from headrace_scheduler.rules.changes import Change, ChangeKind
from headrace_scheduler.rules.deployment import Creator
from headrace_scheduler.usecases.run_deployment import RunRequest, run_in_bulk
from headrace_scheduler.usecases.workbench import Actor, Workbench

logger = logging.getLogger(__name__)

MOST_BACKFILLS = 100
"""Backfills of one look."""
_ENDS = {state.value: state for state in ItemState if state not in (ItemState.WAITING, ItemState.ACTIVE)}


async def advance_backfills(bench: Workbench) -> int:
    """Bring backfills on; return how many made runs or saw runs end.

    Raises:
        errors.Unavailable: The state service or the database does not answer; nothing is lost.
    """
    moved = 0
    for backfill in await bench.store.read(lambda unit: unit.backfills.list_unsettled(MOST_BACKFILLS)):
        try:
            moved += await _advance(bench, backfill)
        except (errors.Unavailable, errors.DeadlineExceeded, errors.Aborted):
            raise
        except errors.HeadraceError as error:
            # What it needs, such as its work pool, is gone; somebody has to look.
            logger.warning("the backfill %s is paused: %s", backfill.backfill_id, error)
            await _settle(bench, backfill, Status.PAUSED, f"Its runs cannot be made: {error}")
    return moved


async def _advance(bench: Workbench, backfill: Backfill) -> bool:
    ended = await _note_ends(bench, backfill)
    made = 0
    if backfill.status is Status.RUNNING:
        made = await _make_runs(bench, backfill)
    current = await bench.store.read(lambda unit: unit.backfills.load(backfill.workspace_id, backfill.backfill_id))
    if current is not None and not current.status.is_over:
        status = rules.settled(current, current.progress)
        if status is not current.status:
            await _settle(bench, current, status, "")
    await bench.store.run(lambda unit: unit.backfills.touch(backfill.backfill_id))
    return bool(ended or made)


async def _note_ends(bench: Workbench, backfill: Backfill) -> int:
    active = await bench.store.read(
        lambda unit: unit.backfills.list_in_state(backfill.backfill_id, ItemState.ACTIVE, rules.MOST_ACTIVE)
    )
    if not active:
        return 0
    ids = [item.flow_run_id for item in active if item.flow_run_id is not None]
    states = await bench.state.state_types(backfill.workspace_id, ids)
    ended: dict[int, ItemState] = {}
    for item in active:
        assert item.flow_run_id is not None, "an active run was made"
        # A run that is gone was deleted by somebody.
        state = states.get(item.flow_run_id, ItemState.CANCELLED.value)
        if state in _ENDS:
            ended[item.number] = _ENDS[state]
        elif backfill.status is Status.CANCELLING and state != "CANCELLING":
            await bench.state.cancel_run(backfill.workspace_id, item.flow_run_id, "Its backfill was cancelled.")
    if ended:
        await bench.store.run(lambda unit: unit.backfills.end_items(backfill.backfill_id, ended))
    return len(ended)


async def _make_runs(bench: Workbench, backfill: Backfill) -> int:
    async def choose(unit: Unit) -> list[Item]:
        active = await unit.backfills.list_in_state(backfill.backfill_id, ItemState.ACTIVE, backfill.window)
        room = backfill.window - len(active)
        if room <= 0:
            return []
        return await unit.backfills.list_in_state(backfill.backfill_id, ItemState.WAITING, room)

    items = await bench.store.read(choose)
    if not items:
        return 0
    actor = Actor(backfill.workspace_id, Creator("BACKFILL", str(backfill.backfill_id), backfill.name))
    created = await run_in_bulk(bench, actor, [_request(backfill, item) for item in items])
    made = {item.number: one.flow_run_id for item, one in zip(items, created, strict=True)}

    async def store(unit: Unit) -> bool:
        # A cancellation that came meanwhile has taken the runs as cancelled; these stray ones follow.
        current = await unit.backfills.load(backfill.workspace_id, backfill.backfill_id, lock=True)
        if current is None or current.status is Status.CANCELLING or current.status.is_over:
            return False
        await unit.backfills.activate(backfill.backfill_id, made)
        return True

    if not await bench.store.run(store):
        for flow_run_id in made.values():
            await bench.state.cancel_run(backfill.workspace_id, flow_run_id, "Its backfill was cancelled.")
    return len(made)


def _request(backfill: Backfill, item: Item) -> RunRequest:
    slot = item.slot_at.isoformat() if item.slot_at is not None else None
    return RunRequest(
        deployment_id=backfill.deployment_id,
        version_id=backfill.version_id,
        flow_run_id=uuid7(),
        parameters=item.parameters,
        idempotency_key=backfill.idempotency_key(item),
        labels={"headrace.backfill_id": str(backfill.backfill_id)},
        context={"backfill": {"backfill_id": str(backfill.backfill_id), "number": item.number, "slot_at": slot}},
        keyed_limits=backfill.keyed_limits(),
    )


async def _settle(bench: Workbench, backfill: Backfill, status: Status, message: str) -> None:
    async def work(unit: Unit) -> None:
        current = await unit.backfills.load(backfill.workspace_id, backfill.backfill_id, lock=True)
        if current is None or current.status is not backfill.status:
            return
        changed = dataclasses.replace(current, status=status, message=message)
        await unit.backfills.set_status(changed)
        await unit.tell(Change(ChangeKind.STATUS, changed))

    await bench.store.run(work)
