"""Variables, blocks, artifacts, limits, events and automations between Prefect's JSON and the contract."""

from __future__ import annotations

import datetime
import hashlib
import json
import uuid
from typing import Any

import pytest

from headrace.api.v1 import (
    artifact_pb2,
    automation_pb2,
    block_pb2,
    concurrency_pb2,
    event_pb2,
    state_pb2,
    task_run_pb2,
)
from headrace_prefect import names
from headrace_prefect.answers import Invalid, Refusal
from headrace_prefect.bodies.fields import Field, Wrong, parse
from headrace_prefect.filters import events as event_filters
from headrace_prefect.filters import values
from headrace_prefect.resources import limits, ui, variables
from headrace_prefect.shapes import actions, artifacts, blocks, events, scalars, task_run_events, triggers
from headrace_prefect.shapes import limits as limit_shapes
from headrace_prefect.sockets import task_ends

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
ID = "0197f9a6-0000-7000-8000-000000000001"


def a_wish(**chosen: Any) -> event_filters.Wish:
    return event_filters.wish(parse({"filter": Field(event_filters.FILTER)}, {"filter": chosen})["filter"], NOW)


def an_event(**more: Any) -> dict[str, Any]:
    return {
        "event": "own.thing",
        "resource": {"prefect.resource.id": "own.1", "color": "red"},
        "related": [{"prefect.resource.id": "prefect.flow.1", "prefect.resource.role": "flow"}],
        "payload": {"word": "needle"},
        **more,
    }


@pytest.mark.parametrize(
    ("type_name", "data", "kind"),
    [
        ("markdown", "# x", artifact_pb2.ARTIFACT_KIND_MARKDOWN),
        ("table", '[{"a": 1, "b": null}]', artifact_pb2.ARTIFACT_KIND_TABLE),
        ("table", "[[1, 2]]", artifact_pb2.ARTIFACT_KIND_TABLE),
        ("progress", 12.5, artifact_pb2.ARTIFACT_KIND_PROGRESS),
        ("image", "https://example.org/i.png", artifact_pb2.ARTIFACT_KIND_IMAGE),
        ("result", {"a": [1]}, artifact_pb2.ARTIFACT_KIND_RESULT),
        ("table", "no table", artifact_pb2.ARTIFACT_KIND_OTHER),
        ("progress", 300, artifact_pb2.ARTIFACT_KIND_OTHER),
        ("own", {"a": 1}, artifact_pb2.ARTIFACT_KIND_OTHER),
    ],
)
def test_artifacts_come_back_as_they_were_given(type_name: str, data: Any, kind: int) -> None:
    artifact = artifact_pb2.Artifact(artifact_id=ID)
    artifacts.fill(artifact, type_name, data)
    assert artifact.kind == kind
    shown = artifacts.shape(artifact)
    assert (shown["type"], shown["data"]) == (type_name, data)


def test_a_table_of_columns_comes_back_as_one_of_rows() -> None:
    artifact = artifact_pb2.Artifact()
    artifacts.fill(artifact, "table", '{"a": [1, 2], "b": ["x", "y"]}')
    assert json.loads(artifacts.shape(artifact)["data"]) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def test_native_links_and_pictures_are_shown_in_words_of_prefect() -> None:
    link = artifact_pb2.Artifact(
        kind=artifact_pb2.ARTIFACT_KIND_LINK, link=artifact_pb2.LinkContent(url="https://x", text="t")
    )
    assert artifacts.shape(link)["data"] == "[t](https://x)"
    image = artifact_pb2.Artifact(
        kind=artifact_pb2.ARTIFACT_KIND_IMAGE, image=artifact_pb2.ImageContent(data=b"\x00", media_type="image/gif")
    )
    assert artifacts.shape(image)["data"] == "data:image/gif;base64,AA=="


def test_checksums_of_schemas_are_those_of_prefects_client() -> None:
    fields = {"title": "X", "type": "object", "properties": {"a": {"title": "A", "type": "string"}}}
    expected = hashlib.sha256(json.dumps([[fields], {}], sort_keys=True).encode()).hexdigest()
    assert blocks.checksum(fields) == f"sha256:{expected}"
    # Lists of secrets do not count, nor do definitions that are of other blocks or that nothing refers to.
    assert blocks.checksum({**fields, "secret_fields": ["a"]}) == f"sha256:{expected}"
    others = {"definitions": {"B": {"block_type_slug": "b", "type": "object"}, "Unused": {"type": "object"}}}
    assert blocks.checksum({**fields, **others}) == f"sha256:{expected}"
    own = {"properties": {"a": {"$ref": "#/definitions/A"}}, "definitions": {"A": {"$ref": "#/definitions/A"}}}
    assert blocks.checksum(own) != blocks.checksum({"properties": own["properties"]})


