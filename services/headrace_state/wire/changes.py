"""What the service tells others: payloads of its outbox."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable

from headrace.api.v1 import state_pb2
from headrace.internal.v1 import changes_pb2
from headrace_state.rules.rows import Row
from headrace_state.wire import flow_runs, states

FLOW_RUN_STATE = "flow-run.state"
"""A flow run entered a state; the payload is a `FlowRunStateChanged`."""

FLOW_RUN_CANCELLING = "flow-run.cancelling"
"""A flow run entered CANCELLING; the payload is that of `flow-run.state`, for those who wait for nothing else."""

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
    message = changes_pb2.FlowRunStateChanged(flow_run=flow_runs.flow_run(row, with_payloads=False))
    if previous is not None:
        states.fill_from_run_row(message.previous, previous, with_result=False)
    return message.SerializeToString()


def task_run_states(flow_run_id: uuid.UUID, rows: Iterable[Row]) -> bytes:
    """Return the payload for task runs of a flow run that entered the states in their rows."""
    message = changes_pb2.TaskRunStatesChanged(flow_run_id=str(flow_run_id))
    for row in rows:
        transition = message.transitions.add(task_run_id=str(row["task_run_id"]), run_count=row["run_count"])
        states.fill_from_run_row(transition.state, row, with_result=False)
    return message.SerializeToString()


@dataclasses.dataclass(frozen=True, slots=True)
class FlowRunNews:
    """What an entry of the outbox says about a flow run."""

    flow_run_id: str
    state: state_pb2.State
    previous_type: int
    """Number of the type of the state before; 0 for the first."""


def read_flow_run(payload: bytes) -> FlowRunNews:
    """Return what the payload of a flow run's entry says."""
    message = changes_pb2.FlowRunStateChanged.FromString(payload)
    return FlowRunNews(message.flow_run.flow_run_id, message.flow_run.state, message.previous.type)


def read_task_runs(payload: bytes) -> tuple[str, list[str]]:
    """Return the flow run and the task runs that the payload of a task runs' entry is about."""
    message = changes_pb2.TaskRunStatesChanged.FromString(payload)
    return message.flow_run_id, [transition.task_run_id for transition in message.transitions]
