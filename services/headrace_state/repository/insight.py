"""Many runs, summed up."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from typing import Protocol

from headrace_state.rules.filters import FlowRunFilter, TaskRunFilter
from headrace_state.rules.insight import Histogram, LastRuns, Lateness, Moment, Sample, Stretch
from headrace_state.rules.rows import Row


@dataclasses.dataclass(frozen=True, slots=True)
class RunGraphRows:
    """What the graph of a flow run is made of."""

    run: Row
    """The flow run's state and times, and `now`."""
    states: Sequence[Row]
    """Its last states, oldest first."""
    task_runs: Sequence[Row]
    """In order of their ids."""
    subflows: Sequence[Row]
    """Children without a task run, in order of their ids."""
    artifacts: Sequence[Row]


class RunInsight(Protocol):
    """Sums the runs of all workspaces up. Every look is bounded and begins with the latest runs."""

    async def count_flow_runs(
        self, workspace_id: uuid.UUID, chosen: FlowRunFilter, moment: Moment, stretch: Stretch
    ) -> Histogram:
        """Return flow runs counted by time and state."""
        ...

    async def count_task_runs(
        self, workspace_id: uuid.UUID, chosen: TaskRunFilter, moment: Moment, stretch: Stretch
    ) -> Histogram:
        """Return task runs counted by time and state."""
        ...

    async def sample_flow_runs(
        self, workspace_id: uuid.UUID, chosen: FlowRunFilter, moment: Moment, stretch: Stretch, most: int
    ) -> Sample:
        """Return flow runs, of many the longest and the shortest of each bucket, oldest first; at most `most`."""
        ...

    async def measure_lateness(self, workspace_id: uuid.UUID, chosen: FlowRunFilter, stretch: Stretch) -> Lateness:
        """Return how late flow runs started that were expected to start in a stretch of time."""
        ...

    async def list_last(
        self, workspace_id: uuid.UUID, flow_ids: Sequence[uuid.UUID], deployment_ids: Sequence[uuid.UUID], each: int
    ) -> list[LastRuns]:
        """Return the last runs of flows and of deployments, in that order."""
        ...

    async def load_graph(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, most: int) -> RunGraphRows | None:
        """Return what the graph of a flow run is made of, None if there is no such run.

        Args:
            workspace_id: Whose run.
            flow_run_id: The run.
            most: Task runs at most; the first ones.
        """
        ...
