"""Filters of lists as conditions of SQL."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.sql.elements import ColumnElement

from headrace_state import tables
from headrace_state.rules.filters import ArtifactFilter, FlowFilter, FlowRunFilter, Span, TaskRunFilter

Condition = ColumnElement[bool]

_UUIDS = pg.ARRAY(sa.Uuid)
_TEXTS = pg.ARRAY(sa.Text)


def flow_conditions(chosen: FlowFilter) -> list[Condition]:
    """Return the conditions on `flow`."""
    flow = tables.flow.c
    found: list[Condition] = []
    _any_id(found, flow.flow_id, chosen.flow_ids)
    _any_word(found, flow.name, chosen.names)
    _contains(found, chosen.name_contains, flow.name)
    _tags(found, flow.tags, chosen)
    _labels(found, flow.labels, chosen.labels)
    _within(found, flow.created_at, chosen.created)
    if chosen.untagged is not None:
        found.append((flow.tags == _no_tags()) if chosen.untagged else (flow.tags != _no_tags()))
    return found


def flow_run_conditions(chosen: FlowRunFilter) -> list[Condition]:
    """Return the conditions on `flow_run`."""
    run = tables.flow_run.c
    found: list[Condition] = []
    _any_id(found, run.flow_run_id, chosen.flow_run_ids)
    _any_id(found, run.flow_id, chosen.flow_ids)
    _any_word(found, run.flow_name, chosen.flow_names)
    _any_id(found, run.deployment_id, chosen.deployment_ids)
    _any_id(found, run.work_pool_id, chosen.work_pool_ids)
    _any_id(found, run.work_queue_id, chosen.work_queue_ids)
    _any_word(found, run.worker_name, chosen.worker_names)
    _any_state_type(found, run.state_type, chosen.state_types)
    _any_word(found, run.state_name, chosen.state_names)
    _any_word(found, run.name, chosen.names)
    _contains(found, chosen.name_contains, run.name)
    _contains(found, chosen.text, run.name, run.flow_name, run.state_message)
    _tags(found, run.tags, chosen)
    _labels(found, run.labels, chosen.labels)
    if chosen.parameters:
        # An alias of its own: the list itself may bring payloads, too.
        sought = tables.flow_run_payload.alias("sought")
        holds = sought.c.parameters.bool_op("@>")(sa.literal(dict(chosen.parameters), pg.JSONB))
        found.append(sa.exists().where(sought.c.flow_run_id == run.flow_run_id, holds).correlate(tables.flow_run))
    _any_word(found, run.flow_version, chosen.flow_versions)
    _any_id(found, run.deployment_version_id, chosen.deployment_version_ids)
    _any_word(found, run.idempotency_key, chosen.idempotency_keys)
    _any_id(found, run.parent_flow_run_id, chosen.parent_flow_run_ids)
    _any_id(found, run.parent_task_run_id, chosen.parent_task_run_ids)
    if chosen.root_flow_run_ids:
        found.append(run.parent_flow_run_id.is_not(None))
        _any_id(found, run.root_flow_run_id, chosen.root_flow_run_ids)
    if chosen.has_parent is not None:
        parent = run.parent_flow_run_id
        found.append(parent.is_not(None) if chosen.has_parent else parent.is_(None))
    _any_word(found, run.creator_id, chosen.creator_ids)
    _within(found, run.created_at, chosen.created)
    _within(found, run.expected_start_at, chosen.expected_start)
    _within(found, run.next_scheduled_start_at, chosen.next_scheduled_start)
    _within(found, run.started_at, chosen.started)
    _within(found, run.ended_at, chosen.ended)
    _run_time(found, run, chosen.run_time_at_least, chosen.run_time_at_most)
    if chosen.auto_scheduled is not None:
        found.append(run.auto_scheduled.is_(chosen.auto_scheduled))
    return found


def task_run_conditions(chosen: TaskRunFilter) -> list[Condition]:
    """Return the conditions on `task_run`."""
    run = tables.task_run.c
    found: list[Condition] = []
    _any_id(found, run.task_run_id, chosen.task_run_ids)
    _any_id(found, run.flow_run_id, chosen.flow_run_ids)
    _any_word(found, run.task_key, chosen.task_keys)
    _any_state_type(found, run.state_type, chosen.state_types)
    _any_word(found, run.state_name, chosen.state_names)
    _any_word(found, run.name, chosen.names)
    _contains(found, chosen.name_contains, run.name)
    _contains(found, chosen.text, run.name, run.state_message)
    _tags(found, run.tags, chosen)
    _labels(found, run.labels, chosen.labels)
    if chosen.has_child_flow_run is not None:
        child = run.child_flow_run_id
        found.append(child.is_not(None) if chosen.has_child_flow_run else child.is_(None))
    _within(found, run.created_at, chosen.created)
    _within(found, run.started_at, chosen.started)
    _within(found, run.ended_at, chosen.ended)
    _run_time(found, run, chosen.run_time_at_least, chosen.run_time_at_most)
    if chosen.cache_keys:
        found.append(run.cache_key != sa.literal_column("''"))
        _any_word(found, run.cache_key, chosen.cache_keys)
    if chosen.background is not None:
        found.append(run.flow_run_id.is_(None) if chosen.background else run.flow_run_id.is_not(None))
    return found


def artifact_conditions(chosen: ArtifactFilter) -> list[Condition]:
    """Return the conditions on `artifact`."""
    artifact = tables.artifact.c
    found: list[Condition] = []
    _any_id(found, artifact.artifact_id, chosen.artifact_ids)
    if chosen.keys or chosen.key_contains:
        found.append(artifact.key != sa.literal_column("''"))
    _any_word(found, artifact.key, chosen.keys)
    _contains(found, chosen.key_contains, artifact.key)
    _any_word(found, artifact.kind, chosen.kinds)
    _any_id(found, artifact.flow_run_id, chosen.flow_run_ids)
    _any_id(found, artifact.task_run_id, chosen.task_run_ids)
    if chosen.latest_only:
        found.append(artifact.is_latest.is_(True))
    _within(found, artifact.created_at, chosen.created)
    return found


def _any_id(found: list[Condition], column: ColumnElement[Any], ids: Sequence[uuid.UUID]) -> None:
    if ids:
        found.append(column == sa.any_(sa.cast(sa.literal(list(ids), _UUIDS), _UUIDS)))


def _any_word(found: list[Condition], column: ColumnElement[Any], words: Sequence[str]) -> None:
    if words:
        found.append(column == sa.any_(words_array(words)))


def _any_state_type(found: list[Condition], column: ColumnElement[Any], types: Sequence[str]) -> None:
    if types:
        # As constants, so that Postgres sees that an index over some types covers them.
        found.append(column.in_([sa.literal_column(f"'{state_type}'") for state_type in sorted(set(types))]))


def words_array(words: Sequence[str]) -> ColumnElement[Any]:
    """Return words as one array parameter."""
    return sa.cast(sa.literal(list(words), _TEXTS), _TEXTS)


def contains_pattern(text: str) -> str:
    """Return the LIKE pattern of texts that contain `text` as it is."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def _contains(found: list[Condition], text: str, *columns: ColumnElement[Any]) -> None:
    if text:
        pattern = sa.literal(contains_pattern(text), sa.Text)
        found.append(sa.or_(*(column.ilike(pattern) for column in columns)))


