"""What the service tells others: payloads of its outbox."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from headrace.api.v1 import task_run_pb2
from headrace.internal.v1 import changes_pb2
from headrace_state.rules.rows import Row
from headrace_state.wire import flow_runs, states

FLOW_RUN_STATE = "flow-run.state"
"""A flow run entered a state; the payload is a `FlowRunStateChanged`."""

FLOW_RUN_UPDATED = "flow-run.updated"
"""A flow run changed beside its state; the payload is a `FlowRunStateChanged` whose states are the same."""

TASK_RUN_STATES = "task-run.states"
"""Task runs entered states; the payload is a `TaskRunStatesChanged`."""


def flow_run_state(row: Row, previous: Row | None) -> bytes:
    """Return the payload for a flow run that entered a state.

    Args:
        row: The flow run, with its new state.
        previous: The row before; None if the run was just created.
    """
    return changes_pb2.FlowRunStateChanged(
        flow_run=flow_runs.flow_run(row, with_payloads=False),
        previous=states.from_run_row(previous) if previous is not None else None,
    ).SerializeToString()


def task_run_states(flow_run_id: uuid.UUID, rows: Iterable[Row]) -> bytes:
    """Return the payload for task runs of a flow run that entered the states in their rows."""
    return changes_pb2.TaskRunStatesChanged(
        flow_run_id=str(flow_run_id),
        transitions=[
            task_run_pb2.TaskRunTransition(
                task_run_id=str(row["task_run_id"]), state=states.from_run_row(row), run_count=row["run_count"]
            )
            for row in rows
        ],
    ).SerializeToString()
