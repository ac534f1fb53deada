"""The task run of the parent that stands for a subflow goes through the states of the subflow.

Prefect's client makes that task run before it makes the subflow, and leaves its states to the server.
"""

from __future__ import annotations

import datetime
import logging

from headrace import errors
from headrace.api.v1 import flow_run_pb2, state_pb2, task_run_pb2
from headrace.ids import uuid7
from headrace_prefect import recording
from headrace_prefect.bodies.transitions import attempt_of, version_of
from headrace_prefect.request import Request
from headrace_prefect.shapes.scalars import to_timestamp

logger = logging.getLogger(__name__)


async def load_stand_in(request: Request, task_run_id: str) -> task_run_pb2.TaskRun | None:
    """Return the task run that stands for a subflow, None if there is none (yet)."""
    asked = task_run_pb2.GetTaskRunRequest(task_run_id=task_run_id)
    try:
        return (await request.call(request.services.task_runs.GetTaskRun, asked)).task_run
    except errors.NotFound:
        return None


async def begin(request: Request, stand_in: task_run_pb2.TaskRun, child: flow_run_pb2.FlowRun) -> None:
    """Let a task run stand for a subflow that was made."""
    spec = task_run_pb2.TaskRunSpec(
        task_key=stand_in.task_key,
        dynamic_key=stand_in.dynamic_key,
        name=stand_in.name,
        tags=stand_in.tags,
        task_version=stand_in.task_version,
        inputs=stand_in.inputs,
        cache_key=stand_in.cache_key,
        flow_run_run_count=stand_in.flow_run_run_count,
        child_flow_run_id=child.flow_run_id,
    )
    for field in ("labels", "retry_policy", "cache_expires_at", "expected_start_at"):
        if stand_in.HasField(field):
            getattr(spec, field).CopyFrom(getattr(stand_in, field))
    await _follow(request, child, spec)


async def follow(request: Request, flow_run_id: str) -> None:
    """Let the task run that stands for a subflow enter the state that the subflow is in; other runs have none."""
    asked = flow_run_pb2.GetFlowRunRequest(flow_run_id=flow_run_id)
    child = (await request.call(request.services.flow_runs.GetFlowRun, asked)).flow_run
    if child.parent_task_run_id and child.parent_flow_run_id:
        await _follow(request, child, None)


async def _follow(
    request: Request,
    child: flow_run_pb2.FlowRun,
    spec: task_run_pb2.TaskRunSpec | None,
) -> None:
    state = child.state
    now = datetime.datetime.now(datetime.UTC)
    copied = state_pb2.State(
        state_id=str(uuid7()),
        type=state.type,
        name=state.name,
        message=state.message,
        occurred_at=to_timestamp(now),
        version=version_of(now),
    )
    copied.details.child_flow_run_id = child.flow_run_id
    if state.details.HasField("scheduled_at"):
        copied.details.scheduled_at.CopyFrom(state.details.scheduled_at)
    transition = task_run_pb2.TaskRunTransition(
        task_run_id=child.parent_task_run_id,
        state=copied,
        spec=spec,
        run_count=child.run_count,
    )

    async def call(message: task_run_pb2.RecordTransitionsRequest) -> task_run_pb2.RecordTransitionsResponse:
        return await request.call(request.services.record.RecordTransitions, message)

    attempt = attempt_of(child.parent_flow_run_id, child.parent_task_run_id)
    if await recording.record(call, [(attempt, transition)]):
        logger.debug("the task run of the subflow %s is another client's", child.flow_run_id)
