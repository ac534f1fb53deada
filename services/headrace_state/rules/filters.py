"""Which things a list is about. Fields are joined by AND; an empty one does not count."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Mapping
from typing import Any

Ids = tuple[uuid.UUID, ...]
Words = tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """A span of time, from inclusive to exclusive; either end may be open."""

    since: datetime.datetime | None = None
    until: datetime.datetime | None = None


OPEN = Span()


@dataclasses.dataclass(frozen=True, slots=True)
class FlowFilter:
    """Which flows."""

    flow_ids: Ids = ()
    names: Words = ()
    name_contains: str = ""
    tags_all: Words = ()
    tags_any: Words = ()
    tags_none: Words = ()
    labels: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    created: Span = OPEN
    untagged: bool | None = None
    text: str = ""
    label_keys: Words = ()
    updated: Span = OPEN
    any_of: tuple[FlowFilter, ...] = ()
    none_of: tuple[FlowFilter, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class ValueCondition:
    """What a value inside of a JSON document has to be."""

    path: Words
    """Keys of objects and places in lists."""
    equals: Any = None
    exists: bool | None = None
    """Whether there has to be one; None: there is one that `equals`."""


@dataclasses.dataclass(frozen=True, slots=True)
class FlowRunFilter:
    """Which flow runs."""

    flow_run_ids: Ids = ()
    flow_ids: Ids = ()
    flow_names: Words = ()
    deployment_ids: Ids = ()
    work_pool_ids: Ids = ()
    work_queue_ids: Ids = ()
    worker_names: Words = ()
    state_types: Words = ()
    state_names: Words = ()
    names: Words = ()
    name_contains: str = ""
    text: str = ""
    tags_all: Words = ()
    tags_any: Words = ()
    tags_none: Words = ()
    labels: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    flow_versions: Words = ()
    deployment_version_ids: Ids = ()
    idempotency_keys: Words = ()
    parent_flow_run_ids: Ids = ()
    parent_task_run_ids: Ids = ()
    root_flow_run_ids: Ids = ()
    has_parent: bool | None = None
    creator_ids: Words = ()
    created: Span = OPEN
    expected_start: Span = OPEN
    next_scheduled_start: Span = OPEN
    started: Span = OPEN
    ended: Span = OPEN
    run_time_at_least: float | None = None
    run_time_at_most: float | None = None
    auto_scheduled: bool | None = None
    state_types_none: Words = ()
    deployment_names: Words = ()
    work_pool_names: Words = ()
    work_queue_names: Words = ()
    has_deployment: bool | None = None
    untagged: bool | None = None
    label_keys: Words = ()
    parameter_conditions: tuple[ValueCondition, ...] = ()
    run_count_at_least: int | None = None
    run_count_at_most: int | None = None
    state_entered: Span = OPEN
    updated: Span = OPEN
    creator_kinds: Words = ()
    creator_names: Words = ()
    any_of: tuple[FlowRunFilter, ...] = ()
    none_of: tuple[FlowRunFilter, ...] = ()

    @property
    def looks_at_parameters(self) -> bool:
        """Whether what it finds tells of parameters."""
        if self.parameters or self.parameter_conditions:
            return True
        return any(part.looks_at_parameters for part in (*self.any_of, *self.none_of))


@dataclasses.dataclass(frozen=True, slots=True)
class TaskRunFilter:
    """Which task runs."""

    task_run_ids: Ids = ()
    flow_run_ids: Ids = ()
    task_keys: Words = ()
    state_types: Words = ()
    state_names: Words = ()
    names: Words = ()
    name_contains: str = ""
    text: str = ""
    tags_all: Words = ()
    tags_any: Words = ()
    tags_none: Words = ()
    labels: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    has_child_flow_run: bool | None = None
    created: Span = OPEN
    started: Span = OPEN
    ended: Span = OPEN
    run_time_at_least: float | None = None
    run_time_at_most: float | None = None
    cache_keys: Words = ()
    background: bool | None = None
    state_types_none: Words = ()
    dynamic_keys: Words = ()
    task_versions: Words = ()
    untagged: bool | None = None
    label_keys: Words = ()
    run_count_at_least: int | None = None
    run_count_at_most: int | None = None
    expected_start: Span = OPEN
    state_entered: Span = OPEN
    child_flow_run_ids: Ids = ()
    flow_ids: Ids = ()
    deployment_ids: Ids = ()
    root_flow_run_ids: Ids = ()
    any_of: tuple[TaskRunFilter, ...] = ()
    none_of: tuple[TaskRunFilter, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class ArtifactFilter:
    """Which artifacts."""

    artifact_ids: Ids = ()
    keys: Words = ()
    key_contains: str = ""
    kinds: Words = ()
    flow_run_ids: Ids = ()
    task_run_ids: Ids = ()
    latest_only: bool = False
    created: Span = OPEN
    types: Words = ()
    text: str = ""
    updated: Span = OPEN
    has_key: bool | None = None
    flow_ids: Ids = ()
    deployment_ids: Ids = ()


def is_narrow(chosen: TaskRunFilter) -> bool:
    """Return whether a filter leaves so few task runs that they can be sorted by what no index is ordered by."""
    spans = (chosen.created, chosen.started, chosen.ended)
    named = (chosen.task_run_ids, chosen.flow_run_ids, chosen.root_flow_run_ids, chosen.cache_keys)
    return any(named) or any(span.since is not None for span in spans)
