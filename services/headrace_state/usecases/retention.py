"""Delete what is too old."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping

from headrace_state.repository.retention import Place, Retention
from headrace_state.rules.retention import FOR_EVER, RetentionKind, RetentionRules

LOOKED_AT = 500
"""Ended runs that are looked at in one go."""
DELETED = 100
"""Trees of runs that are deleted in one go."""
SMALL_THINGS = 1_000
"""Background task runs, or artifacts, that are deleted in one go."""


class Sweep:
    """One walk through the ended runs of a workspace, oldest first, a stretch at a time.

    Args:
        retention: What there is.
        workspace_id: Whose.
        rules: For how long it is kept.
    """

    def __init__(self, retention: Retention, workspace_id: uuid.UUID, rules: RetentionRules) -> None:
        self._retention = retention
        self._workspace_id = workspace_id
        self._rules = rules
        self._after: Place | None = None

    async def step(self, now: datetime.datetime) -> int | None:
        """Delete what is too old among the next runs; return how many went, None at the end of the walk."""
        shortest = self._rules.shortest_of_flow_runs()
        if shortest == FOR_EVER:
            return None
        runs = await self._retention.list_ended(self._workspace_id, shortest, self._after, LOOKED_AT)
        if not runs:
            return None
        due = [
            run.flow_run_id
            for run in runs
            if (now - run.ended_at).total_seconds() / 86_400 > self._rules.days_of_flow_run(run.deployment_id, run.tags)
        ]
        self._after = runs[-1].place
        gone = 0
        for start in range(0, len(due), DELETED):
            gone += await self._retention.delete_trees(self._workspace_id, due[start : start + DELETED])
        return gone


async def sweep_small_things(
    retention: Retention, workspace_id: uuid.UUID, rules: RetentionRules
) -> Mapping[RetentionKind, int]:
    """Delete some background task runs and artifacts that are too old; return how many of each."""
    gone = {RetentionKind.BACKGROUND_TASK_RUN: 0, RetentionKind.ARTIFACT: 0}
    days = rules.days_of(RetentionKind.BACKGROUND_TASK_RUN)
    if days != FOR_EVER:
        gone[RetentionKind.BACKGROUND_TASK_RUN] = await retention.delete_background_task_runs(
            workspace_id, days, SMALL_THINGS
        )
    days = rules.days_of(RetentionKind.ARTIFACT)
    if days != FOR_EVER:
        gone[RetentionKind.ARTIFACT] = await retention.delete_artifacts(workspace_id, days, SMALL_THINGS)
    return gone
