"""What a Prefect server answers, as messages of the contract."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import json_format

from headrace.api.v1 import artifact_pb2, automation_pb2, deployment_pb2, state_pb2, task_run_pb2
from headrace.importing.mapping import artifacts, automations, blocks, deployments, pools, runs, states, values
from headrace.importing.mapping.ids import Ids
from headrace.importing.mapping.means import Means, call_of, channel_of

RUN, TASK, FLOW, DEPLOYMENT, POOL, QUEUE = (f"01a2055c-9a4f-7000-8000-00000000000{number}" for number in range(6))
STARTED, ENDED = "2026-08-21T10:00:00.123456Z", "2026-08-21T10:00:02.5Z"


def a_state(kind: str, at: str, number: int, **more: Any) -> dict[str, Any]:
    """Return a state as a server tells it."""
    state_id = f"01a2055c-9a4f-7000-8000-0000000001{number:02}"
    return {"id": state_id, "type": kind, "name": kind.capitalize(), "timestamp": at, "state_details": {}, **more}


RUNNING, COMPLETED = a_state("RUNNING", STARTED, 1), a_state("COMPLETED", ENDED, 2)


def known() -> Ids:
    """Return what is known of ids."""
    return Ids(
        flows={FLOW: "our-flow"},
        deployments={DEPLOYMENT: "our-deployment"},
        deployment_names={DEPLOYMENT: "nightly"},
        pools={POOL: "our-pool"},
        pool_names={POOL: "fast"},
        queues={QUEUE: "our-queue"},
        queue_names={QUEUE: ["fast", "urgent"]},
        blocks={TASK: "slack-webhook/ops"},
        automations={RUN: RUN},
    )


def plain(message: Any) -> Any:
    """Return a message as JSON."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def test_times_without_an_offset_are_in_utc() -> None:
    assert values.stamp("2026-08-21T10:00:00") == values.stamp("2026-08-21T10:00:00Z")
    assert values.stamp("2026-08-21T12:00:00+02:00") == values.stamp("2026-08-21T10:00:00Z")
    assert values.stamp(None) is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (2**53 + 1, str(2**53 + 1)),
        (2**53, 2**53),
        ([1, {"a": -(2**60)}], [1, {"a": str(-(2**60))}]),
        ("a\x00b", "ab"),
        (True, True),
        (float("inf"), "inf"),
    ],
)
def test_json_is_kept_as_far_as_it_can_be(given: Any, kept: Any) -> None:
    assert values.plain(given) == kept


def test_large_numbers_are_noticed() -> None:
    assert values.has_large_numbers({"a": [1, 2**54]})
    assert not values.has_large_numbers({"a": [1, 2.5, True, "x"]})


def test_the_state_of_a_run_is_the_last_of_its_history() -> None:
    late = a_state("RUNNING", "2026-08-21T10:00:09Z", 3)
    found = states.history([late, COMPLETED, RUNNING, RUNNING], COMPLETED)
    assert [each.state_id[-2:] for each in found] == ["01", "03", "02"]
    assert [each.type for each in states.history([], COMPLETED)] == [state_pb2.STATE_TYPE_COMPLETED]


def test_details_and_results_of_states_survive() -> None:
    given = a_state(
        "COMPLETED",
        ENDED,
        4,
        data={"storage_key": "abc", "serializer": {"type": "pickle"}, "expiration": None},
        state_details={
            "cache_key": "k",
            "scheduled_time": STARTED,
            "deferred": False,
            "retriable": False,
            "transition_id": TASK,
            "run_input_keyset": {"schema": "s"},
        },
    )
    found = plain(states.state(given))
    assert found["details"] == {
        "cache_key": "k",
        "scheduled_at": STARTED,
        "retriable": False,
        "extra": {"transition_id": TASK},
        "run_input_keyset": {"schema": "s"},
    }
    assert found["result"]["storage_key"] == "abc"
    assert found["result"]["serializer"] == "pickle"
    assert found["result"]["foreign"] == {"storage_key": "abc", "serializer": {"type": "pickle"}, "expiration": None}


