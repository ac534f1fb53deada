"""Deployments, schedules, pools and workers between Prefect's JSON and the contract."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.api.v1 import deployment_pb2, flow_run_pb2, work_pool_pb2
from headrace_prefect.answers import Invalid, Refusal
from headrace_prefect.attempts import attempt_token_of
from headrace_prefect.bodies import deployments as bodies
from headrace_prefect.bodies import fields, schedules
from headrace_prefect.filters import deployments as filters
from headrace_prefect.resources.deployments import merged_schedules
from headrace_prefect.shapes import scalars, schemas
from headrace_prefect.shapes.deployments import WORKER_LABELS, deployment_json
from headrace_prefect.shapes.schedules import rule_json, schedule_json, slug_of
from headrace_prefect.shapes.work_pools import last_polled, pool_json, queue_json, worker_json

ID = "0197f9a6-0000-7000-8000-000000000001"


def a_schedule(**given: Any) -> fields.Body:
    return fields.parse(schedules.SCHEDULE_FIELDS, {"schedule": {"cron": "0 * * * *"}, **given})


@pytest.mark.parametrize(
    "rule",
    [
        {"interval": 90.5, "anchor_date": "2026-01-01T00:00:00.000000Z", "timezone": "Europe/Zurich"},
        {"cron": "0 6 * * 1-5", "timezone": "America/New_York", "day_or": False},
        {"rrule": "FREQ=DAILY;INTERVAL=2", "timezone": "UTC"},
    ],
)
def test_the_rule_of_a_schedule_comes_back_as_it_was_given(rule: dict[str, Any]) -> None:
    assert rule_json(schedules.rule(rule)) == rule


@pytest.mark.parametrize("rule", [{}, {"interval": 0}, {"interval": "soon"}, {"cron": 5}, "daily"])
def test_a_rule_that_is_none_is_refused(rule: Any) -> None:
    with pytest.raises(Invalid):
        fields.parse(schedules.SCHEDULE_FIELDS, {"schedule": rule})


def test_schedules_without_slugs_get_hidden_ones_that_stay_the_same() -> None:
    given = [a_schedule(), a_schedule(), a_schedule(parameters={"n": 1}), a_schedule(slug="named")]
    first, again = schedules.messages(given), schedules.messages(given)
    assert [one.slug for one in first] == [one.slug for one in again]
    assert len({one.slug for one in first}) == 4
    assert [slug_of(one) for one in first] == [None, None, None, "named"]
    assert all(one.active for one in first)
    assert schedule_json(first[2])["parameters"] == {"n": 1}


def a_deployment(*slugs: str) -> deployment_pb2.Deployment:
    return deployment_pb2.Deployment(schedules=[schedules.message(a_schedule(slug=slug), ()) for slug in slugs])


def change(**given: Any) -> fields.Body:
    return fields.parse(schedules.SCHEDULE_CHANGE_FIELDS, given)


def test_schedules_are_changed_by_their_slugs_and_others_stay() -> None:
    merged = merged_schedules(
        a_deployment("a", "b"), [change(slug="b", active=False), change(slug="c", schedule={"interval": 60})]
    )
    assert {one.slug: one.active for one in merged} == {"a": True, "b": False, "c": True}
    renamed = merged_schedules(a_deployment("a", "b"), [change(slug="z", replaces="a")])
    assert {one.slug for one in renamed} == {"z", "b"}
    for wrong in (
        [change(active=False)],
        [change(slug="new")],
        [change(slug="b", replaces="a")],
        [change(slug="x", replaces="a"), change(slug="y", replaces="a")],
    ):
        with pytest.raises(Refusal) as caught:
            merged_schedules(a_deployment("a", "b"), wrong)
        assert caught.value.status == 422


def test_schedules_of_a_deployment_without_slugs_are_replaced() -> None:
    merged = merged_schedules(a_deployment(""), [change(schedule={"interval": 60})])
    assert [rule_json(one.rule)["interval"] for one in merged] == [60.0]


def test_a_body_changes_what_it_gives_and_nothing_else() -> None:
    content = bodies.new_content()
    assert scalars.of_struct(content.worker_labels) == WORKER_LABELS
    assert content.enforce_parameter_schema
    step = {"prefect.deployments.steps.git_clone": {"repository": "https://example.org/r.git", "id": "clone"}}
    first = {
        "tags": ["a", "a"],
        "labels": {"team": "x"},
        "parameters": {"n": 1},
        "pull_steps": [step],
        "entrypoint": "flows.py:hello",
        "storage_document_id": ID,
        "work_pool_name": "pool",
        "work_queue_name": "fast",
    }
    bodies.fill(content, fields.parse(bodies.CHANGE_FIELDS, first))
    bodies.fill(
        content, fields.parse(bodies.CHANGE_FIELDS, {"description": "new", "tags": None, "labels": {"team": "y"}})
    )
    told = deployment_json(deployment_pb2.Deployment(deployment_id=ID, content=content), None, None)
    assert told["pull_steps"] == [step]
    assert told["tags"] == []
    assert told["labels"] == {"team": "y"}
    assert told["description"] == "new"
    assert told["parameters"] == {"n": 1}
    assert told["storage_document_id"] == ID
    assert (told["work_pool_name"], told["work_queue_name"]) == ("pool", "fast")
    bodies.fill(content, fields.parse(bodies.CHANGE_FIELDS, {"work_pool_name": "other"}))
    assert (content.work_pool_name, content.work_queue_name) == ("other", "")


def test_how_many_runs_at_once_comes_back_as_it_was_given() -> None:
    concurrency = deployment_pb2.DeploymentConcurrency()
    given = {
        "concurrency_limit": 2,
        "concurrency_options": {"collision_strategy": "CANCEL_NEW", "grace_period_seconds": 90},
    }
    bodies.fill_concurrency(concurrency, fields.parse(bodies.CHANGE_FIELDS, given), "")
    assert concurrency.limit == 2
    told = deployment_json(deployment_pb2.Deployment(concurrency=concurrency), None, None)
    assert told["concurrency_options"] == given["concurrency_options"]
    bodies.fill_concurrency(concurrency, fields.parse(bodies.CHANGE_FIELDS, {"concurrency_limit": None}), "")
    assert not concurrency.HasField("limit")
    for wrong in ({"concurrency_limit": 0}, {"concurrency_options": {"collision_strategy": "HOPE"}}):
        with pytest.raises(Invalid):
            fields.parse(bodies.CHANGE_FIELDS, wrong)


@pytest.mark.parametrize(
    ("chosen", "passes"),
    [
        ({"name": {"like_": "NIGHT"}}, True),
        ({"name": {"any_": ["other"]}}, False),
        ({"flow_or_deployment_name": {"like_": "etl"}}, True),
        ({"id": {"not_any_": [ID]}}, False),
        ({"tags": {"all_": ["a", "b"]}}, True),
        ({"tags": {"is_null_": True}}, False),
        ({"paused": {"eq_": True}}, False),
        ({"concurrency_limit": {"ge_": 2, "le_": 5}}, True),
        ({"concurrency_limit": {"is_null_": True}}, False),
        ({"work_queue_name": {"any_": ["default"]}}, True),
        ({"operator": "or_", "paused": {"eq_": True}, "name": {"like_": "night"}}, True),
    ],
)
def test_deployments_are_chosen_by_every_operator(chosen: dict[str, Any], passes: bool) -> None:
    content = deployment_pb2.DeploymentContent(tags=["a", "b"], work_pool_name="pool")
    concurrency = deployment_pb2.DeploymentConcurrency(limit=3)
    deployment = deployment_pb2.Deployment(
        deployment_id=ID, name="nightly", flow_name="etl", content=content, concurrency=concurrency
    )
    test = filters.deployment_test(filters.DEPLOYMENT_FILTER(chosen))
    assert test is not None
    assert test(deployment) is passes


def test_pools_queues_and_workers_have_all_that_clients_ask_of_them() -> None:
    pool = work_pool_pb2.WorkPool(
        work_pool_id=ID, name="p", type="process", status=work_pool_pb2.WORK_POOL_STATUS_READY
    )
    told = pool_json(pool)
    assert (told["status"], told["concurrency_limit"], told["active_slots"]) == ("READY", None, None)
    assert told["storage_configuration"]["bundle_upload_step"] is None
    queue = work_pool_pb2.WorkQueue(work_queue_id=ID, name="q", work_pool_name="p", concurrency_limit=0, priority=3)
    worker = work_pool_pb2.Worker(
        worker_id=ID, name="w", work_queue_names=["q"], status=work_pool_pb2.WORKER_STATUS_ONLINE
    )
    worker.last_heartbeat_at.FromSeconds(1_700_000_000)
    assert queue_json(queue, [worker])["last_polled"] == "2023-11-14T22:13:20.000000Z"
    assert queue_json(queue, [])["active_slots"] == 0
    elsewhere = work_pool_pb2.Worker(work_queue_names=["other"])
    assert last_polled(queue, [elsewhere]) is None
    assert worker_json(worker, ID)["status"] == "ONLINE"
    test = filters.worker_test(filters.WORKER_FILTER({"status": {"any_": ["OFFLINE"]}}))
    assert test is not None
    assert not test(worker)


def test_the_token_of_a_run_is_always_the_same() -> None:
    run = flow_run_pb2.FlowRun(flow_run_id=ID)
    assert attempt_token_of(run.flow_run_id) == attempt_token_of(ID)
    assert attempt_token_of(ID) != ID


def test_schemas_take_what_they_do_not_name_and_are_told_as_they_were_given() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    content = bodies.new_content()
    bodies.fill(content, fields.parse(bodies.CHANGE_FIELDS, {"parameter_openapi_schema": schema}))
    assert scalars.of_struct(content.parameter_schema)["additionalProperties"] is True
    told = deployment_json(deployment_pb2.Deployment(content=content), None, None)
    assert told["parameter_openapi_schema"] == schema
    closed = {**schema, "additionalProperties": False}
    assert schemas.as_given(schemas.opened(closed)) == closed
    template = {"job_configuration": {}, "variables": schema}
    assert schemas.opened_template(template) != template
    assert schemas.template_as_given(schemas.opened_template(template)) == template
    assert schemas.opened_template({"variables": None}) == {"variables": None}
