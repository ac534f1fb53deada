"""Which workers take which runs."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class ClaimingWorker:
    """A worker that can take runs."""

    worker_id: str
    name: str
    count: int
    """How many runs it takes."""
    labels: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def fits(self, wanted: Mapping[str, Any]) -> bool:
        """Return whether the worker has all the labels that a run wants."""
        return all(key in self.labels and self.labels[key] == value for key, value in wanted.items())


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where due runs are claimed from: a pool (all of its queues if none are named), or deployments without one."""

    work_pool_id: uuid.UUID | None = None
    queues: tuple[tuple[uuid.UUID, int], ...] = ()
    """Queues in the order of their priority, and how many runs of each at most."""
    deployment_ids: tuple[uuid.UUID, ...] = ()
    start_timeout_seconds: float | None = None
    """How long infrastructure may take to start there; None: as long as it takes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs are looked for that could be claimed."""

    work_pool_id: uuid.UUID | None
    """None: those of the deployments."""
    work_queue_ids: tuple[uuid.UUID, ...]
    """In the order in which they are served."""
    deployment_ids: tuple[uuid.UUID, ...]
    due_from: datetime.datetime | None
    due_before: datetime.datetime | None
    """None: now."""
    count: int
    worker_labels: Mapping[str, Any]
    """Runs of a pool have to ask all of these of their worker."""


def assign(
    runs: Iterable[tuple[uuid.UUID, Mapping[str, Any]]], workers: Sequence[ClaimingWorker]
) -> dict[uuid.UUID, ClaimingWorker]:
    """Return who takes which run.

    Args:
        runs: Ids and wanted labels, in the order in which they are given away.
        workers: In the order in which they take: each run goes to the first that has room and fits.
    """
    room = [worker.count for worker in workers]
    taken: dict[uuid.UUID, ClaimingWorker] = {}
    for flow_run_id, wanted in runs:
        for place, worker in enumerate(workers):
            if room[place] > 0 and worker.fits(wanted):
                room[place] -= 1
                taken[flow_run_id] = worker
                break
    return taken
