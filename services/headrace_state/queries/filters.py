"""Filters of lists as conditions of SQL."""

from __future__ import annotations

import dataclasses
import functools
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.sql.elements import ColumnElement

from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection
from headrace_state import tables
from headrace_state.queries import conditions as where
from headrace_state.queries.conditions import Condition
from headrace_state.rules.filters import ArtifactFilter, FlowFilter, FlowRunFilter, TaskRunFilter

_NEVER: Condition = sa.false()


@dataclasses.dataclass(frozen=True, slots=True)
class KnownFlows:
    """The flows that a filter of flow runs means, by their ids; None where they were not looked up."""

    named: tuple[uuid.UUID, ...] | None = None
    """Those that `flow_names` names."""
    of_text: tuple[uuid.UUID, ...] | None = None
    """Those whose names contain `text`."""


UNKNOWN_FLOWS = KnownFlows()


def flow_conditions(workspace_id: uuid.UUID, chosen: FlowFilter) -> list[Condition]:
    """Return the conditions on `flow`."""
    flow = tables.flow.c
    found: list[Condition] = [flow.workspace_id == workspace_id]
    where.any_id(found, flow.flow_id, chosen.flow_ids)
    where.any_word(found, flow.name, chosen.names)
    where.contains(found, chosen.name_contains, flow.name)
    where.contains(found, chosen.text, flow.name, flow.description)
    where.tags(found, flow.tags, chosen)
    where.labels(found, flow.labels, chosen.labels, chosen.label_keys)
    where.within(found, flow.created_at, chosen.created)
    where.within(found, flow.updated_at, chosen.updated)
    where.joined(found, chosen.any_of, chosen.none_of, functools.partial(flow_conditions, workspace_id))
    return found


def flow_run_conditions(
    workspace_id: uuid.UUID, chosen: FlowRunFilter, flows: KnownFlows = UNKNOWN_FLOWS
) -> list[Condition]:
    """Return the conditions on `flow_run`; with the flows looked up (`find_flows`) they are served by indexes."""
    run = tables.flow_run.c
    found: list[Condition] = [run.workspace_id == workspace_id]
    where.any_id(found, run.flow_run_id, chosen.flow_run_ids)
    where.any_id(found, run.flow_id, chosen.flow_ids)
    if flows.named is not None:
        found.append(run.flow_id == sa.any_(where.ids_array(flows.named)) if flows.named else _NEVER)
    else:
        where.any_word(found, run.flow_name, chosen.flow_names)
    where.any_id(found, run.deployment_id, chosen.deployment_ids)
    where.any_word(found, run.deployment_name, chosen.deployment_names)
    where.any_id(found, run.work_pool_id, chosen.work_pool_ids)
    where.any_word(found, run.work_pool_name, chosen.work_pool_names)
    where.any_id(found, run.work_queue_id, chosen.work_queue_ids)
    where.any_word(found, run.work_queue_name, chosen.work_queue_names)
    where.any_word(found, run.worker_name, chosen.worker_names)
    where.state_types(found, run.state_type, chosen.state_types, chosen.state_types_none)
    where.any_word(found, run.state_name, chosen.state_names)
    where.any_word(found, run.name, chosen.names)
    where.contains(found, chosen.name_contains, run.name)
    if chosen.text:
        found.append(sa.or_(*_text_conditions(chosen.text, flows.of_text)))
    where.tags(found, run.tags, chosen)
    where.labels(found, run.labels, chosen.labels, chosen.label_keys)
    _parameters(found, chosen)
    where.any_word(found, run.flow_version, chosen.flow_versions)
    where.any_id(found, run.deployment_version_id, chosen.deployment_version_ids)
    where.any_word(found, run.idempotency_key, chosen.idempotency_keys)
    _family(found, chosen)
    where.any_word(found, run.creator_id, chosen.creator_ids)
    where.any_word(found, run.creator_kind, chosen.creator_kinds)
    where.any_word(found, run.creator_name, chosen.creator_names)
    where.within(found, run.created_at, chosen.created)
    where.within(found, run.updated_at, chosen.updated)
    where.within(found, run.state_at, chosen.state_entered)
    where.within(found, run.expected_start_at, chosen.expected_start, optional=True)
    where.within(found, run.next_scheduled_start_at, chosen.next_scheduled_start, optional=True)
    where.within(found, run.started_at, chosen.started, optional=True)
    where.within(found, run.ended_at, chosen.ended, optional=True)
    where.run_time(found, run, chosen.run_time_at_least, chosen.run_time_at_most)
    where.between(found, run.run_count, chosen.run_count_at_least, chosen.run_count_at_most)
    if chosen.auto_scheduled is not None:
        found.append(run.auto_scheduled.is_(chosen.auto_scheduled))
    if chosen.has_deployment is not None:
        deployment = run.deployment_id
        found.append(deployment.is_not(None) if chosen.has_deployment else deployment.is_(None))
    where.joined(found, chosen.any_of, chosen.none_of, functools.partial(flow_run_conditions, workspace_id))
    return found


