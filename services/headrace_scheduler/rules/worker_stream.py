"""What workers say on their streams, and what they are told."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Mapping
from typing import Any, TypeAlias

from headrace_scheduler.rules.deployment import Concurrency, Content
from headrace_scheduler.rules.runs import AttemptRef
from headrace_scheduler.rules.work_pool import Worker, WorkPool


@dataclasses.dataclass(frozen=True, slots=True)
class Hello:
    """How a worker introduces itself."""

    worker: Worker
    """Its pool is known by name only."""
    create_pool: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """How an assignment ended in the eyes of its worker."""

    attempt: AttemptRef
    outcome: str
    """Name in the contract without its prefix: `ENDED`, `CRASHED`, `CANCELLED`, `NOT_STARTED` or `RETURNED`."""
    exit_code: int | None = None
    message: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Assignment:
    """One run to execute, with everything that is needed to start the user's code."""

    flow_run: object
    """As the state service tells it; handed on as it is."""
    attempt_message: object
    """Likewise."""
    content: Content
    concurrency: Concurrency
    job_configuration: Mapping[str, Any]
    acknowledge_by: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Assigned:
    """Work."""

    assignments: tuple[Assignment, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Cancel:
    """A run has to be stopped."""

    attempt: AttemptRef
    grace_seconds: float
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class LeasesRenewed:
    """Leases were renewed."""

    lease_expires_at: datetime.datetime | None
    flow_run_ids: tuple[uuid.UUID, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Lost:
    """A run was given to somebody else or is over."""

    attempt: AttemptRef
    reason: str
    state: object | None = None
    """The state it is in, as the state service tells it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Drain:
    """The worker has to finish what it runs and to take nothing new."""

    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Pause:
    """The worker has to take nothing new until it is resumed."""

    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Resume:
    """The worker may take runs again."""


@dataclasses.dataclass(frozen=True, slots=True)
class ResultStored:
    """A result was stored."""

    attempt: AttemptRef


@dataclasses.dataclass(frozen=True, slots=True)
class PoolChanged:
    """The pool changed."""

    pool: WorkPool


@dataclasses.dataclass(frozen=True, slots=True)
class Poll:
    """What a worker says about itself, and what it asks for."""

    worker: Worker
    """Without a name nobody is kept as a worker; its id is not looked at."""
    silent_seconds: float
    """How long it is taken to be there after this."""
    count: int
    due_from: datetime.datetime | None
    due_before: datetime.datetime | None


Outgoing: TypeAlias = Assigned | Cancel | LeasesRenewed | Lost | Drain | Pause | Resume | ResultStored | PoolChanged
