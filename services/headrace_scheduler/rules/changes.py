"""What the scheduler tells others: what happened to which thing."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from typing import TypeAlias

from headrace_scheduler.rules.backfill import Backfill
from headrace_scheduler.rules.deployment import Deployment
from headrace_scheduler.rules.service_level import Breach, ServiceLevel
from headrace_scheduler.rules.work_pool import Worker, WorkPool, WorkQueue

Thing: TypeAlias = Backfill | Deployment | WorkPool | WorkQueue | Worker


class ChangeKind(enum.StrEnum):
    """What happened to a thing."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"
    STATUS = "STATUS"


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """Something happened to a thing."""

    kind: ChangeKind
    thing: Thing
    """As it is after it, or was before it was deleted."""


@dataclasses.dataclass(frozen=True, slots=True)
class Violation:
    """A promise was broken."""

    level: ServiceLevel
    deployment: Deployment
    breach: Breach
    at: datetime.datetime