def _no_tags() -> ColumnElement[Any]:
    return sa.literal_column("'{}'::text[]")


def _tags(
    found: list[Condition], column: ColumnElement[Any], chosen: FlowFilter | FlowRunFilter | TaskRunFilter
) -> None:
    if chosen.tags_all or chosen.tags_any:
        found.append(column != _no_tags())
    if chosen.tags_all:
        found.append(column.bool_op("@>")(words_array(chosen.tags_all)))
    if chosen.tags_any:
        found.append(column.bool_op("&&")(words_array(chosen.tags_any)))
    if chosen.tags_none:
        found.append(sa.not_(column.bool_op("&&")(words_array(chosen.tags_none))))


def _labels(found: list[Condition], column: ColumnElement[Any], labels: Mapping[str, Any]) -> None:
    if labels:
        found.append(column != sa.literal_column("'{}'::jsonb"))
        found.append(column.bool_op("@>")(sa.literal(dict(labels), pg.JSONB)))


def _within(found: list[Condition], column: ColumnElement[Any], span: Span) -> None:
    if span.since is not None:
        found.append(column >= sa.literal(span.since, sa.DateTime(timezone=True)))
    if span.until is not None:
        found.append(column < sa.literal(span.until, sa.DateTime(timezone=True)))


def _run_time(found: list[Condition], run: Any, at_least: float | None, at_most: float | None) -> None:
    if at_least is None and at_most is None:
        return
    since = sa.extract("epoch", sa.func.now() - run.state_at)
    running = sa.case((run.state_type == sa.literal_column("'RUNNING'"), since), else_=sa.literal_column("0"))
    seconds = run.run_seconds + running
    if at_least is not None:
        found.append(seconds >= sa.literal(at_least, sa.Double))
    if at_most is not None:
        found.append(seconds <= sa.literal(at_most, sa.Double))