def test_a_flow_run_keeps_its_ids_times_and_words() -> None:
    given = {
        "id": RUN,
        "name": "red-fox",
        "flow_id": FLOW,
        "state": COMPLETED,
        "deployment_id": DEPLOYMENT,
        "work_pool_id": POOL,
        "work_pool_name": "fast",
        "work_queue_id": QUEUE,
        "work_queue_name": "urgent",
        "parameters": {"n": 1},
        "tags": ["prod"],
        "labels": {"a": 1},
        "created_by": {"id": TASK, "type": "SCHEDULE", "display_value": "CronSchedule"},
        "auto_scheduled": True,
        "empirical_policy": {"retries": 2, "retry_delay": 5, "retry_type": "in_process", "pause_keys": ["k"]},
        "run_count": 1,
        "created": STARTED,
        "updated": ENDED,
        "expected_start_time": STARTED,
        "start_time": STARTED,
        "end_time": ENDED,
        "total_run_time": 2.376544,
        "parent_task_run_id": None,
        "infrastructure_pid": "host:1",
    }
    found = plain(runs.flow_run(given, [RUNNING, COMPLETED], known(), ""))
    assert [state["type"] for state in found["states"]] == ["STATE_TYPE_RUNNING", "STATE_TYPE_COMPLETED"]
    run = found["flow_run"]
    assert (run["flow_run_id"], run["flow_id"], run["deployment_id"]) == (RUN, "our-flow", "our-deployment")
    assert (run["work_pool_id"], run["work_queue_id"], run["work_queue_name"]) == ("our-pool", "our-queue", "urgent")
    assert (run["started_at"], run["ended_at"], run["total_run_time"]) == (
        STARTED,
        "2026-08-21T10:00:02.500Z",
        "2.376544s",
    )
    assert run["creator"] == {
        "kind": "CREATOR_KIND_SCHEDULE", "creator_id": TASK, "display_name": "CronSchedule",
    }  # fmt: skip
    assert run["retry_policy"] == {
        "retries": 2, "delay_seconds": [5.0], "kind": "RETRY_KIND_IN_PROCESS", "pause_keys": ["k"],
    }  # fmt: skip
    assert run["deployment_name"] == "nightly"
    assert run["state"] == found["states"][-1]


def test_a_task_run_says_what_it_got_and_what_it_stands_for() -> None:
    current = a_state("COMPLETED", ENDED, 2, state_details={"child_flow_run_id": RUN})
    given = {
        "id": TASK,
        "flow_run_id": RUN,
        "task_key": "t",
        "dynamic_key": "0",
        "name": "t-0",
        "state": current,
        "empirical_policy": {"retries": 1, "retry_delay": [1, 2.5], "retry_jitter_factor": 0.5},
        "task_inputs": {
            "x": [{"input_type": "task_run", "id": QUEUE}, {"input_type": "constant", "type": "int"}],
            "wait_for": [{"input_type": "task_run", "id": POOL}],
            "p": [{"input_type": "parameter", "name": "n"}],
        },
    }
    found = runs.task_run(given, []).task_run
    assert [(each.parameter, each.kind, each.source) for each in found.inputs] == [
        ("x", task_run_pb2.TASK_INPUT_KIND_TASK_RUN, QUEUE),
        ("x", task_run_pb2.TASK_INPUT_KIND_CONSTANT, "int"),
        ("wait_for", task_run_pb2.TASK_INPUT_KIND_WAIT_FOR, POOL),
        ("p", task_run_pb2.TASK_INPUT_KIND_PARAMETER, "n"),
    ]
    assert (found.retry_policy.retries, list(found.retry_policy.delay_seconds)) == (1, [1.0, 2.5])
    assert found.child_flow_run_id == RUN
    assert found.state.state_id == current["id"]


