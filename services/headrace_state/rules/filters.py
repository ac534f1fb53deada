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