def test_a_schema_is_kept_whole_and_checks_nothing() -> None:
    fields = {"title": "X", "properties": {"a": {"title": "A", "type": "string"}}, "secret_fields": ["a"]}
    stored = blocks.to_schema(fields, ["write-path"], "1")
    assert list(stored.secret_fields) == ["a"]
    assert scalars.of_struct(stored.fields)["properties"] == {"a": {"title": "A"}}
    of = block_pb2.BlockType(block_type_id=ID, slug="x", name="X")
    shown = blocks.schema(stored, of)
    assert (shown["fields"], shown["checksum"]) == (fields, blocks.checksum(fields))
    assert blocks.is_placeholder(blocks.placeholder())
    assert not blocks.is_placeholder(stored)


def test_blocks_in_blocks_are_shown_in_place() -> None:
    inner = block_pb2.Block(block_id=ID, type_slug="x", name="inner", data=scalars.to_struct({"t": "s"}))
    outer = block_pb2.Block(
        block_id=ID, type_slug="x", name="anonymous-1", data=scalars.to_struct({"i": {"$block": "x/inner"}, "n": 1})
    )
    answer = block_pb2.GetBlockResponse(block=outer, referenced=[inner])
    shown = blocks.document(answer, lambda slug: block_pb2.BlockType(block_type_id=ID, slug=slug, name="X"))
    assert shown["data"] == {"i": {"t": "s"}, "n": 1}
    assert shown["is_anonymous"]
    assert shown["block_document_references"]["i"]["block_document"]["name"] == "inner"


def test_limits_have_the_same_id_always() -> None:
    limit = concurrency_pb2.ConcurrencyLimit(
        name="tag:x",
        limit=2,
        holders=[
            concurrency_pb2.SlotHolder(holder_kind="task-run", holder_id=ID),
            concurrency_pb2.SlotHolder(holder_kind="client", holder_id="someone"),
        ],
    )
    assert limit_shapes.shape(limit)["id"] == limit_shapes.limit_id("tag:x")
    assert limit_shapes.of_tag(limit)["active_slots"] == [ID]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("headrace.flow-run.1", "prefect.flow-run.1"),
        ("own.1", "own.1"),
        ("headrace.resource.id", "prefect.resource.id"),
    ],
)
def test_names_go_both_ways(ours: str, theirs: str) -> None:
    assert names.to_theirs(ours) == theirs
    assert names.to_ours(theirs) == ours


def test_patterns_of_events_stand_for_the_servers_and_the_clients() -> None:
    patterns = ["prefect.flow-run.*", "own.*", "pre*"]
    ours = names.events_to_ours(patterns)
    assert ours == ["headrace.flow-run.*", "prefect.flow-run.*", "own.*", "headrace.*", "pre*"]
    assert names.events_to_theirs(ours[:3]) == patterns[:2]


def test_an_event_goes_both_ways() -> None:
    given = an_event(id=ID, occurred="2026-01-01T00:00:00Z", event="prefect.worker.started")
    event = events.to_event(events.EVENT(given))
    assert event.name == "prefect.worker.started"
    assert event.related[0].resource_id == "headrace.flow.1"
    shown = events.shape(event)
    assert {name: shown[name] for name in given} == {**given, "occurred": "2026-01-01T00:00:00.000000Z"}


@pytest.mark.parametrize("resource", [{}, {"prefect.resource.id": ""}, {"prefect.resource.id": 1}, "x"])
def test_an_event_has_to_be_about_something(resource: Any) -> None:
    with pytest.raises(Wrong):
        events.EVENT(an_event(occurred="2026-01-01T00:00:00Z", resource=resource))


def test_a_filter_of_events_asks_the_service_for_what_it_knows() -> None:
    wish = a_wish(
        event={"prefix": ["prefect.flow-run."], "exclude_name": ["own.x"]},
        resource={"id": ["prefect.flow-run.1"], "labels": {"color": ["red"]}},
        any_resource={"id": ["prefect.flow.1"]},
        text={"query": "needle"},
        order="ASC",
    )
    assert wish.keep is None
    assert wish.oldest_first
    assert list(wish.filter.names) == ["headrace.flow-run.*", "prefect.flow-run.*"]
    assert list(wish.filter.names_excluded) == ["own.x"]
    assert list(wish.filter.resource_ids) == ["headrace.flow-run.1"]
    assert dict(wish.filter.resource_labels) == {"color": "red"}
    assert list(wish.filter.any_resource_ids) == ["headrace.flow.1"]
    assert wish.filter.text == "needle"
    assert wish.since == NOW - event_filters.LONGEST_PAST