@pytest.mark.parametrize(
    ("kind", "data", "field"),
    [
        ("markdown", "# hi", "markdown"),
        ("progress", 12.5, "progress"),
        ("progress", 1200, "value"),
        ("image", "https://example.org/x.png", "image"),
        ("table", json.dumps([{"a": 1}, {"b": 2}]), "table"),
        ("table", {"a": [1, 2], "b": [3]}, "table"),
        ("table", [[1, 2], [3]], "table"),
        ("table", "no table", "value"),
        ("result", {"storage_key": "k"}, "value"),
        ("chart", [1], "value"),
    ],
)
def test_artifacts_are_what_their_type_says_where_they_can_be(kind: str, data: Any, field: str) -> None:
    found = artifacts.artifact({"id": RUN, "key": "k", "type": kind, "data": data, "created": STARTED})
    assert found.WhichOneof("content") == field
    if kind in ("result", "chart"):
        is_result = kind == "result"
        assert found.kind == (artifact_pb2.ARTIFACT_KIND_RESULT if is_result else artifact_pb2.ARTIFACT_KIND_OTHER)


def test_tables_keep_columns_and_fill_gaps() -> None:
    rows = artifacts.artifact({"id": RUN, "type": "table", "data": json.dumps([{"a": 1}, {"b": "x"}])}).table
    assert list(rows.columns) == ["a", "b"]
    assert [plain(row) for row in rows.rows] == [[1.0, None], [None, "x"]]


def test_messages_of_log_records_are_cut_at_a_whole_character() -> None:
    found = artifacts.log_record({"id": RUN, "name": "n", "level": 20, "message": "ää", "timestamp": STARTED}, 3)
    assert (found.message, found.level, found.logger) == ("ä", 20, "n")


def test_a_deployment_keeps_its_id_schedules_and_steps() -> None:
    given = {
        "id": DEPLOYMENT,
        "name": "nightly",
        "flow_id": FLOW,
        "paused": False,
        "tags": ["prod"],
        "parameters": {"n": 1},
        "parameter_openapi_schema": {"type": "object"},
        "enforce_parameter_schema": True,
        "work_pool_name": "fast",
        "work_queue_name": "urgent",
        "entrypoint": "flows.py:etl",
        "global_concurrency_limit": {"name": f"deployment:{DEPLOYMENT}", "limit": 2},
        "concurrency_options": {"collision_strategy": "CANCEL_NEW", "grace_period_seconds": 90},
        "pull_steps": [{"prefect.deployments.steps.git_clone": {"id": "clone", "repository": "r"}}, "strange"],
        "infrastructure_document_id": TASK,
        "schedules": [
            {"schedule": {"cron": "0 6 * * *", "timezone": "Europe/Berlin", "day_or": False}, "slug": "early"},
            {"schedule": {"interval": 3600.0, "anchor_date": STARTED, "timezone": "UTC"}, "active": False},
            {"schedule": {"rrule": "FREQ=DAILY", "timezone": "UTC"}, "parameters": {"n": 2}},
            {"schedule": {"lunar": True}},
        ],
    }
    request, lost = deployments.deployment(given, "etl")
    assert (request.deployment_id, request.flow_name, request.name) == (DEPLOYMENT, "etl", "nightly")
    assert request.concurrency.limit == 2
    assert request.concurrency.strategy == deployment_pb2.CONCURRENCY_STRATEGY_CANCEL_NEW
    [step] = request.content.pull_steps
    assert (step.step, step.step_id) == ("prefect.deployments.steps.git_clone", "clone")
    assert plain(step.inputs) == {"id": "clone", "repository": "r"}
    cron, interval, recurrence = request.schedules
    assert (cron.slug, cron.rule.cron.time_zone, cron.rule.cron.day_or, cron.active) == (
        "early", "Europe/Berlin", False, True,
    )  # fmt: skip
    assert (interval.rule.interval.every.seconds, interval.active) == (3600, False)
    assert recurrence.rule.recurrence.rule == "FREQ=DAILY"
    assert len({each.slug for each in request.schedules}) == 3
    assert plain(request.content.worker_labels) == {"client": "prefect"}
    assert plain(request.content.labels) == {"prefect.kept.infrastructure_document_id": TASK}
    assert len(lost) == 3


