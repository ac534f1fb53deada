"""From claimed runs to assignments."""

from __future__ import annotations

import collections
import datetime
import uuid
from collections.abc import Callable, Sequence

from headrace_scheduler.repository.storage import Executable, Store
from headrace_scheduler.rules import job_template
from headrace_scheduler.rules.runs import AttemptEnd, ClaimedRun, EndedAttempt
from headrace_scheduler.rules.work_pool import WorkPool
from headrace_scheduler.rules.worker_stream import Assignment
from headrace_scheduler.usecases.dispatch.session import ACKNOWLEDGE_SECONDS

MOST_KEPT = 500
"""Versions of deployments that are kept in memory."""
KEPT_SECONDS = 10.0
"""For so long; what a version holds does not change, but the concurrency settings beside it may."""


class Assigner:
    """Makes assignments.

    Args:
        store: Where deployments are kept.
        monotonic: Tells the monotonic time.
    """

    def __init__(self, store: Store, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._monotonic = monotonic
        self._kept: collections.OrderedDict[uuid.UUID, tuple[float, Executable]] = collections.OrderedDict()

    async def assign(
        self, pool: WorkPool | None, runs: Sequence[ClaimedRun], now: datetime.datetime
    ) -> tuple[list[tuple[ClaimedRun, Assignment]], list[EndedAttempt]]:
        """Return assignments of claimed runs, and those that cannot be run since their deployment is gone."""
        executables = await self._load({run.version_id for run in runs if run.version_id is not None})
        acknowledge_by = now + datetime.timedelta(seconds=ACKNOWLEDGE_SECONDS)
        assigned: list[tuple[ClaimedRun, Assignment]] = []
        impossible: list[EndedAttempt] = []
        for run in runs:
            executable = executables.get(run.version_id) if run.version_id is not None else None
            if executable is None:
                impossible.append(
                    EndedAttempt(
                        run.attempt,
                        AttemptEnd.CRASHED,
                        "The deployment of this run no longer exists.",
                        "DEPLOYMENT_DELETED",
                    )
                )
                continue
            template = pool.base_job_template if pool is not None else {}
            assignment = Assignment(
                flow_run=run.flow_run,
                attempt_message=run.attempt_message,
                content=executable.content,
                concurrency=executable.concurrency,
                job_configuration=job_template.fill(template, run.job_variables),
                acknowledge_by=acknowledge_by,
            )
            assigned.append((run, assignment))
        return assigned, impossible

    async def _load(self, version_ids: set[uuid.UUID]) -> dict[uuid.UUID, Executable]:
        now = self._monotonic()
        known = {
            version_id: kept[1]
            for version_id in version_ids
            if (kept := self._kept.get(version_id)) is not None and now - kept[0] < KEPT_SECONDS
        }
        missing = [version_id for version_id in version_ids if version_id not in known]
        if missing:
            found = await self._store.read(lambda unit: unit.deployments.load_executables(missing))
            for version_id, executable in found.items():
                self._kept[version_id] = (now, executable)
                self._kept.move_to_end(version_id)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            known.update(found)
        return known
