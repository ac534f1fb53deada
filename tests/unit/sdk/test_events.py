"""Events of flows: what they carry along, and what is refused at once."""

from __future__ import annotations

from typing import Any

import pytest

from headrace import emit_event, errors, flow, tags, task
from headrace.testing import local_runs


def test_an_event_within_a_run_is_related_to_it() -> None:
    @task
    def load() -> None:
        emit_event("orders.loaded", "shop.orders", payload={"count": 3})

    @flow
    def nightly() -> None:
        begun = emit_event("orders.begun", {"headrace.resource.id": "shop.orders", "team": "data"})
        load()
        emit_event("orders.ended", "shop.orders", follows=begun, related=[{"headrace.resource.id": "shop.1"}])

    with local_runs() as runs:
        with tags("prod"):
            nightly()
        [begun, loaded, ended] = runs.events
    assert (begun.name, begun.resource.resource_id, dict(begun.resource.labels)) == (
        "orders.begun",
        "shop.orders",
        {"team": "data"},
    )
    assert [one.role for one in begun.related] == ["flow-run", "tag"]
    assert [one.role for one in loaded.related] == ["task-run", "flow-run", "tag"]
    assert loaded.payload["count"] == 3
    assert ended.follows_event_id == begun.event_id
    assert ended.related[0].resource_id == "shop.1"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"event": ""}, "event"),
        ({"event": "headrace.flow-run.Failed"}, "event"),
        ({"event": "x", "resource": ""}, "resource"),
        ({"event": "x", "resource": {"team": "data"}}, "resource"),
        ({"event": "x", "payload": {"when": object()}}, "payload"),
        ({"event": "x", "payload": {"n": float("nan")}}, "payload"),
        ({"event": "x", "follows": "yesterday"}, "event_id"),
    ],
)
def test_what_cannot_be_an_event_is_refused_at_once(arguments: dict[str, Any], field: str) -> None:
    with local_runs() as runs:
        with pytest.raises(errors.InvalidArgument) as refused:
            emit_event(**{"resource": "shop.orders", **arguments})
        assert [violation.field for violation in refused.value.violations] == [field]
        assert runs.events == []