def test_a_limit_that_deployments_share_stays_shared() -> None:
    shared = {"name": "database", "limit": 3}
    request, _ = deployments.deployment({"id": DEPLOYMENT, "name": "n", "global_concurrency_limit": shared}, "f")
    assert request.concurrency.shared_limit_name == "database"
    assert not request.concurrency.HasField("limit")


def test_schedules_without_a_name_get_one_each() -> None:
    rule = {"schedule": {"cron": "0 6 * * *"}}
    request, _ = deployments.deployment({"id": DEPLOYMENT, "name": "n", "schedules": [rule, rule]}, "f")
    first, second = request.schedules
    assert second.slug == f"{first.slug}-2"


def test_pools_queues_and_limits() -> None:
    pool = pools.work_pool({"name": "fast", "type": "process", "is_paused": True, "concurrency_limit": 0})
    assert (pool.paused, pool.HasField("concurrency_limit"), pool.concurrency_limit) == (True, True, 0)
    queue = pools.work_queue({"name": "q", "priority": 3, "concurrency_limit": None})
    assert (queue.priority, queue.HasField("concurrency_limit")) == (3, False)
    limit = pools.limit({"name": "db", "limit": 5, "active": False, "slot_decay_per_second": 0.5})
    assert (limit.name, limit.limit, limit.active, limit.slot_decay_per_second) == ("db", 5, False, 0.5)
    assert pools.tag_limit({"tag": "gpu", "concurrency_limit": 2}).name == "tag:gpu"


def test_blocks_refer_to_blocks_by_name_and_hidden_secrets_are_told() -> None:
    given = {
        "name": "main",
        "block_type": {"slug": "warehouse"},
        "data": {"url": "u", "inner": {"x": 1}, "token": "********", "deep": {"secret": "********", "open": 1}},
        "block_document_references": {"inner": {"block_document": {"id": TASK, "name": "ops"}}},
    }
    request, lost = blocks.block(given, known().blocks)
    assert plain(request.data) == {"url": "u", "inner": {"$block": "slack-webhook/ops"}, "deep": {"open": 1.0}}
    assert len(lost) == 2
    assert blocks.references_of(given) == {TASK}


def test_schemas_of_blocks_are_kept_whole_with_their_digest() -> None:
    fields = {
        "title": "Warehouse",
        "type": "object",
        "properties": {"url": {"title": "Url", "type": "string"}},
        "secret_fields": ["token"],
    }
    schema = {"fields": fields, "capabilities": ["c"], "version": "1", "checksum": "sha256:abc"}
    request = blocks.block_type({"slug": "warehouse", "name": "Warehouse"}, schema)
    assert plain(request.schema.fields)["prefect"] == fields
    assert plain(request.schema.fields)["properties"] == {"url": {"title": "Url"}}
    assert list(request.schema.secret_fields) == ["token"]
    assert request.schema.client_checksum == "sha256:abc"


def test_names_of_resources_and_events_are_ours() -> None:
    ids = known()
    assert automations.name_here(f"prefect.deployment.{DEPLOYMENT}", ids) == "headrace.deployment.our-deployment"
    assert automations.name_here("!prefect.tag.prod", ids) == "!headrace.tag.prod"
    assert automations.name_here("shop.order", ids) == "shop.order"
    assert automations.events_here(["prefect.flow-run.*", "shop.*"], ids) == [
        "headrace.flow-run.*", "prefect.flow-run.*", "shop.*",
    ]  # fmt: skip
    assert automations.events_here(["pre*"], ids) == ["headrace.*", "pre*"]


