"""Background tasks to and from the wire."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from headrace import errors
from headrace.api.v1 import background_task_pb2, state_pb2, task_run_pb2
from headrace.ids import uuid7
from headrace.internal.v1 import changes_pb2
from headrace_state.rules.background import Fate, NewBackgroundTask, Server
from headrace_state.rules.frames import Frame
from headrace_state.rules.rows import Row
from headrace_state.wire import frames, states, task_runs, values

NOBODY = str(uuid.UUID(int=0))
"""What stands for the attempt in frames that the server makes itself."""

MOST_KEYS = 1000
MOST_KEY = 1000


def to_new_tasks(
    request: background_task_pb2.CreateBackgroundTasksRequest, workspace_id: uuid.UUID, queued_by: uuid.UUID | None
) -> tuple[list[NewBackgroundTask], Frame]:
    """Return the task runs to be queued, and their first transitions.

    Args:
        request: What is asked.
        workspace_id: Whose.
        queued_by: The flow run that asks, if one does.

    Raises:
        errors.InvalidArgument: They cannot be stored.
    """
    tasks: list[NewBackgroundTask] = []
    transitions: list[task_run_pb2.TaskRunTransition] = []
    for place, task in enumerate(request.tasks):
        field = f"tasks[{place}]"
        if not task.spec.task_key or len(task.spec.task_key) > MOST_KEY:
            raise errors.InvalidArgument.of_field(f"{field}.spec.task_key", f"must have 1 to {MOST_KEY} characters")
        due_at = values.to_time(task.scheduled_at, f"{field}.scheduled_at") if task.HasField("scheduled_at") else None
        reference = None
        if task.HasField("parameters_reference"):
            reference = states.result_to_json(task.parameters_reference)
        tasks.append(
            NewBackgroundTask(
                task_run_id=values.to_id(task.task_run_id, f"{field}.task_run_id"),
                task_key=task.spec.task_key,
                due_at=due_at,
                waits_for=values.to_ids(task.wait_for, f"{field}.wait_for"),
                parameters=task.parameters or None,
                parameters_reference=reference,
                queued_by=queued_by,
            )
        )
        state = state_pb2.State(state_id=str(uuid7()), type=state_pb2.STATE_TYPE_SCHEDULED, version=1)
        state.occurred_at.GetCurrentTime()
        if task.HasField("state_details"):
            state.details.CopyFrom(task.state_details)
        if due_at is not None:
            state.details.scheduled_at.CopyFrom(task.scheduled_at)
        spec = task_run_pb2.TaskRunSpec()
        spec.CopyFrom(task.spec)
        spec.expected_start_at.CopyFrom(task.scheduled_at if due_at is not None else state.occurred_at)
        transitions.append(task_run_pb2.TaskRunTransition(task_run_id=task.task_run_id.lower(), state=state, spec=spec))
    return tasks, _frame(workspace_id, transitions)


def frame_of(workspace_id: uuid.UUID, moved: Iterable[tuple[Row, Fate]]) -> Frame:
    """Return the transitions that the server itself makes.

    Args:
        workspace_id: Whose.
        moved: Where each task run stands, and what becomes of it.
    """
    transitions: list[task_run_pb2.TaskRunTransition] = []
    for run, fate in moved:
        if fate.state is None:
            continue
        state = state_pb2.State(
            state_id=str(uuid7()),
            type=states.type_number(fate.state.value),
            name=fate.name,
            message=fate.message,
            version=run["state_version"] + 1,
        )
        state.occurred_at.GetCurrentTime()
        transitions.append(
            task_run_pb2.TaskRunTransition(task_run_id=str(run["task_run_id"]), state=state, run_count=run["run_count"])
        )
    return _frame(workspace_id, transitions)


def without_flow_run(told: bytes) -> bytes:
    """Return the payload of transitions of an attempt that has no flow run."""
    message = changes_pb2.TaskRunStatesChanged.FromString(told)
    message.flow_run_id = ""
    return message.SerializeToString()


def to_server(hello: background_task_pb2.TaskServerHello) -> Server:
    """Return a task server as it introduces itself.

    Raises:
        errors.InvalidArgument: It does not say who it is or what it serves.
    """
    if not hello.task_keys or len(hello.task_keys) > MOST_KEYS or not all(hello.task_keys):
        raise errors.InvalidArgument.of_field("hello.task_keys", f"must name 1 to {MOST_KEYS} tasks")
    if not 0 < hello.slots <= 10_000:
        raise errors.InvalidArgument.of_field("hello.slots", "must be from 1 to 10000")
    return Server(
        server_id=values.to_id(hello.server_id, "hello.server_id"),
        name=hello.name[:255],
        task_keys=tuple(dict.fromkeys(hello.task_keys)),
        slots=hello.slots,
        client_version=hello.client_version[:100],
        keeps_tokens=not hello.without_tokens,
    )


def welcome(heartbeat_seconds: float) -> background_task_pb2.ServeBackgroundTasksResponse:
    """Return that the stream stands."""
    return background_task_pb2.ServeBackgroundTasksResponse(
        welcome=background_task_pb2.TaskServerWelcome(heartbeat_interval=values.from_seconds(heartbeat_seconds))
    )


def assignments(claimed: Sequence[Row], runs: Iterable[Row]) -> background_task_pb2.ServeBackgroundTasksResponse:
    """Return task runs for a server, in the order in which they were claimed."""
    by_id = {run["task_run_id"]: run for run in runs}
    message = background_task_pb2.ServeBackgroundTasksResponse()
    for row in claimed:
        run = by_id.get(row["task_run_id"])
        if run is None:
            continue
        made = message.assignments.assignments.add(
            task_run=task_runs.task_run(run, with_result=True),
            token=str(row["token"]),
            delivery=row["deliveries"],
            parameters=row["parameters"] or b"",
        )
        if row["parameters_reference"]:
            states.fill_result(made.parameters_reference, row["parameters_reference"])
    return message


def cancel(task_run_id: uuid.UUID) -> background_task_pb2.ServeBackgroundTasksResponse:
    """Return that a task run is to be cancelled."""
    return background_task_pb2.ServeBackgroundTasksResponse(
        cancel=background_task_pb2.BackgroundCancel(task_run_id=str(task_run_id))
    )


def servers(rows: Iterable[Row], backlogs: Iterable[Row]) -> background_task_pb2.GetTaskServingResponse:
    """Return the servers that are there, and what waits and runs for each task."""
    response = background_task_pb2.GetTaskServingResponse()
    for row in rows:
        server = response.task_servers.add(
            server_id=str(row["server_id"]),
            name=row["name"],
            task_keys=row["task_keys"],
            slots=row["slots"],
            running=row["running"],
            client_version=row["client_version"],
        )
        values.fill_time(server.connected_at, row["connected_at"])
        values.fill_time(server.seen_at, row["seen_at"])
    for row in backlogs:
        response.backlogs.add(task_key=row["task_key"], waiting=row["waiting"], running=row["running"])
    return response


def reference_text(reference: dict[str, Any] | None) -> str | None:
    """Return a stored reference as JSON text."""
    return orjson.dumps(reference).decode() if reference is not None else None


def _frame(workspace_id: uuid.UUID, transitions: Sequence[task_run_pb2.TaskRunTransition]) -> Frame:
    message = task_run_pb2.RecordFrame(
        attempts=[task_run_pb2.RecordAttempt(flow_run_id=NOBODY, token=NOBODY)], transitions=transitions
    )
    try:
        frame = frames.to_frame(message, workspace_id)
    except frames.MalformedFrame as error:
        raise errors.InvalidArgument(str(error), reason="MALFORMED") from error
    frame.told = [without_flow_run(told) if told else told for told in frame.told]
    return frame
