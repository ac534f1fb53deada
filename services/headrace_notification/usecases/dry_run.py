"""When an automation would have fired on the events of the past."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import heapq
import itertools
import uuid
from collections.abc import Sequence

from headrace import errors
from headrace_notification.repository import EventStore
from headrace_notification.rules.automation_events import is_looked_at
from headrace_notification.rules.automations import Automation
from headrace_notification.rules.buckets import Outcome
from headrace_notification.rules.events import Event, EventFilter, Key
from headrace_notification.rules.firings import (
    BucketKey,
    Changes,
    Firing,
    first_buckets,
    judge_event,
    judge_time,
    timer_of,
)
from headrace_notification.rules.triggers import leaves, metric_leaves

MOST_EVENTS = 50_000
MOST_SHOWN = 100
CHUNK = 500


@dataclasses.dataclass(frozen=True, slots=True)
class Outlook:
    """What would have happened."""

    fired_count: int
    resolved_count: int
    firings: Sequence[Firing]
    """The first of them, in order."""
    event_count: int
    complete_until: datetime.datetime
    is_capped: bool


class _Past:
    """An automation that remembers, and whose clock is that of the events."""

    def __init__(self, automation: Automation, begin: datetime.datetime) -> None:
        self._automation = automation
        self._leaves = list(leaves(automation.trigger))
        self._memory: Changes = {}
        self._timers: list[tuple[datetime.datetime, int, BucketKey]] = []
        self._order = itertools.count()
        self.firings: list[Firing] = []
        self.counts = dict.fromkeys(Outcome, 0)
        self._remember(first_buckets(automation, begin))

    def see(self, event: Event) -> None:
        """Look at what was due before an event, then at the event."""
        self.pass_time(event.occurred_at)
        for path, leaf in self._leaves:
            if leaf.covers(event) and is_looked_at(self._automation.automation_id, leaf, event):
                changes, firings = judge_event(self._automation, path, event, self._memory)
                self._remember(changes)
                self._note(firings)

    def pass_time(self, until: datetime.datetime) -> None:
        """Look at what was due up to a moment, in order."""
        while self._timers and self._timers[0][0] <= until:
            due_at, _, key = heapq.heappop(self._timers)
            remembered = self._memory.get(key)
            # Where something came in between, another timer stands for it.
            if remembered is None or timer_of(self._automation, key, remembered.bucket)[0] != due_at:
                continue
            changes, firings = judge_time(self._automation, key, self._memory, due_at)
            self._remember(changes)
            self._note(firings)

    def _remember(self, changes: Changes) -> None:
        for key, remembered in changes.items():
            if remembered is None:
                self._memory.pop(key, None)
                continue
            self._memory[key] = remembered
            due_at, _ = timer_of(self._automation, key, remembered.bucket)
            if due_at is not None:
                heapq.heappush(self._timers, (due_at, next(self._order), key))

    def _note(self, firings: Sequence[Firing]) -> None:
        for firing in firings:
            self.counts[firing.outcome] += 1
            if len(self.firings) < MOST_SHOWN:
                self.firings.append(firing)


async def dry_run(
    store: EventStore,
    workspace_id: uuid.UUID,
    automation: Automation,
    begin: datetime.datetime,
    end: datetime.datetime,
    *,
    most_events: int = MOST_EVENTS,
) -> Outlook:
    """Return when an automation would have fired on the events of a span of time.

    It begins with nothing remembered. At most `most_events` events are looked at, the oldest ones.

    Raises:
        errors.InvalidArgument: The span is none, or the trigger looks at figures.
    """
    if next(metric_leaves(automation.trigger), None) is not None:
        raise errors.InvalidArgument.of_field(
            "automation.trigger", "looks at figures, which are not kept: only triggers on events can be tested"
        )
    if begin >= end:
        raise errors.InvalidArgument.of_field("span", "must begin before it ends")
    past = _Past(dataclasses.replace(automation, enabled=True), begin)
    wanted = dataclasses.replace(_asked_for(automation), occurred_from=begin, occurred_until=end)
    after: Key | None = None
    count, is_capped, until = 0, False, end
    while True:
        limit = min(CHUNK, most_events - count)
        events = await store.list_events(workspace_id, wanted, after=after, newest_first=False, limit=limit + 1)
        for event in events[:limit]:
            past.see(event)
            after = Key(event.occurred_at, event.position)
        count += len(events[:limit])
        if len(events) <= limit:
            break
        if count >= most_events:
            is_capped, until = True, after.occurred_at if after is not None else begin
            break
        # Other calls of this process go on meanwhile.
        await asyncio.sleep(0)
    past.pass_time(until)
    return Outlook(past.counts[Outcome.FIRED], past.counts[Outcome.RESOLVED], past.firings, count, until, is_capped)


def _asked_for(automation: Automation) -> EventFilter:
    """Return a filter that leaves out what no condition looks at, as far as names tell."""
    names: dict[str, None] = {}
    for _, leaf in leaves(automation.trigger):
        if not leaf.expect:
            return EventFilter()
        names |= dict.fromkeys((*leaf.expect, *leaf.after))
    return EventFilter(names=tuple(names))
