"""Filters of Prefect's client become filters of the contract, operator by operator."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format

from headrace.api.v1 import log_pb2
from headrace_prefect.bodies.fields import Wrong
from headrace_prefect.filters.operators import NOBODY
from headrace_prefect.filters.runs import FLOW_RUNS, FLOWS, LOGS, TASK_RUNS, log_filters

ONE = "0198c0de-0000-7000-8000-000000000001"
TWO = "0198c0de-0000-7000-8000-000000000002"


def told(message: Any) -> dict[str, Any]:
    """Return a filter as its JSON."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {}),
        ({"operator": "or_"}, {}),
        ({"id": {"any_": [ONE, TWO]}}, {"flow_run_ids": [ONE, TWO]}),
        ({"id": {"any_": []}}, {"flow_run_ids": [NOBODY]}),
        ({"id": {"not_any_": [ONE]}}, {"none_of": [{"flow_run_ids": [ONE]}]}),
        ({"id": {"not_any_": []}}, {}),
        ({"name": {"like_": "Nightly", "any_": None}}, {"name_contains": "Nightly"}),
        ({"tags": {"all_": ["a", "b"]}}, {"tags_all": ["a", "b"]}),
        ({"tags": {"is_null_": True}}, {"untagged": True}),
        ({"deployment_id": {"is_null_": True}}, {"has_deployment": False}),
        ({"parent_task_run_id": {"is_null_": False}}, {"has_parent": True}),
        (
            {"state": {"type": {"any_": ["FAILED"]}, "name": {"any_": ["Failed"]}}},
            {"state_types": ["STATE_TYPE_FAILED"], "state_names": ["Failed"]},
        ),
        (
            {"state": {"operator": "or_", "type": {"any_": ["FAILED"]}, "name": {"any_": ["Late"]}}},
            {"any_of": [{"state_types": ["STATE_TYPE_FAILED"]}, {"state_names": ["Late"]}]},
        ),
        (
            {"operator": "or_", "name": {"any_": ["a"]}, "tags": {"any_": ["t"]}},
            {"any_of": [{"names": ["a"]}, {"tags_any": ["t"]}]},
        ),
        (
            {"start_time": {"after_": "2026-01-01T00:00:00Z", "before_": None}},
            {"started": {"from": "2026-01-01T00:00:00Z"}},
        ),
        # Both ends belong to the span.
        (
            {"expected_start_time": {"before_": "2026-01-01T00:00:00Z"}},
            {"expected_start": {"until": "2026-01-01T00:00:00.000001Z"}},
        ),
        ({"start_time": {"is_null_": False}}, {"started": {"from": "0001-01-02T00:00:00Z"}}),
        ({"start_time": {"is_null_": True}}, {"none_of": [{"started": {"from": "0001-01-02T00:00:00Z"}}]}),
        ({"created_by": {"type_": ["SCHEDULE", "NOBODY"]}}, {"creator_kinds": ["CREATOR_KIND_SCHEDULE"]}),
    ],
)
def test_filters_of_flow_runs(asked: dict[str, Any], expected: dict[str, Any]) -> None:
    assert told(FLOW_RUNS(asked)) == expected


def test_two_criteria_on_the_same_field_both_hold() -> None:
    both = {
        "start_time": {"after_": "2026-01-01T00:00:00Z", "before_": "2026-01-02T00:00:00Z"},
        "id": {"not_any_": [ONE]},
        "idempotency_key": {"not_any_": ["k"]},
    }
    filtered = told(FLOW_RUNS(both))
    assert {"flow_run_ids": [ONE]} in filtered["none_of"]
    assert {"idempotency_keys": ["k"]} in filtered["none_of"]
    spans = [filtered["started"], *(part["none_of"][0]["started"] for part in filtered["none_of"] if "none_of" in part)]
    assert sorted(key for span in spans for key in span) == ["from", "until"]


def test_filters_of_flows_and_task_runs() -> None:
    assert told(FLOWS({"name": {"like_": "etl"}, "tags": {"all_": ["x"]}})) == {
        "name_contains": "etl",
        "tags_all": ["x"],
    }
    assert told(TASK_RUNS({"flow_run_id": {"is_null_": True}})) == {"background": True}
    assert told(TASK_RUNS({"subflow_runs": {"exists_": False}})) == {"has_child_flow_run": False}


@pytest.mark.parametrize(
    "asked",
    [
        [],
        {"id": {"any_": ["x"]}},
        {"state": {"type": {"any_": ["NO"]}}},
        {"operator": "nor_"},
        {"tags": {"all_": "x"}},
        {"start_time": {"before_": 5}},
    ],
)
def test_filters_that_do_not_fit_are_refused(asked: Any) -> None:
    with pytest.raises(Wrong):
        FLOW_RUNS(asked)


def test_filters_of_log_records() -> None:
    chosen = log_filters(
        LOGS({"flow_run_id": {"any_": [ONE]}, "level": {"ge_": 20}, "task_run_id": {"is_null_": True}})
    )
    assert chosen == [log_pb2.LogFilter(flow_run_ids=[ONE], level_at_least=20, without_task_runs=True)]
    either = log_filters(LOGS({"operator": "or_", "flow_run_id": {"any_": [ONE]}, "task_run_id": {"any_": [TWO]}}))
    assert either == [log_pb2.LogFilter(flow_run_ids=[ONE]), log_pb2.LogFilter(task_run_ids=[TWO])]
    assert log_filters(LOGS({"flow_run_id": {"any_": []}})) is None
    assert log_filters(None) == [log_pb2.LogFilter()]
