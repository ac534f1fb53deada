"""Events against triggers, and the clock against what triggers wait for."""

from __future__ import annotations

import datetime
import logging
import uuid
from collections.abc import Sequence

from headrace.ids import uuid7
from headrace_notification.repository import EvaluationStore, EvaluationWork
from headrace_notification.rules.automations import Automation
from headrace_notification.rules.events import Event
from headrace_notification.rules.firings import BucketKey, Firing, Remembered, deliveries_of, judge_event, judge_time
from headrace_notification.usecases.catalogue import Catalogue

logger = logging.getLogger(__name__)

MOST_DUE = 200


async def evaluate_stored(store: EvaluationStore, catalogue: Catalogue) -> int:
    """Evaluate what was stored since the last step, in the order in which it was committed.

    What it leads to and how far it has come are stored together: each event counts once.

    Returns:
        How much there was; above 0 means that there may be more.

    Raises:
        errors.LeaseLost: Another process evaluates by now; nothing was stored.
    """
    cursor = await store.load_cursor()
    stored = await store.read(cursor)
    if stored.cursor == cursor:
        await store.tell_evaluated(stored.read_at)
        return 0
    # An automation that was there before an event was stored is known from here on.
    await catalogue.refresh()
    covered = [(event, automation) for event in stored.events for automation in catalogue.covering(event)]
    async with store.step() as work:
        firings = await _judge_events(work, covered)
        await _fire(work, firings)
        await work.advance(stored.cursor, stored.followed_until)
    return max(1, len(stored.events))


async def _judge_events(work: EvaluationWork, covered: Sequence[tuple[Event, Automation]]) -> list[Firing]:
    lasting = [(event, automation) for event, automation in covered if not automation.trigger.is_immediate]
    keys = list(dict.fromkeys(_key(event, automation) for event, automation in lasting))
    remembered: dict[BucketKey, Remembered | None] = dict(await work.lock(keys)) if keys else {}
    before = dict(remembered)
    firings: list[Firing] = []
    for event, automation in covered:
        key = _key(event, automation)
        try:
            after, fired = judge_event(automation, remembered.get(key), event)
        except Exception:
            # A fault in one automation must not keep the others from being evaluated.
            logger.exception("automation %s could not judge event %s", automation.automation_id, event.event_id)
            continue
        firings += fired
        if not automation.trigger.is_immediate:
            remembered[key] = after
    changed = {key: kept for key, kept in remembered.items() if kept is not before.get(key)}
    await work.save(changed, {automation.automation_id: automation for _, automation in lasting})
    return firings


def _key(event: Event, automation: Automation) -> BucketKey:
    return automation.automation_id, automation.trigger.key_of(event)


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
        changed: dict[BucketKey, Remembered | None] = {}
        automations: dict[uuid.UUID, Automation] = {}
        firings: list[Firing] = []
        for (automation_id, key), remembered in due.items():
            automation = catalogue.find(automation_id)
            if automation is None:
                changed[automation_id, key] = None
                continue
            automations[automation_id] = automation
            changed[automation_id, key], fired = judge_time(automation, key, remembered, now)
            firings += fired
        await _fire(work, firings)
        await work.save(changed, automations)
        return len(due)


async def _fire(work: EvaluationWork, firings: Sequence[Firing]) -> None:
    fired_at: dict[uuid.UUID, datetime.datetime] = {}
    for firing in firings:
        automation_id = firing.automation.automation_id
        fired_at[automation_id] = max(firing.at, fired_at.get(automation_id, firing.at))
    await work.deliver([delivery for firing in firings for delivery in deliveries_of(firing, uuid7)])
    await work.mark_fired(fired_at)