@pytest.mark.parametrize(
    ("chosen", "fits"),
    [
        ({"resource": {"labels": {"color": ["blue", "red"]}}}, True),
        ({"resource": {"labels": {"color": ["!red"]}}}, False),
        ({"resource": {"labels": {"color": ["r*"]}}}, True),
        ({"resource": {"labels": {"color": []}}}, False),
        ({"related": [{"role": ["flow"], "id": ["prefect.flow.1"]}]}, True),
        ({"related": [{"role": ["deployment"], "id": ["prefect.flow.1"]}]}, False),
        ({"related": {"resources_in_roles": [["prefect.flow.1", "flow"]]}}, True),
        ({"any_resource": {"id_prefix": ["prefect.flow."]}}, True),
        ({"any_resource": {"id_prefix": ["prefect.task."]}}, False),
        ({"text": {"query": "needle -own"}}, False),
        ({"text": {"query": '+needle "own.thing"'}}, True),
        ({"event": {"name": ["own.thing"], "prefix": ["other."]}}, False),
    ],
)
def test_the_rest_of_a_filter_of_events_is_tested_here(chosen: dict[str, Any], fits: bool) -> None:
    keep = a_wish(**chosen).keep
    assert keep is not None
    assert keep(an_event()) is fits


TRIGGER = {
    "type": "event",
    "posture": "Proactive",
    "match": {"prefect.resource.id": ["prefect.flow-run.*", "!prefect.flow-run.1"], "x": "y"},
    "match_related": [{"prefect.resource.role": "flow"}, {"a": "b"}],
    "after": ["prefect.flow-run.heartbeat"],
    "expect": ["prefect.flow-run.*"],
    "for_each": ["prefect.resource.id", "related:flow:prefect.resource.id"],
    "threshold": 3,
    "within": 60.0,
}


@pytest.mark.parametrize(
    "trigger",
    [
        TRIGGER,
        {"type": "sequence", "triggers": [TRIGGER, TRIGGER], "within": 10.0},
        {"type": "compound", "triggers": [TRIGGER, TRIGGER], "within": 0.0, "require": "any"},
        {"type": "compound", "triggers": [TRIGGER], "within": 0.0, "require": "all"},
        {"type": "compound", "triggers": [TRIGGER] * 3, "within": 1.0, "require": 2},
    ],
)
def test_a_trigger_goes_both_ways(trigger: dict[str, Any]) -> None:
    shown = triggers.of_trigger(triggers.to_trigger(trigger), uuid.UUID(ID))

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(item) for name, item in value.items() if name != "id"}
        return [plain(item) for item in value] if isinstance(value, list) else value

    assert plain(shown) == trigger


@pytest.mark.parametrize(
    "trigger",
    [
        {"type": "metric"},
        {**TRIGGER, "within": 5},
        {**TRIGGER, "posture": "Lazy"},
        {**TRIGGER, "threshold": "x"},
        {"type": "compound", "triggers": [TRIGGER], "require": 2},
        {"type": "compound", "triggers": "x"},
        "x",
    ],
)
def test_a_trigger_that_is_none_is_refused(trigger: Any) -> None:
    with pytest.raises(Wrong):
        triggers.to_trigger(trigger)


PLACES = actions.Places(
    pools={ID: "pool"},
    queues={ID: ("pool", "queue")},
    calls={ID: automation_pb2.CallWebhookAction(url="https://x", block_id=ID)},
)


@pytest.mark.parametrize(
    "action",
    [
        {"type": "do-nothing"},
        {"type": "cancel-flow-run"},
        {"type": "suspend-flow-run"},
        {"type": "change-flow-run-state", "name": None, "state": "FAILED", "message": "m", "force": True},
        {
            "type": "run-deployment",
            "source": "selected",
            "deployment_id": ID,
            "parameters": {"a": 1},
            "job_variables": None,
            "schedule_after": 5.0,
        },
        {"type": "pause-deployment", "source": "inferred", "deployment_id": None},
        {"type": "resume-automation", "source": "selected", "automation_id": ID},
        {"type": "pause-work-pool", "source": "selected", "work_pool_id": ID},
        {"type": "resume-work-queue", "source": "selected", "work_queue_id": ID},
        {"type": "call-webhook", "block_document_id": ID, "payload": "{{ event.id }}"},
        {"type": "send-notification", "block_document_id": ID, "subject": "s", "body": "b"},
    ],
)
def test_an_action_goes_both_ways(action: dict[str, Any]) -> None:
    made = actions.to_action(actions.read(action), PLACES)
    assert made.WhichOneof("action") == action["type"].replace("-", "_")
    assert actions.of_actions([made], PLACES) == [action]