def test_automations_with_triggers_within_triggers() -> None:
    event = {
        "type": "event",
        "posture": "Proactive",
        "match": {"prefect.resource.id": "prefect.flow-run.*"},
        "match_related": {"prefect.resource.id": [f"prefect.flow.{FLOW}"]},
        "after": ["prefect.flow-run.Running"],
        "expect": ["prefect.flow-run.Completed"],
        "for_each": ["prefect.resource.id"],
        "threshold": 1,
        "within": 30.0,
    }
    given = {
        "name": "n",
        "enabled": True,
        "trigger": {"type": "compound", "require": "any", "within": 60, "triggers": [event]},
        "actions": [
            {"type": "run-deployment", "source": "selected", "deployment_id": DEPLOYMENT, "parameters": {"a": 1}},
            {"type": "cancel-flow-run"},
            {"type": "pause-work-queue", "source": "selected", "work_queue_id": QUEUE},
            {"type": "change-flow-run-state", "state": "CRASHED", "message": "m"},
        ],
    }
    found, lost = automations.automation(given, known(), Means())
    assert found.enabled
    assert not lost
    assert found.trigger.compound.require == 1
    [inner] = found.trigger.compound.triggers
    assert inner.event.posture == automation_pb2.TRIGGER_POSTURE_PROACTIVE
    assert plain(inner.event.match) == {"labels": {"headrace.resource.id": {"values": ["headrace.flow-run.*"]}}}
    [related] = inner.event.match_related
    assert plain(related) == {"labels": {"headrace.resource.id": {"values": ["headrace.flow.our-flow"]}}}
    assert list(inner.event.for_each) == ["headrace.resource.id"]
    assert [action.WhichOneof("action") for action in found.actions] == [
        "run_deployment", "cancel_flow_run", "pause_work_queue", "change_flow_run_state",
    ]  # fmt: skip
    assert found.actions[0].run_deployment.deployment_id == "our-deployment"
    assert found.actions[2].pause_work_queue.work_pool_name == "fast"


def test_an_automation_that_lost_an_action_is_disabled() -> None:
    given = {
        "name": "n",
        "enabled": True,
        "trigger": {"type": "event", "posture": "Reactive", "expect": ["shop.order"]},
        "actions": [{"type": "send-notification", "block_document_id": TASK, "body": "b"}],
    }
    found, lost = automations.automation(given, known(), Means())
    assert not found.enabled
    assert "slack-webhook/ops" in lost[0]
    assert [action.WhichOneof("action") for action in found.actions] == ["do_nothing"]
    with pytest.raises(automations.NotMapped, match="astral"):
        automations.automation({"name": "n", "trigger": {"type": "astral"}}, known(), Means())


def test_notifications_go_through_channels_and_calls_through_what_their_block_says() -> None:
    data = {"url": "https://example.org/x", "method": "PUT", "headers": {"X-Key": "k"}, "allow_private_urls": False}
    call = call_of(data, POOL)
    assert call is not None
    channel = channel_of("slack-webhook", "ops", {"url": "https://hooks.example.org"}, QUEUE)
    assert channel is not None
    assert (channel.kind, plain(channel.config)) == ("slack", {"webhook_url": "https://hooks.example.org"})
    assert channel_of("sendgrid-email", "ops", {}, QUEUE) is None
    given = {
        "name": "n",
        "trigger": {"type": "event", "posture": "Reactive"},
        "actions": [{"type": "call-webhook", "block_document_id": POOL, "payload": "{{ event.id }}"}],
        "actions_on_trigger": [{"type": "send-notification", "block_document_id": TASK, "subject": "s", "body": "b"}],
    }
    assert automations.blocks_of(given, "send-notification") == {TASK}
    found, lost = automations.automation(given, known(), Means({POOL: call}, {TASK: channel.channel_id}))
    assert not lost
    assert plain(found.actions[0].call_webhook) == {
        "url": "https://example.org/x",
        "method": "PUT",
        "headers": {"X-Key": "k"},
        "body_template": "{{ event.id }}",
        "block_id": POOL,
    }
    assert found.actions_on_trigger[0].send_notification.channel_id == QUEUE
