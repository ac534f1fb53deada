"""Deployments and what is versioned of them."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid
from collections.abc import Mapping
from typing import Any

from headrace_scheduler.rules import keys
from headrace_scheduler.rules.schedule import Schedule


@dataclasses.dataclass(frozen=True, slots=True)
class Creator:
    """Who or what created something."""

    kind: str = ""
    """Name in the contract without its prefix: `USER`, `SCHEDULE`, ...; empty if not known."""
    creator_id: str = ""
    display_name: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class PullStep:
    """One step before the flow is loaded."""

    step: str
    step_id: str = ""
    inputs: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class VersionInfo:
    """Where the source of a version came from."""

    type: str = ""
    revision: str = ""
    branch: str = ""
    message: str = ""
    url: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and when a run is retried."""

    retries: int = 0
    delay_seconds: tuple[float, ...] = ()
    jitter_factor: float = 0.0
    infrastructure_retries: int = 0
    kind: str = ""
    """`IN_PROCESS`, `RESCHEDULE`, or empty: as the server decides."""


@dataclasses.dataclass(frozen=True, slots=True)
class Content:
    """What is versioned of a deployment."""

    version: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    labels: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    entrypoint: str = ""
    path: str = ""
    pull_steps: tuple[PullStep, ...] = ()
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    parameter_schema: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    enforce_parameter_schema: bool = False
    job_variables: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    work_pool_name: str = ""
    work_queue_name: str = ""
    retry_policy: RetryPolicy | None = None
    version_info: VersionInfo | None = None
    worker_labels: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Labels that a worker must have to run it."""


class Strategy(enum.StrEnum):
    """What happens to a run when all slots of its deployment are taken."""

    ENQUEUE = "ENQUEUE"
    CANCEL_NEW = "CANCEL_NEW"
    CANCEL_RUNNING = "CANCEL_RUNNING"


@dataclasses.dataclass(frozen=True, slots=True)
class Concurrency:
    """How many runs of a deployment at once, and what happens to more."""

    limit: int | None = None
    strategy: Strategy = Strategy.ENQUEUE
    grace_seconds: float | None = None
    shared_limit_name: str = ""
    key: str = ""
    """Runs with the same key share slots: a text with placeholders for parameters; empty: there are no keys."""
    key_limit: int | None = None
    """How many runs with the same key at once; None is 1."""


class Status(enum.StrEnum):
    """Whether somebody is there to run what waits."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    PAUSED = "PAUSED"


@dataclasses.dataclass(frozen=True, slots=True)
class Placement:
    """The queue that runs wait in."""

    work_pool_id: uuid.UUID
    work_pool_name: str
    work_queue_id: uuid.UUID
    work_queue_name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Deployment:
    """A flow made runnable, with its current version and its schedules."""

    deployment_id: uuid.UUID
    workspace_id: uuid.UUID
    flow_id: uuid.UUID
    flow_name: str
    name: str
    version_id: uuid.UUID
    version_number: int
    content: Content
    paused: bool
    concurrency: Concurrency
    placement: Placement | None
    """Where its runs wait; None if a process that serves it runs them."""
    creator: Creator
    created_at: datetime.datetime
    updated_at: datetime.datetime
    status: Status = Status.NOT_READY
    schedules: tuple[Schedule, ...] = ()

    def keyed_limits(self, parameters: Mapping[str, Any]) -> dict[str, int]:
        """Return the limits, by name with their slots, that a run with `parameters` shares with those of its key."""
        concurrency = self.concurrency
        if not concurrency.key:
            return {}
        key = keys.render(concurrency.key, parameters)
        limit = concurrency.key_limit if concurrency.key_limit is not None else 1
        return {f"deployment:{self.deployment_id}:key:{key}": limit}


@dataclasses.dataclass(frozen=True, slots=True)
class Version:
    """One version of a deployment."""

    version_id: uuid.UUID
    deployment_id: uuid.UUID
    number: int
    content: Content
    creator: Creator
    created_at: datetime.datetime
    is_current: bool
    message: str = ""
    former_number: int = 0
    """Number of the version that was current when it was made; 0 for the first."""


@dataclasses.dataclass(frozen=True, slots=True)
class DeploymentFilter:
    """Which deployments; empty fields do not restrict."""

    deployment_ids: tuple[uuid.UUID, ...] = ()
    flow_ids: tuple[uuid.UUID, ...] = ()
    names: tuple[str, ...] = ()
    name_contains: str = ""
    tags_all: tuple[str, ...] = ()
    tags_any: tuple[str, ...] = ()
    tags_none: tuple[str, ...] = ()
    labels: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    work_pool_names: tuple[str, ...] = ()
    work_queue_names: tuple[str, ...] = ()
    paused: bool | None = None
    has_concurrency_limit: bool | None = None
    scheduled: bool | None = None


def document(content: Content) -> dict[str, Any]:
    """Return content as it is stored: a JSON object."""
    return dataclasses.asdict(content)


def content_of(stored: Mapping[str, Any]) -> Content:
    """Return the content in a stored JSON object. Fields that it does not have yet take their defaults."""
    known = {field.name for field in dataclasses.fields(Content)}
    values = {name: value for name, value in stored.items() if name in known}
    policy, info = values.get("retry_policy"), values.get("version_info")
    if policy is not None:
        policy = RetryPolicy(**{**policy, "delay_seconds": tuple(policy["delay_seconds"])})
    return Content(
        **{
            **values,
            "tags": tuple(values.get("tags", ())),
            "pull_steps": tuple(PullStep(**step) for step in values.get("pull_steps", ())),
            "retry_policy": policy,
            "version_info": VersionInfo(**info) if info is not None else None,
        }
    )