def _parameters(found: list[Condition], chosen: FlowRunFilter) -> None:
    if not chosen.parameters and not chosen.parameter_conditions:
        return
    # An alias of its own: the list itself may bring payloads, too.
    sought = tables.flow_run_payload.alias("sought")
    run = tables.flow_run.c
    for condition in chosen.parameter_conditions:
        holds = where.value(sought.c.parameters, condition)
        has_it = sa.exists().where(sought.c.flow_run_id == run.flow_run_id)
        if condition.exists is False:
            # A run without parameters has no payload at all.
            holds = where.value(sought.c.parameters, type(condition)(condition.path, exists=True))
            found.append(sa.not_(has_it.where(holds).correlate(tables.flow_run)))
        else:
            found.append(has_it.where(holds).correlate(tables.flow_run))
    if chosen.parameters:
        holds = sought.c.parameters.bool_op("@>")(sa.literal(dict(chosen.parameters), pg.JSONB))
        found.append(sa.exists().where(sought.c.flow_run_id == run.flow_run_id, holds).correlate(tables.flow_run))


def _family(found: list[Condition], chosen: FlowRunFilter) -> None:
    run = tables.flow_run.c
    where.any_id(found, run.parent_flow_run_id, chosen.parent_flow_run_ids)
    where.any_id(found, run.parent_task_run_id, chosen.parent_task_run_ids)
    if chosen.root_flow_run_ids:
        found.append(run.parent_flow_run_id.is_not(None))
        where.any_id(found, run.root_flow_run_id, chosen.root_flow_run_ids)
    if chosen.has_parent is not None:
        parent = run.parent_flow_run_id
        found.append(parent.is_not(None) if chosen.has_parent else parent.is_(None))


def task_run_conditions(workspace_id: uuid.UUID, chosen: TaskRunFilter) -> list[Condition]:
    """Return the conditions on `task_run`."""
    run = tables.task_run.c
    found: list[Condition] = [run.workspace_id == workspace_id]
    where.any_id(found, run.task_run_id, chosen.task_run_ids)
    where.any_id(found, run.flow_run_id, chosen.flow_run_ids)
    where.any_word(found, run.task_key, chosen.task_keys)
    where.any_word(found, run.dynamic_key, chosen.dynamic_keys)
    where.any_word(found, run.task_version, chosen.task_versions)
    where.state_types(found, run.state_type, chosen.state_types, chosen.state_types_none)
    where.any_word(found, run.state_name, chosen.state_names)
    where.any_word(found, run.name, chosen.names)
    where.contains(found, chosen.name_contains, run.name)
    where.contains(found, chosen.text, run.name, run.state_message)
    where.tags(found, run.tags, chosen)
    where.labels(found, run.labels, chosen.labels, chosen.label_keys)
    if chosen.has_child_flow_run is not None:
        child = run.child_flow_run_id
        found.append(child.is_not(None) if chosen.has_child_flow_run else child.is_(None))
    where.any_id(found, run.child_flow_run_id, chosen.child_flow_run_ids)
    where.within(found, run.created_at, chosen.created)
    where.within(found, run.state_at, chosen.state_entered)
    where.within(found, run.expected_start_at, chosen.expected_start, optional=True)
    where.within(found, run.started_at, chosen.started, optional=True)
    where.within(found, run.ended_at, chosen.ended, optional=True)
    where.run_time(found, run, chosen.run_time_at_least, chosen.run_time_at_most)
    where.between(found, run.run_count, chosen.run_count_at_least, chosen.run_count_at_most)
    if chosen.cache_keys:
        found.append(run.cache_key != sa.literal_column("''"))
        where.any_word(found, run.cache_key, chosen.cache_keys)
    if chosen.background is not None:
        found.append(run.flow_run_id.is_(None) if chosen.background else run.flow_run_id.is_not(None))
    _of_runs(found, workspace_id, run.flow_run_id, chosen)
    if chosen.root_flow_run_ids:
        parent = tables.flow_run.alias("tree")
        roots = where.ids_array(chosen.root_flow_run_ids)
        below = sa.select(parent.c.flow_run_id).where(
            parent.c.workspace_id == workspace_id,
            parent.c.parent_flow_run_id.is_not(None),
            parent.c.root_flow_run_id == sa.any_(roots),
        )
        found.append(sa.or_(run.flow_run_id == sa.any_(roots), run.flow_run_id.in_(below)))
    where.joined(found, chosen.any_of, chosen.none_of, functools.partial(task_run_conditions, workspace_id))
    return found


