"""Events are looked at as they were stored, but none before the one that it follows."""

from __future__ import annotations

import datetime
import uuid

from hypothesis import given
from hypothesis import strategies as st

from headrace_notification.rules.causality import causal_order, leaders_of, split
from headrace_notification.rules.events import Event, Resource

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def an_event(number: int, follows: int | None = None, name: str = "app.x") -> Event:
    leader = uuid.UUID(int=follows) if follows is not None else None
    return Event(uuid.UUID(int=number), uuid.UUID(int=0), name, NOW, Resource("app.1"), follows_event_id=leader)


def numbers(events: list[Event]) -> list[int]:
    return [event.event_id.int for event in events]


@given(st.lists(st.tuples(st.integers(1, 12), st.none() | st.integers(1, 12)), unique_by=lambda pair: pair[0]))
def test_all_are_there_once_and_none_before_its_leader(pairs: list[tuple[int, int | None]]) -> None:
    events = [an_event(number, follows) for number, follows in pairs]
    ordered = numbers(causal_order(events))
    assert sorted(ordered) == sorted(number for number, _ in pairs)
    follows = dict(pairs)
    for number in ordered:
        chain, current = [number], follows.get(number)
        while current is not None and current not in chain and current in follows:
            chain.append(current)
            current = follows[current]
        if current in chain:
            continue
        leader = follows[number]
        if leader in follows:
            assert leader is not None
            assert ordered.index(leader) < ordered.index(number)


def test_without_followers_the_order_stays() -> None:
    assert numbers(causal_order([an_event(number) for number in (5, 1, 4)])) == [5, 1, 4]


def test_those_that_follow_a_missing_one_wait_with_all_behind_them() -> None:
    events = [an_event(3, 2), an_event(2, 1), an_event(4), an_event(5, 4), an_event(6, 9)]
    assert leaders_of(events) == {uuid.UUID(int=1), uuid.UUID(int=9)}
    ordered, waiting = split(events, {uuid.UUID(int=1)})
    assert numbers(ordered) == [4, 5, 6]
    assert numbers(waiting) == [2, 3]


def test_what_the_server_tells_never_waits() -> None:
    events = [an_event(2, 1, "headrace.flow-run.Running")]
    assert leaders_of(events) == set()
    assert numbers(split(events, {uuid.UUID(int=1)})[0]) == [2]
