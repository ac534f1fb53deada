"""Runs that ended on another server, as they are stored here."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_ONE_DAY = datetime.timedelta(days=1)
# Ids of version 7 that seem to be later are of a time when its bits were not settled.
_FARTHEST = datetime.timedelta(days=130 * 365)


class Imported(enum.Enum):
    """What became of something that was to be imported."""

    CREATED = "CREATED"
    THERE_BEFORE = "THERE_BEFORE"
    CONFLICT = "CONFLICT"


@dataclasses.dataclass(frozen=True, slots=True)
class PastFlowRun:
    """A flow run that has ended."""

    flow_run_id: uuid.UUID
    flow_id: uuid.UUID
    parent_flow_run_id: uuid.UUID | None
    columns: Mapping[str, Any]
    """Columns of `flow_run`, apart from those of the flow and of the runs above."""
    payloads: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    """Rows of `transition`."""


@dataclasses.dataclass(frozen=True, slots=True)
class PastTaskRun:
    """A task run that was recorded elsewhere."""

    task_run_id: uuid.UUID
    columns: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class PastArtifact:
    """An artifact that was made elsewhere."""

    artifact_id: uuid.UUID
    key: str
    columns: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Past:
    """What one call imports."""

    flow_runs: Sequence[PastFlowRun]
    task_runs: Sequence[PastTaskRun]
    artifacts: Sequence[PastArtifact]


@dataclasses.dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of each, in the order of `Past`."""

    flow_runs: Sequence[Imported]
    task_runs: Sequence[Imported]
    artifacts: Sequence[Imported]


def roots_of(runs: Sequence[PastFlowRun], known: Mapping[uuid.UUID, uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return the topmost run above each of the runs whose parent is there, by the parent's id.

    Args:
        runs: A parent before its subflows.
        known: The topmost runs above parents that are stored.
    """
    found = dict(known)
    for run in runs:
        above = found.get(run.parent_flow_run_id) if run.parent_flow_run_id is not None else None
        found.setdefault(run.flow_run_id, above or run.flow_run_id)
    return found


def is_younger(run_id: uuid.UUID, first_at: datetime.datetime) -> bool:
    """Return whether a run's id says that it was made after its first state: such a history would not be found."""
    if run_id.version != 7:
        return False
    age = datetime.timedelta(milliseconds=run_id.int >> 80)
    return age < _FARTHEST and _EPOCH + age > first_at + _ONE_DAY
