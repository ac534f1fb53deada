"""What the state service has to be told after a change here, until it was told."""

from __future__ import annotations

import dataclasses
import enum
import uuid
from collections.abc import Mapping
from typing import Any


class ErrandKind(enum.StrEnum):
    """What there is to do."""

    SET_LIMIT = "set-limit"
    """Tell the limit that a pool, queue or deployment has now."""
    DROP_RUNS = "drop-runs"
    """Have runs dropped that were made by what a schedule or deployment was before."""
    MOVE_RUNS = "move-runs"
    """Have runs moved that wait in a queue which is gone."""


@dataclasses.dataclass(frozen=True, slots=True)
class Errand:
    """One thing to tell. There is at most one of each kind and subject; telling twice is harmless."""

    kind: ErrandKind
    subject: str
    workspace_id: uuid.UUID
    payload: Mapping[str, Any]


def set_limit(workspace_id: uuid.UUID, owner: str, identifier: uuid.UUID) -> Errand:
    """Return the errand to tell the limit of a `work-pool`, `work-queue` or `deployment`."""
    payload = {"owner": owner, "id": str(identifier)}
    return Errand(ErrandKind.SET_LIMIT, f"{owner}:{identifier}", workspace_id, payload)


def drop_runs(
    workspace_id: uuid.UUID, deployment_id: uuid.UUID, schedule_id: uuid.UUID | None = None, *, all_runs: bool = False
) -> Errand:
    """Return the errand to drop runs of a schedule, of all schedules of a deployment, or of the whole deployment."""
    payload = {
        "deployment_id": str(deployment_id),
        "schedule_id": str(schedule_id) if schedule_id is not None else None,
        "all_runs": all_runs,
    }
    return Errand(ErrandKind.DROP_RUNS, str(schedule_id or deployment_id), workspace_id, payload)


def move_runs(workspace_id: uuid.UUID, queue_id: uuid.UUID, to_queue_id: uuid.UUID, to_queue_name: str) -> Errand:
    """Return the errand to move the runs that wait in a queue into another one of its pool."""
    payload = {"to_queue_id": str(to_queue_id), "to_queue_name": to_queue_name}
    return Errand(ErrandKind.MOVE_RUNS, str(queue_id), workspace_id, payload)
