from __future__ import annotations

import datetime
import uuid

from hypothesis import given
from hypothesis import strategies as st

from headrace.ids import uuid7
from headrace_notification.rules.events import RESOURCE_ID, RESOURCE_ROLE, Event, Resource
from headrace_notification.rules.index import TriggerIndex, TriggerKey
from headrace_notification.rules.patterns import allows, fits
from headrace_notification.rules.triggers import EventTrigger, sources_of

NOW = datetime.datetime(2026, 3, 5, tzinfo=datetime.UTC)
WORKSPACES = [uuid7(), uuid7()]

names = st.sampled_from(["a", "a.b", "a.b.c", "b", "b.c"])
patterns = st.sampled_from(["*", "a*", "a.b", "a.b*", "b", "b.c", "c"])
values = st.sampled_from(["x", "y", "xy"])
value_patterns = st.sampled_from(["x", "y", "x*", "!x", "!x*", "xy"])
labels = st.sampled_from([RESOURCE_ID, RESOURCE_ROLE, "l", "m"])
matches = st.dictionaries(labels, st.lists(value_patterns, min_size=1, max_size=2).map(tuple), max_size=2)
triggers = st.builds(
    EventTrigger,
    match=matches,
    match_related=st.lists(matches, max_size=2).map(tuple),
    expect=st.lists(patterns, max_size=2).map(tuple),
    after=st.lists(patterns, max_size=2).map(tuple),
)
resources = st.builds(
    Resource, resource_id=values, role=values, labels=st.dictionaries(st.sampled_from(["l", "m"]), values, max_size=2)
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    return Event(
        uuid.UUID(int=1),
        draw(st.sampled_from(WORKSPACES)),
        draw(names),
        NOW,
        draw(resources),
        tuple(draw(st.lists(resources, max_size=3))),
    )


@given(
    st.lists(st.tuples(st.sampled_from(WORKSPACES), triggers), max_size=12), st.lists(events(), max_size=5), st.data()
)
def test_the_index_finds_what_looking_at_all_would_find(
    all_triggers: list[tuple[uuid.UUID, EventTrigger]], happened: list[Event], data: st.DataObject
) -> None:
    index = TriggerIndex()
    standing: dict[TriggerKey, tuple[uuid.UUID, EventTrigger]] = {}
    for workspace_id, trigger in all_triggers:
        key = (uuid7(), ())
        index.add(key, workspace_id, trigger)
        standing[key] = (workspace_id, trigger)
        if data.draw(st.booleans()) and len(standing) > 1:
            gone = data.draw(st.sampled_from(sorted(standing)))
            index.remove(gone)
            del standing[gone]
    assert len(index) == len(standing)
    for event in happened:
        found = [key for key, _ in index.covering(event)]
        assert len(found) == len(set(found))
        assert set(found) == {
            key
            for key, (workspace_id, trigger) in standing.items()
            if workspace_id == event.workspace_id and trigger.covers(event)
        }
        looked_at = any(
            workspace_id == event.workspace_id and (trigger.expects(event.name) or trigger.starts_after(event.name))
            for workspace_id, trigger in standing.values()
        )
        assert index.wants_name(event.workspace_id, event.name) == looked_at


def test_an_event_looks_only_at_triggers_that_ask_for_its_resource() -> None:
    index = TriggerIndex()
    for place in range(1000):
        demanded = {RESOURCE_ID: (f"headrace.deployment.{place}",), RESOURCE_ROLE: ("deployment",)}
        index.add(
            (uuid7(), ()), WORKSPACES[0], EventTrigger(expect=("headrace.flow-run.*",), match_related=(demanded,))
        )
    related = Resource("headrace.deployment.7", "", "deployment")
    event = Event(uuid7(), WORKSPACES[0], "headrace.flow-run.Failed", NOW, Resource("headrace.flow-run.1"), (related,))
    asked = sum(len(index._places.get((WORKSPACES[0], place), ())) for place in index._asked(event))
    assert asked == 1
    assert len(list(index.covering(event))) == 1


def test_patterns() -> None:
    assert fits("abc", "abc")
    assert fits("abc", "a*")
    assert fits("abc", "*")
    assert not fits("abc", "ab")
    assert not fits("a*c", "a*d")
    assert allows("x", ["x", "y"])
    assert not allows("z", ["x", "y"])
    assert not allows(None, ["x"])
    assert allows(None, ["!x"])
    assert allows("y", ["!x"])
    assert not allows("x", ["!x", "*"])
    assert not allows("xy", ["!x*"])


def test_the_absence_of_events_waits_for_those_who_would_tell_of_them() -> None:
    assert sources_of(EventTrigger(expect=("headrace.flow-run.Completed",))) == ("evaluation", "state")
    assert sources_of(EventTrigger(expect=("headrace.worker.*",))) == ("evaluation", "scheduler")
    assert sources_of(EventTrigger(expect=("headrace.*",))) == ("evaluation", "scheduler", "state")
    assert sources_of(EventTrigger()) == ("evaluation", "scheduler", "state")
    assert sources_of(EventTrigger(expect=("app.*",))) == ("evaluation",)


def test_keys_are_made_of_labels_of_the_event_and_of_what_it_concerns() -> None:
    event = Event(uuid7(), WORKSPACES[0], "n", NOW, Resource("r", labels={"a": "b"}), (Resource("f", "etl", "flow"),))
    trigger = EventTrigger(for_each=("a", "related:flow:headrace.resource.name", "missing", "related:x:y"))
    assert trigger.key_of(event) == ("b", "etl", "", "")