@pytest.mark.parametrize(
    "action",
    [
        {"type": "declare-incident"},
        {"type": "run-deployment", "source": "selected"},
        {"type": "pause-work-pool", "source": "inferred", "work_pool_id": ID},
        {"type": "change-flow-run-state", "state": "LOST"},
        {"type": "send-notification", "body": "b"},
        "x",
    ],
)
def test_an_action_that_is_none_is_refused(action: Any) -> None:
    with pytest.raises(Wrong):
        actions.read(action)


def test_actions_that_prefect_has_not_are_shown_as_doing_nothing() -> None:
    action = automation_pb2.Action(emit_event=automation_pb2.EmitEventAction(name="own.x"))
    assert actions.of_actions([action], PLACES) == [{"type": "do-nothing"}]


def test_filters_join_their_criteria_by_and_or_or() -> None:
    tests: dict[str, values.Test] = {
        "name": values.named(lambda thing: thing[0]),
        "tags": values.tagged(lambda t: t[1]),
    }
    chosen: dict[str, Any] = {"name": {"like_": "FO"}, "tags": {"all_": ["x"]}}
    keep = values.test(variables.FILTER(chosen), tests)
    assert keep is not None
    assert [keep(("foo", ["x"])), keep(("foo", [])), keep(("bar", ["x"]))] == [True, False, False]
    keep = values.test(variables.FILTER({**chosen, "operator": "or_"}), tests)
    assert keep is not None
    assert [keep(("foo", [])), keep(("bar", ["x"])), keep(("bar", []))] == [True, True, False]
    assert values.test(variables.FILTER({"name": None}), tests) is None


def test_who_finds_no_slot_is_told_when_to_come_again() -> None:
    wait = concurrency_pb2.SlotsWait(name="db", place=3)
    refusal = limits.locked(wait)
    assert isinstance(refusal, Refusal)
    assert refusal.status == 423
    [(name, text)] = refusal.headers
    assert name == b"retry-after"
    assert 0 < float(text) <= 15


def test_faults_of_forms_stand_under_their_fields() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "l": {"type": "array", "items": {"type": "string"}}},
        "required": ["m"],
    }
    told = ui.faults_of(schema, {"n": "x", "l": [1]})
    assert {each["property"] for each in told} == {"n", "l", "m"}
    [of_list] = [each for each in told if each["property"] == "l"]
    assert of_list["errors"][0]["index"] == 0


def test_a_body_of_an_event_names_all_that_is_wrong() -> None:
    with pytest.raises(Invalid) as raised:
        parse({"event": Field(events.EVENT)}, {"event": {"event": "", "resource": {}}})
    assert {fault.loc[-1] for fault in raised.value.faults} == {"event", "occurred", "resource"}


def test_an_event_without_a_time_of_receipt_was_received_when_it_occurred() -> None:
    event = event_pb2.Event(event_id=ID, name="own.x", occurred_at=scalars.to_timestamp(NOW))
    assert events.shape(event)["received"] == "2026-01-01T00:00:00.000000Z"


def test_the_end_of_a_background_task_is_an_event_with_its_result() -> None:
    state = state_pb2.State(
        state_id=ID, type=state_pb2.STATE_TYPE_COMPLETED, name="Completed", occurred_at=scalars.to_timestamp(NOW)
    )
    state.result.foreign.CopyFrom(scalars.to_value({"type": "result-record"}))
    event = task_run_events.event_json(task_run_pb2.TaskRun(task_run_id=ID, name="t", state=state, run_count=1))
    assert event["event"] == "prefect.task-run.Completed"
    assert event["resource"]["prefect.resource.id"] == f"prefect.task-run.{ID}"
    assert event["payload"]["validated_state"]["data"] == {"type": "result-record"}
    assert event["id"] == ID


def test_ends_of_tasks_are_looked_for_where_they_are_asked_for_by_name() -> None:
    assert task_ends.are_wanted(a_wish(event={"name": ["prefect.task-run.Completed"]}).filter.names)
    assert task_ends.are_wanted(a_wish(event={"prefix": ["prefect.task-run."]}).filter.names)
    assert not task_ends.are_wanted(a_wish(event={"prefix": ["prefect."]}).filter.names)
    about = event_pb2.EventResource(resource_id=f"headrace.task-run.{ID}")
    assert task_ends.is_of_background_task(event_pb2.Event(resource=about))
    of_run = event_pb2.EventResource(resource_id=f"headrace.flow-run.{ID}", role="flow-run")
    assert not task_ends.is_of_background_task(event_pb2.Event(resource=about, related=[of_run]))
