"""Filters of flows, flow runs, task runs and log records."""

from __future__ import annotations

from typing import Any

from headrace.api.v1 import flow_pb2, flow_run_pb2, log_pb2, state_pb2, task_run_pb2
from headrace_prefect.bodies import fields
from headrace_prefect.bodies.runs import STATE_TYPES
from headrace_prefect.filters.operators import (
    Criterion,
    Filter,
    Operator,
    flag,
    listed,
    negated,
    tags,
    text,
    times,
    unlisted,
)
from headrace_prefect.shapes.scalars import to_timestamp

_FLOW = flow_pb2.FlowFilter
_RUN = flow_run_pb2.FlowRunFilter
_TASK = task_run_pb2.TaskRunFilter

_CREATORS = {name.removeprefix("CREATOR_KIND_"): number for name, number in state_pb2.CreatorKind.items() if number}


def _state_type(value: Any) -> int:
    return STATE_TYPES[fields.one_of(STATE_TYPES)(value)]


def _creator_kinds(value: Any) -> list[int]:
    return [_CREATORS[kind] for kind in fields.strings(value) if kind in _CREATORS]


_STATE_TYPES = fields.list_of(_state_type)

FLOWS = Filter(
    _FLOW,
    {
        "id": {"any_": listed(_FLOW, "flow_ids", "flow_ids"), "not_any_": unlisted(_FLOW, "flow_ids")},
        "name": {
            "any_": listed(_FLOW, "names", "flow_ids", fields.strings),
            "like_": text(_FLOW, "name_contains"),
        },
        "tags": tags(_FLOW),
    },
)
"""Of flows; whether they have deployments is not theirs to know."""


def _states(message: Any, never: str) -> Criterion:
    return {
        "type": {
            "any_": listed(message, "state_types", never, _STATE_TYPES),
            "not_any_": Operator(_STATE_TYPES, lambda values: message(state_types_none=values)),
        },
        "name": {
            "any_": listed(message, "state_names", never, fields.strings),
            "not_any_": unlisted(message, "state_names", fields.strings),
        },
    }


FLOW_RUNS = Filter(
    _RUN,
    {
        "id": {"any_": listed(_RUN, "flow_run_ids", "flow_run_ids"), "not_any_": unlisted(_RUN, "flow_run_ids")},
        "name": {
            "any_": listed(_RUN, "names", "flow_run_ids", fields.strings),
            "like_": text(_RUN, "name_contains"),
        },
        "tags": tags(_RUN),
        "deployment_id": {
            "any_": listed(_RUN, "deployment_ids", "flow_run_ids"),
            "is_null_": flag(_RUN, "has_deployment", is_opposite=True),
        },
        "work_queue_name": {
            "any_": listed(_RUN, "work_queue_names", "flow_run_ids", fields.strings),
            "is_null_": Operator(
                fields.boolean,
                lambda value: _RUN(work_queue_names=[""]) if value else negated(_RUN, _RUN(work_queue_names=[""])),
            ),
        },
        "state": _states(_RUN, "flow_run_ids"),
        "flow_version": {"any_": listed(_RUN, "flow_versions", "flow_run_ids", fields.strings)},
        "start_time": times(_RUN, "started", may_be_null=True),
        "end_time": times(_RUN, "ended", may_be_null=True),
        "expected_start_time": times(_RUN, "expected_start"),
        "next_scheduled_start_time": times(_RUN, "next_scheduled_start"),
        "parent_flow_run_id": {"any_": listed(_RUN, "parent_flow_run_ids", "flow_run_ids")},
        "parent_task_run_id": {
            "any_": listed(_RUN, "parent_task_run_ids", "flow_run_ids"),
            "is_null_": flag(_RUN, "has_parent", is_opposite=True),
        },
        "idempotency_key": {
            "any_": listed(_RUN, "idempotency_keys", "flow_run_ids", fields.strings),
            "not_any_": unlisted(_RUN, "idempotency_keys", fields.strings),
        },
        "created_by": {
            "id_": listed(_RUN, "creator_ids", "flow_run_ids"),
            "type_": listed(_RUN, "creator_kinds", "flow_run_ids", _creator_kinds),
            "is_null_": Operator(
                fields.boolean,
                lambda value: _RUN(creator_ids=[""]) if value else negated(_RUN, _RUN(creator_ids=[""])),
            ),
        },
    },
)
"""Of flow runs."""

TASK_RUNS = Filter(
    _TASK,
    {
        "id": {"any_": listed(_TASK, "task_run_ids", "task_run_ids")},
        "name": {
            "any_": listed(_TASK, "names", "task_run_ids", fields.strings),
            "like_": text(_TASK, "name_contains"),
        },
        "tags": tags(_TASK),
        "state": _states(_TASK, "task_run_ids"),
        "start_time": times(_TASK, "started", may_be_null=True),
        "end_time": times(_TASK, "ended", may_be_null=True),
        "expected_start_time": times(_TASK, "expected_start"),
        "subflow_runs": {"exists_": flag(_TASK, "has_child_flow_run")},
        "flow_run_id": {
            "any_": listed(_TASK, "flow_run_ids", "task_run_ids"),
            "is_null_": flag(_TASK, "background"),
        },
    },
)
"""Of task runs."""

