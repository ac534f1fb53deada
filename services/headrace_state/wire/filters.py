"""Filters of lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from google.protobuf import json_format

from headrace import errors
from headrace.api.v1 import artifact_pb2, flow_pb2, flow_run_pb2, state_pb2, task_run_pb2
from headrace_state.rules.filters import (
    OPEN,
    ArtifactFilter,
    FlowFilter,
    FlowRunFilter,
    Span,
    TaskRunFilter,
    ValueCondition,
)
from headrace_state.wire.states import TYPE_NAMES, creator_kind
from headrace_state.wire.values import to_ids, to_json, to_object, to_seconds, to_time

MOST_NESTED = 5
"""Levels of filters in filters."""

Part = TypeVar("Part")


def _parts(message: Any, field: str, read: Callable[[Any, int], Part], depth: int) -> tuple[Part, ...]:
    parts = getattr(message, field)
    if parts and depth >= MOST_NESTED:
        raise errors.InvalidArgument.of_field(f"filter.{field}", f"must not be nested more than {MOST_NESTED} levels")
    return tuple(read(part, depth + 1) for part in parts)


def to_flow_filter(message: flow_pb2.FlowFilter, depth: int = 0) -> FlowFilter:
    """Return a filter of flows.

    Raises:
        errors.InvalidArgument: A value is not what its field is for.
    """
    return FlowFilter(
        flow_ids=to_ids(message.flow_ids, "filter.flow_ids"),
        names=tuple(message.names),
        name_contains=message.name_contains,
        tags_all=tuple(message.tags_all),
        tags_any=tuple(message.tags_any),
        tags_none=tuple(message.tags_none),
        labels=to_object(message.labels, "filter.labels"),
        created=to_span(message, "created"),
        untagged=_flag(message, "untagged"),
        text=message.text,
        label_keys=tuple(message.label_keys),
        updated=to_span(message, "updated"),
        any_of=_parts(message, "any_of", to_flow_filter, depth),
        none_of=_parts(message, "none_of", to_flow_filter, depth),
    )


def to_flow_run_filter(message: flow_run_pb2.FlowRunFilter, depth: int = 0) -> FlowRunFilter:
    """Return a filter of flow runs.

    Raises:
        errors.InvalidArgument: A value is not what its field is for.
    """
    return FlowRunFilter(
        flow_run_ids=to_ids(message.flow_run_ids, "filter.flow_run_ids"),
        flow_ids=to_ids(message.flow_ids, "filter.flow_ids"),
        flow_names=tuple(message.flow_names),
        deployment_ids=to_ids(message.deployment_ids, "filter.deployment_ids"),
        work_pool_ids=to_ids(message.work_pool_ids, "filter.work_pool_ids"),
        work_queue_ids=to_ids(message.work_queue_ids, "filter.work_queue_ids"),
        worker_names=tuple(message.worker_names),
        state_types=_state_types(message.state_types),
        state_names=tuple(message.state_names),
        names=tuple(message.names),
        name_contains=message.name_contains,
        text=message.text,
        tags_all=tuple(message.tags_all),
        tags_any=tuple(message.tags_any),
        tags_none=tuple(message.tags_none),
        labels=to_object(message.labels, "filter.labels"),
        parameters=to_object(message.parameters, "filter.parameters"),
        flow_versions=tuple(message.flow_versions),
        deployment_version_ids=to_ids(message.deployment_version_ids, "filter.deployment_version_ids"),
        idempotency_keys=tuple(message.idempotency_keys),
        parent_flow_run_ids=to_ids(message.parent_flow_run_ids, "filter.parent_flow_run_ids"),
        parent_task_run_ids=to_ids(message.parent_task_run_ids, "filter.parent_task_run_ids"),
        root_flow_run_ids=to_ids(message.root_flow_run_ids, "filter.root_flow_run_ids"),
        has_parent=_flag(message, "has_parent"),
        creator_ids=tuple(message.creator_ids),
        created=to_span(message, "created"),
        expected_start=to_span(message, "expected_start"),
        next_scheduled_start=to_span(message, "next_scheduled_start"),
        started=to_span(message, "started"),
        ended=to_span(message, "ended"),
        run_time_at_least=_seconds(message, "run_time_at_least"),
        run_time_at_most=_seconds(message, "run_time_at_most"),
        auto_scheduled=_flag(message, "auto_scheduled"),
        state_types_none=_state_types(message.state_types_none, "state_types_none"),
        deployment_names=tuple(message.deployment_names),
        work_pool_names=tuple(message.work_pool_names),
        work_queue_names=tuple(message.work_queue_names),
        has_deployment=_flag(message, "has_deployment"),
        untagged=_flag(message, "untagged"),
        label_keys=tuple(message.label_keys),
        parameter_conditions=tuple(
            _value_condition(condition, f"filter.parameter_conditions[{place}]")
            for place, condition in enumerate(message.parameter_conditions)
        ),
        run_count_at_least=_number(message, "run_count_at_least"),
        run_count_at_most=_number(message, "run_count_at_most"),
        state_entered=to_span(message, "state_entered"),
        updated=to_span(message, "updated"),
        creator_kinds=tuple(creator_kind(kind) for kind in message.creator_kinds),
        creator_names=tuple(message.creator_names),
        any_of=_parts(message, "any_of", to_flow_run_filter, depth),
        none_of=_parts(message, "none_of", to_flow_run_filter, depth),
    )


def to_task_run_filter(message: task_run_pb2.TaskRunFilter, depth: int = 0) -> TaskRunFilter:
    """Return a filter of task runs.

    Raises:
        errors.InvalidArgument: A value is not what its field is for.
    """
    return TaskRunFilter(
        task_run_ids=to_ids(message.task_run_ids, "filter.task_run_ids"),
        flow_run_ids=to_ids(message.flow_run_ids, "filter.flow_run_ids"),
        task_keys=tuple(message.task_keys),
        state_types=_state_types(message.state_types),
        state_names=tuple(message.state_names),
        names=tuple(message.names),
        name_contains=message.name_contains,
        text=message.text,
        tags_all=tuple(message.tags_all),
        tags_any=tuple(message.tags_any),
        tags_none=tuple(message.tags_none),
        labels=to_object(message.labels, "filter.labels"),
        has_child_flow_run=_flag(message, "has_child_flow_run"),
        created=to_span(message, "created"),
        started=to_span(message, "started"),
        ended=to_span(message, "ended"),
        run_time_at_least=_seconds(message, "run_time_at_least"),
        run_time_at_most=_seconds(message, "run_time_at_most"),
        cache_keys=tuple(message.cache_keys),
        background=_flag(message, "background"),
        state_types_none=_state_types(message.state_types_none, "state_types_none"),
        dynamic_keys=tuple(message.dynamic_keys),
        task_versions=tuple(message.task_versions),
        untagged=_flag(message, "untagged"),
        label_keys=tuple(message.label_keys),
        run_count_at_least=_number(message, "run_count_at_least"),
        run_count_at_most=_number(message, "run_count_at_most"),
        expected_start=to_span(message, "expected_start"),
        state_entered=to_span(message, "state_entered"),
        child_flow_run_ids=to_ids(message.child_flow_run_ids, "filter.child_flow_run_ids"),
        flow_ids=to_ids(message.flow_ids, "filter.flow_ids"),
        deployment_ids=to_ids(message.deployment_ids, "filter.deployment_ids"),
        root_flow_run_ids=to_ids(message.root_flow_run_ids, "filter.root_flow_run_ids"),
        any_of=_parts(message, "any_of", to_task_run_filter, depth),
        none_of=_parts(message, "none_of", to_task_run_filter, depth),
    )


def to_artifact_filter(message: artifact_pb2.ArtifactFilter) -> ArtifactFilter:
    """Return a filter of artifacts.

    Raises:
        errors.InvalidArgument: A value is not what its field is for.
    """
    return ArtifactFilter(
        artifact_ids=to_ids(message.artifact_ids, "filter.artifact_ids"),
        keys=tuple(message.keys),
        key_contains=message.key_contains,
        kinds=tuple(
            artifact_pb2.ArtifactKind.Name(kind).removeprefix("ARTIFACT_KIND_")
            for kind in message.kinds
            if kind in artifact_pb2.ArtifactKind.values()
        ),
        flow_run_ids=to_ids(message.flow_run_ids, "filter.flow_run_ids"),
        task_run_ids=to_ids(message.task_run_ids, "filter.task_run_ids"),
        latest_only=message.latest_only,
        created=to_span(message, "created"),
        types=tuple(message.types),
        text=message.text,
        updated=to_span(message, "updated"),
        has_key=_flag(message, "has_key"),
        flow_ids=to_ids(message.flow_ids, "filter.flow_ids"),
        deployment_ids=to_ids(message.deployment_ids, "filter.deployment_ids"),
    )


def _value_condition(message: flow_run_pb2.ValueCondition, field: str) -> ValueCondition:
    if message.WhichOneof("condition") == "exists":
        return ValueCondition(tuple(message.path), exists=message.exists)
    return ValueCondition(tuple(message.path), equals=to_json(message.equals, f"{field}.equals"))


def _number(message: Any, field: str) -> int | None:
    return int(getattr(message, field)) if message.HasField(field) else None


def _state_types(numbers: Iterable[int], field: str = "state_types") -> tuple[str, ...]:
    names: list[str] = []
    for place, number in enumerate(numbers):
        if not 0 < number < len(TYPE_NAMES):
            raise errors.InvalidArgument.of_field(f"filter.{field}[{place}]", "must be a state type")
        names.append(TYPE_NAMES[number])
    return tuple(names)


def _flag(message: Any, field: str) -> bool | None:
    return bool(getattr(message, field)) if message.HasField(field) else None


def _seconds(message: Any, field: str) -> float | None:
    return to_seconds(getattr(message, field)) if message.HasField(field) else None


def to_span(message: Any, field: str) -> Span:
    """Return the span in a field of a filter; one that is not set is open.

    Raises:
        errors.InvalidArgument: An end is not a time.
    """
    if not message.HasField(field):
        return OPEN
    span: state_pb2.TimeRange = getattr(message, field)
    since = to_time(getattr(span, "from"), f"filter.{field}.from") if span.HasField("from") else None
    until = to_time(span.until, f"filter.{field}.until") if span.HasField("until") else None
    return Span(since, until)


def flow_run_filter_from_json(stored: dict[str, Any]) -> FlowRunFilter:
    """Return a filter of flow runs that was stored as JSON.

    Raises:
        errors.InvalidArgument: It has what this server does not know: without it, it would mean more runs.
    """
    try:
        message = json_format.ParseDict(stored, flow_run_pb2.FlowRunFilter())
    except json_format.ParseError as error:
        raise errors.InvalidArgument.of_field("filter", f"cannot be read: {error}") from error
    return to_flow_run_filter(message)