def artifact_conditions(workspace_id: uuid.UUID, chosen: ArtifactFilter) -> list[Condition]:
    """Return the conditions on `artifact`."""
    artifact = tables.artifact.c
    found: list[Condition] = [artifact.workspace_id == workspace_id]
    where.any_id(found, artifact.artifact_id, chosen.artifact_ids)
    where.any_word(found, artifact.key, chosen.keys)
    if chosen.has_key is not None:
        empty: ColumnElement[Any] = sa.literal_column("''")
        found.append(artifact.key != empty if chosen.has_key else artifact.key == empty)
    where.contains(found, chosen.key_contains, artifact.key)
    where.contains(found, chosen.text, artifact.key, artifact.description)
    where.any_word(found, artifact.kind, chosen.kinds)
    where.any_word(found, artifact.type, chosen.types)
    where.any_id(found, artifact.flow_run_id, chosen.flow_run_ids)
    where.any_id(found, artifact.task_run_id, chosen.task_run_ids)
    if chosen.latest_only:
        found.append(artifact.is_latest.is_(True))
    where.within(found, artifact.created_at, chosen.created)
    where.within(found, artifact.updated_at, chosen.updated)
    _of_runs(found, workspace_id, artifact.flow_run_id, chosen)
    return found


def _of_runs(
    found: list[Condition],
    workspace_id: uuid.UUID,
    flow_run_id: ColumnElement[Any],
    chosen: TaskRunFilter | ArtifactFilter,
) -> None:
    if chosen.flow_ids or chosen.deployment_ids:
        owner = tables.flow_run.alias("owner")
        those: list[Condition] = [owner.c.workspace_id == workspace_id, owner.c.flow_run_id == flow_run_id]
        where.any_id(those, owner.c.flow_id, chosen.flow_ids)
        where.any_id(those, owner.c.deployment_id, chosen.deployment_ids)
        found.append(sa.exists().where(*those).correlate(flow_run_id.table))


def _text_conditions(text: str, flow_ids: tuple[uuid.UUID, ...] | None) -> list[Condition]:
    run = tables.flow_run.c
    found = [where.has_part(run.name, text), where.message_has_part(run.state_message, text)]
    if flow_ids is None:
        found.append(where.has_part(run.flow_name, text))
    elif flow_ids:
        found.append(run.flow_id == sa.any_(where.ids_array(flow_ids)))
    return found


async def find_flows(connection: Connection, workspace_id: uuid.UUID, chosen: FlowRunFilter) -> KnownFlows:
    """Return the flows that a filter of flow runs means.

    There are few flows, and runs are found by the ids of theirs; by names they would all have to be looked at.
    """
    named = of_text = None
    if chosen.flow_names:
        named = await _flow_ids(connection, workspace_id, FlowFilter(names=chosen.flow_names))
    if chosen.text:
        of_text = await _flow_ids(connection, workspace_id, FlowFilter(name_contains=chosen.text))
    return KnownFlows(named, of_text)


async def _flow_ids(connection: Connection, workspace_id: uuid.UUID, chosen: FlowFilter) -> tuple[uuid.UUID, ...]:
    statement = sa.select(tables.flow.c.flow_id).where(*flow_conditions(workspace_id, chosen))
    text, arguments = compile_core(statement)
    return tuple(row["flow_id"] for row in await connection.fetch(text, *arguments))