_LOG_TIMES = fields.nested(
    {"before_": fields.Field(fields.moment), "after_": fields.Field(fields.moment)},
)
_LOG_IDS = fields.nested({"any_": fields.Field(fields.identifiers), "is_null_": fields.Field(fields.boolean)})
_LOG_LEVELS = fields.nested({"ge_": fields.Field(fields.integer), "le_": fields.Field(fields.integer)})
_LOG_TEXT = fields.nested({"query": fields.Field(fields.string, required=True)})

LOGS = fields.nested(
    {
        "operator": fields.Field(fields.one_of(("and_", "or_")), default="and_"),
        "level": fields.Field(_LOG_LEVELS),
        "timestamp": fields.Field(_LOG_TIMES),
        "flow_run_id": fields.Field(_LOG_IDS),
        "task_run_id": fields.Field(_LOG_IDS),
        "text": fields.Field(_LOG_TEXT),
    }
)
"""Of log records, as they are asked for; `log_filters` makes messages of them."""


def log_filters(chosen: fields.Body | None) -> list[log_pb2.LogFilter] | None:
    """Return the filters of which a record has to pass one; None if nothing can.

    Several stand for `or_`, which the lists of records do not have.
    """
    if chosen is None:
        return [log_pb2.LogFilter()]
    parts = [make(chosen[name]) for name, make in _LOG_PARTS.items() if chosen[name] is not None]
    if any(part is _NOTHING for part in parts) and chosen["operator"] != "or_":
        return None
    parts = [part for part in parts if part is not _NOTHING]
    if chosen["operator"] == "or_" and parts:
        return parts
    whole = log_pb2.LogFilter()
    for part in parts:
        whole.MergeFrom(part)
    return [whole]


_NOTHING = log_pb2.LogFilter()


def _log_levels(value: fields.Body) -> log_pb2.LogFilter:
    return log_pb2.LogFilter(level_at_least=value["ge_"] or 0, level_at_most=value["le_"] or 0)


def _log_times(value: fields.Body) -> log_pb2.LogFilter:
    span = state_pb2.TimeRange(until=to_timestamp(value["before_"]))
    if value["after_"] is not None:
        getattr(span, "from").CopyFrom(to_timestamp(value["after_"]))
    return log_pb2.LogFilter(occurred=span)


def _log_runs(value: fields.Body) -> log_pb2.LogFilter:
    if value["any_"] is None:
        return log_pb2.LogFilter()
    return log_pb2.LogFilter(flow_run_ids=value["any_"]) if value["any_"] else _NOTHING


def _log_tasks(value: fields.Body) -> log_pb2.LogFilter:
    if value["is_null_"]:
        return log_pb2.LogFilter(without_task_runs=True)
    if value["any_"] is None:
        return log_pb2.LogFilter()
    return log_pb2.LogFilter(task_run_ids=value["any_"]) if value["any_"] else _NOTHING


def _log_text(value: fields.Body) -> log_pb2.LogFilter:
    return log_pb2.LogFilter(text=value["query"])


_LOG_PARTS = {
    "level": _log_levels,
    "timestamp": _log_times,
    "flow_run_id": _log_runs,
    "task_run_id": _log_tasks,
    "text": _log_text,
}

FLOW_RUN_SORTS = {
    "ID_DESC": flow_run_pb2.FLOW_RUN_SORT_ID_DESC,
    "START_TIME_ASC": flow_run_pb2.FLOW_RUN_SORT_STARTED_ASC,
    "START_TIME_DESC": flow_run_pb2.FLOW_RUN_SORT_STARTED_DESC,
    "EXPECTED_START_TIME_ASC": flow_run_pb2.FLOW_RUN_SORT_EXPECTED_START_ASC,
    "EXPECTED_START_TIME_DESC": flow_run_pb2.FLOW_RUN_SORT_EXPECTED_START_DESC,
    "NAME_ASC": flow_run_pb2.FLOW_RUN_SORT_NAME_ASC,
    "NAME_DESC": flow_run_pb2.FLOW_RUN_SORT_NAME_DESC,
    "NEXT_SCHEDULED_START_TIME_ASC": flow_run_pb2.FLOW_RUN_SORT_NEXT_SCHEDULED_START_ASC,
    "END_TIME_DESC": flow_run_pb2.FLOW_RUN_SORT_ENDED_DESC,
}
"""Orders of flow runs, by the words of Prefect's API."""
