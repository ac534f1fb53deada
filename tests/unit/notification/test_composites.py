"""Conditions on several conditions, against what looking at everything that happened would say."""

from __future__ import annotations

import datetime
import itertools

from hypothesis import given
from hypothesis import strategies as st

from headrace_notification.rules import composites
from headrace_notification.rules.composites import Came, Memory
from headrace_notification.rules.triggers import CompositeTrigger, EventTrigger

START = datetime.datetime(2026, 3, 5, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)

happenings = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9)), max_size=14)
"""Which of three conditions came true, and how many seconds after the one before."""


def fired_at(trigger: CompositeTrigger, happened: list[tuple[int, int]]) -> list[int]:
    """Return the happenings at which the trigger fires."""
    memory: Memory = {}
    now, fired = START, []
    for number, (place, seconds) in enumerate(happened):
        now += seconds * SECOND
        memory, fires = composites.come_true(trigger, memory, place, now, {"id": number})
        if fires:
            assert memory == {}
            fired.append(number)
    return fired


def expected(trigger: CompositeTrigger, happened: list[tuple[int, int]]) -> list[int]:
    """Return the same by looking at all choices of what happened since it last fired."""
    times = list(itertools.accumulate(seconds for _, seconds in happened))
    within = trigger.within.total_seconds() or 10**9
    count = len(trigger.children)
    fired: list[int] = []
    begin = 0
    for end in range(len(happened)):
        seen = range(begin, end + 1)
        if trigger.in_order:
            choices = (chosen for chosen in itertools.combinations(seen, count) if chosen[-1] == end)
            fires = any(
                [happened[at][0] for at in chosen] == list(range(count)) and times[end] - times[chosen[0]] <= within
                for chosen in choices
            )
        else:
            fires = len({happened[at][0] for at in seen if times[end] - times[at] <= within}) >= trigger.require
        if fires:
            fired.append(end)
            begin = end + 1
    return fired


@given(happenings, st.integers(1, 3), st.integers(0, 20), st.booleans())
def test_it_fires_when_looking_at_everything_would(
    happened: list[tuple[int, int]], require: int, within: int, in_order: bool
) -> None:
    trigger = CompositeTrigger((EventTrigger(),) * 3, 3 if in_order else require, within * SECOND, in_order)
    assert fired_at(trigger, happened) == expected(trigger, happened)


def test_what_is_resolved_does_not_count_any_more() -> None:
    trigger = CompositeTrigger((EventTrigger(),) * 2, 2)
    memory, _ = composites.come_true(trigger, {}, 0, START, None)
    memory = composites.no_longer_true(memory, 0)
    assert composites.come_true(trigger, memory, 1, START, None) == ({1: Came(START, START, None)}, False)


def test_what_came_true_survives_as_json() -> None:
    came = Came(START, START - SECOND, {"id": "a"})
    assert Came.of_document(came.document()) == came


def test_an_event_of_before_is_not_after() -> None:
    trigger = CompositeTrigger((EventTrigger(),) * 2, 2, in_order=True)
    memory, _ = composites.come_true(trigger, {}, 0, START, None)
    assert composites.come_true(trigger, memory, 1, START - SECOND, None) == (memory, False)
