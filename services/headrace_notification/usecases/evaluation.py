"""Events against triggers, and the clock against what triggers wait for."""

from __future__ import annotations

import datetime
import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from headrace.ids import made_at, uuid7
from headrace_notification.repository import EvaluationStore, EvaluationWork
from headrace_notification.rules.automation_events import events_of_firing
from headrace_notification.rules.automations import Automation
from headrace_notification.rules.causality import HOLD_SECONDS, causal_order, leaders_of, split
from headrace_notification.rules.deliveries import Delivery
from headrace_notification.rules.events import Event
from headrace_notification.rules.firings import (
    BucketKey,
    Changes,
    Firing,
    Memory,
    deliveries_of,
    judge_event,
    judge_time,
    keys_above,
    keys_of,
    path_of,
)
from headrace_notification.rules.triggers import Path
from headrace_notification.usecases.built_in import BuiltIns
from headrace_notification.usecases.catalogue import Catalogue
from headrace_notification.usecases.circles import Turns

logger = logging.getLogger(__name__)

MOST_DUE = 200

Covered: TypeAlias = tuple[Automation, Path]
"""An automation, and which of its conditions."""


async def evaluate_stored(store: EvaluationStore, catalogue: Catalogue, built_ins: BuiltIns, turns: Turns) -> int:
    """Evaluate what was stored since the last step, in the order in which it was committed.

    What it leads to and how far it has come are stored together: each event counts once.

    Args:
        store: Where it stands.
        catalogue: The automations.
        built_ins: Makes those that workspaces have from the start.
        turns: Knows who goes round in circles.

    Returns:
        How much there was; above 0 means that there may be more.

    Raises:
        errors.LeaseLost: Another process evaluates by now; nothing was stored.
    """
    cursor = await store.load_cursor()
    stored = await store.read(cursor)
    if stored.cursor == cursor and not await store.has_overdue():
        await store.tell_evaluated(stored.read_at)
        return 0
    await built_ins.ensure(event.workspace_id for event in stored.events)
    # An automation that was there before an event was stored is known from here on.
    await catalogue.refresh()
    await catalogue.forget_ended(stored.events)
    async with store.step() as work:
        events = await _in_causal_order(work, stored.events)
        covered = [(event, *found) for event in events for found in catalogue.covering(event)]
        firings = await _judge_events(work, covered)
        await fire(work, firings, turns)
        await work.advance(stored.cursor, stored.followed_until)
    return max(1, len(stored.events))


async def _in_causal_order(work: EvaluationWork, events: Sequence[Event]) -> list[Event]:
    """Return what can be looked at: none before the one that it follows, and those that waited for one of these."""
    leaders = leaders_of(events)
    ordered, waiting = split(events, await work.missing(events, leaders) if leaders else ())
    if waiting:
        await work.hold_events(waiting, HOLD_SECONDS)
    fresh = {event.event_id for event in ordered}
    while True:
        released = await work.release_events(fresh)
        if not released:
            return ordered
        ordered += causal_order(released)
        fresh = {event.event_id for event in released}


async def _judge_events(work: EvaluationWork, covered: Sequence[tuple[Event, Automation, Path]]) -> list[Firing]:
    await work.hold({automation.automation_id for _, automation, path in covered if path})
    keys = list(dict.fromkeys(key for event, automation, path in covered for key in keys_of(automation, path, event)))
    before: Memory = await work.lock(keys) if keys else {}
    memory: Changes = dict(before)
    firings: list[Firing] = []
    for event, automation, path in covered:
        try:
            changes, fired = judge_event(automation, path, event, memory)
        except Exception:
            # A fault in one automation must not keep the others from being evaluated.
            logger.exception("automation %s could not judge event %s", automation.automation_id, event.event_id)
            continue
        firings += fired
        memory.update(changes)
    changed = {key: kept for key, kept in memory.items() if kept is not before.get(key)}
    await work.save(changed, {automation.automation_id: automation for _, automation, _ in covered})
    return firings


async def watch_timers(store: EvaluationStore, catalogue: Catalogue) -> int:
    """Look at what triggers waited for and did not come in time.

    Returns:
        How much was due; above 0 means that there may be more.
    """
    await catalogue.refresh()
    async with store.watch() as work:
        due, now = await work.lock_due(MOST_DUE)
        if now is None:
            return 0
        memory: Changes = dict(due)
        automations = {key[0]: automation for key in due if (automation := catalogue.find(key[0])) is not None}
        above = {key: _keys_above(automations, key) for key in due}
        # Whoever evaluates events of the same automation comes first; what is due is looked at again then.
        composite = {key[0] for key, keys in above.items() if keys}
        held = await work.hold(composite, wait=False) if composite else set()
        judged = [key for key, keys in above.items() if not keys or key[0] in held]
        further = list(dict.fromkeys(one for key in judged for one in above[key]))
        memory.update(await work.lock(further) if further else {})
        changed: Changes = {}
        firings: list[Firing] = []
        for key in judged:
            automation = automations.get(key[0])
            if automation is None:
                changed[key] = None
                continue
            try:
                changes, fired = judge_time(automation, key, memory, now)
            except Exception:
                # It would be due again at once, and keep all others from being looked at.
                logger.exception("automation %s could not judge its time", automation.automation_id)
                changed[key] = None
                continue
            firings += fired
            memory.update(changes)
            changed.update(changes)
        await fire(work, firings)
        await work.save(changed, automations)
        return len(judged)


def _keys_above(automations: Mapping[uuid.UUID, Automation], key: BucketKey) -> list[BucketKey]:
    automation = automations.get(key[0])
    path = path_of(automation, key) if automation is not None else None
    return keys_above(automation, path) if automation is not None and path else []


def _made() -> tuple[uuid.UUID, datetime.datetime]:
    event_id = uuid7()
    return event_id, made_at(event_id)


async def fire(work: EvaluationWork, firings: Sequence[Firing], turns: Turns | None = None) -> None:
    """Queue what is to be done for firings, tell of it, and store when automations fired."""
    fired_at: dict[uuid.UUID, datetime.datetime] = {}
    for firing in firings:
        automation_id = firing.automation.automation_id
        fired_at[automation_id] = max(firing.at, fired_at.get(automation_id, firing.at))
    queued: list[Delivery] = []
    told: list[Event] = []
    for firing in firings:
        deliveries = deliveries_of(firing, uuid7, turns.too_many(firing) if turns is not None else "")
        queued += deliveries
        told += events_of_firing(firing, deliveries, _made)
    await work.deliver(queued)
    await work.tell(told)
    await work.mark_fired(fired_at)
