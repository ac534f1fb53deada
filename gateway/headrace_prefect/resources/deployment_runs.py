"""`/deployments/{id}/...`: runs of deployments, and their schedules."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from headrace import errors
from headrace.api.v1 import deployment_pb2, flow_run_pb2, state_pb2, task_run_pb2
from headrace.ids import uuid7
from headrace_prefect.answers import Answer, Invalid, Refusal, made, no_content, not_found, ok
from headrace_prefect.attempts import attempt_token_of
from headrace_prefect.bodies import fields, runs, schedules
from headrace_prefect.bodies.fields import Body, Field, Fields, at_least, boolean, nested, number, string, strings
from headrace_prefect.request import Request
from headrace_prefect.resources import hydration
from headrace_prefect.resources.deployments import changed_schedule, load
from headrace_prefect.resources.routes import Route
from headrace_prefect.resources.work_pools import ensure_queue
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes.flow_runs import flow_run_json
from headrace_prefect.shapes.schedules import schedule_json

MOST_IN_BULK = 100
_AT_ONCE = 8
"""Runs of a bulk that are made at a time."""

_RUN: Fields = {
    "state": Field(runs.state),
    "name": Field(string, default=""),
    "parameters": Field(fields.json_object, default=dict),
    "enforce_parameter_schema": Field(boolean),
    "context": Field(fields.json_object, default=dict),
    "infrastructure_document_id": Field(fields.identifier),
    "empirical_policy": Field(nested(runs.FLOW_RUN_POLICY)),
    "tags": Field(strings, default=list),
    "idempotency_key": Field(string, default=""),
    "labels": Field(fields.json_object, default=dict),
    "parent_task_run_id": Field(fields.identifier),
    "work_queue_name": Field(string),
    "job_variables": Field(fields.json_object, default=dict),
}
_run_kind = nested(_RUN)
_SCHEDULE: Fields = {
    "start_time": Field(fields.moment),
    "end_time": Field(fields.moment),
    "min_time": Field(number),
    "min_runs": Field(at_least(0)),
    "max_runs": Field(at_least(0)),
}
_SCHEDULED = state_pb2.STATE_TYPE_SCHEDULED


async def create_flow_run_from_deployment(request: Request) -> Answer:
    """Start a run of a deployment."""
    deployment = await load(request, request.path["id"])
    run, is_new = await _start(request, deployment, request.body(_RUN))
    return made(flow_run_json(run), is_new)


async def bulk_create_flow_runs_from_deployment(request: Request) -> Answer:
    """Start several runs of a deployment, each for itself."""
    wanted = request.json
    if not isinstance(wanted, list):
        raise Invalid.of(msg="Input should be a valid list", word="list_type")
    if len(wanted) > MOST_IN_BULK:
        raise Refusal(400, f"Cannot create more than {MOST_IN_BULK} flow runs at once.")
    bodies = fields.parse({"runs": Field(fields.list_of(_run_kind))}, {"runs": wanted})["runs"] or []
    deployment = await load(request, request.path["id"])
    room = asyncio.Semaphore(_AT_ONCE)

    async def start(body: Body) -> dict[str, Any]:
        async with room:
            try:
                run, _ = await _start(request, deployment, body)
            except (errors.Unavailable, errors.DeadlineExceeded):
                raise
            except (errors.HeadraceError, Refusal, Invalid) as error:
                return {"flow_run_id": None, "status": "FAILED", "error": str(error)}
        return {"flow_run_id": run.flow_run_id, "status": "CREATED", "error": None}

    return ok({"results": await asyncio.gather(*map(start, bodies))})


async def _start(
    request: Request, deployment: deployment_pb2.Deployment, body: Body
) -> tuple[flow_run_pb2.FlowRun, bool]:
    parameters = await hydration.hydrated(
        request, {**scalars.of_struct(deployment.content.parameters), **body["parameters"]}
    )
    message = deployment_pb2.RunDeploymentRequest(
        deployment_id=deployment.deployment_id,
        flow_run_id="" if body["idempotency_key"] else str(uuid7()),
        name=body["name"],
        parameters=scalars.to_struct(parameters),
        idempotency_key=body["idempotency_key"],
        tags=dict.fromkeys(body["tags"]),
        job_variables=scalars.to_struct(body["job_variables"]),
        parent_task_run_id=body["parent_task_run_id"] or "",
        context=scalars.to_struct(body["context"]),
        labels=scalars.to_struct(body["labels"]),
        enforce_parameter_schema=body["enforce_parameter_schema"],
    )
    state = runs.to_state(body["state"]) if body["state"] is not None else None
    if state is not None and state.details.HasField("scheduled_at"):
        message.scheduled_at.CopyFrom(state.details.scheduled_at)
    policy = body["empirical_policy"]
    if policy is not None and any(policy[name] is not None for name in ("retries", "retry_delay")):
        message.retry_policy.MergeFrom(runs.to_flow_run_policy(policy) or flow_run_pb2.RetryPolicy())
    if body["parent_task_run_id"] is not None:
        message.parent_flow_run_id = await _parent(request, body["parent_task_run_id"])
    if body["work_queue_name"]:
        if not deployment.work_pool_id:
            raise Refusal(
                400,
                f"Cannot create flow run in work queue {body['work_queue_name']} because deployment "
                f"{deployment.deployment_id} is not associated with a work pool. Please remove work_pool_name and "
                "try again.",
            )
        await ensure_queue(request, deployment.content.work_pool_name, body["work_queue_name"])
        message.work_queue_name = body["work_queue_name"]
    try:
        answer = await request.call(request.services.deployments.RunDeployment, message)
    except errors.InvalidArgument as error:
        if any(violation.field.startswith("parameters") for violation in error.violations):
            told = "; ".join(f"{violation.field}: {violation.description}" for violation in error.violations)
            raise Refusal(409, f"Error creating flow run: Validation failed. Failure reason: {told}") from None
        raise
    if state is not None and state.type != _SCHEDULED and answer.created:
        return await _moved(request, answer.flow_run, state), True
    return answer.flow_run, answer.created


async def _parent(request: Request, task_run_id: str) -> str:
    try:
        answer = await request.call(
            request.services.task_runs.GetTaskRun, task_run_pb2.GetTaskRunRequest(task_run_id=task_run_id)
        )
    except errors.NotFound:
        return ""
    return answer.task_run.flow_run_id


async def _moved(request: Request, run: flow_run_pb2.FlowRun, state: state_pb2.State) -> flow_run_pb2.FlowRun:
    """Return a run that has just been made in the state that it was to be made in."""
    await request.call(
        request.services.flow_runs.ProposeFlowRunState,
        flow_run_pb2.ProposeFlowRunStateRequest(
            flow_run_id=run.flow_run_id, state=state, own_token=attempt_token_of(run.flow_run_id), force=True
        ),
    )
    answer = await request.call(
        request.services.flow_runs.GetFlowRun, flow_run_pb2.GetFlowRunRequest(flow_run_id=run.flow_run_id)
    )
    return answer.flow_run


async def schedule_deployment(request: Request) -> Answer:
    """Make runs of a deployment's schedules, further ahead than is done by itself or for times that have passed."""
    body = request.body(_SCHEDULE)
    deployment_id = (await load(request, request.path["id"])).deployment_id
    await request.call(
        request.services.deployments.MakeScheduledRuns,
        deployment_pb2.MakeScheduledRunsRequest(
            deployment_id=deployment_id,
            start_at=scalars.to_timestamp(body["start_time"]),
            end_at=scalars.to_timestamp(body["end_time"]),
            least_span=scalars.to_duration(body["min_time"]),
            least_runs=body["min_runs"],
            most_runs=body["max_runs"],
        ),
    )
    return ok(None)


async def read_deployment_schedules(request: Request) -> Answer:
    """Return the schedules of a deployment."""
    deployment = await load(request, request.path["id"])
    return ok([schedule_json(schedule) for schedule in deployment.schedules])


async def create_deployment_schedules(request: Request) -> Answer:
    """Add schedules to a deployment."""
    given = fields.parse(
        {"schedules": Field(fields.list_of(schedules.schedule), required=True)}, {"schedules": request.json}
    )["schedules"]
    deployment = await load(request, request.path["id"])
    taken = {schedule.slug for schedule in deployment.schedules}
    created: list[dict[str, Any]] = []
    for body in given:
        message = schedules.message(body, taken)
        taken.add(message.slug)
        try:
            answer = await request.call(
                request.services.deployments.CreateSchedule,
                deployment_pb2.CreateScheduleRequest(deployment_id=deployment.deployment_id, schedule=message),
            )
        except errors.AlreadyExists:
            raise Refusal(409, "Schedule slugs must be unique within a deployment.") from None
        created.append(schedule_json(answer.schedule))
    return made(created)


async def update_deployment_schedule(request: Request) -> Answer:
    """Change a schedule of a deployment."""
    body = request.body(schedules.SCHEDULE_CHANGE_FIELDS)
    schedule = await _schedule(request)
    await request.call(
        request.services.deployments.UpdateSchedule,
        _update(changed_schedule(schedule, body), ("rule", "active", "parameters", "slug")),
    )
    return no_content()


def _update(schedule: deployment_pb2.Schedule, paths: Sequence[str]) -> deployment_pb2.UpdateScheduleRequest:
    message = deployment_pb2.UpdateScheduleRequest(schedule=schedule)
    message.update_mask.paths.extend(paths)
    return message


async def delete_deployment_schedule(request: Request) -> Answer:
    """Delete a schedule of a deployment."""
    schedule = await _schedule(request)
    await request.call(
        request.services.deployments.DeleteSchedule,
        deployment_pb2.DeleteScheduleRequest(schedule_id=schedule.schedule_id),
    )
    return no_content()


async def _schedule(request: Request) -> deployment_pb2.Schedule:
    deployment = await load(request, request.path["id"])
    for schedule in deployment.schedules:
        if schedule.schedule_id == request.path["schedule_id"]:
            return schedule
    raise not_found("Schedule")


ROUTES = (
    Route("POST", "/deployments/{id:uuid}/create_flow_run", create_flow_run_from_deployment),
    Route("POST", "/deployments/{id:uuid}/create_flow_run/bulk", bulk_create_flow_runs_from_deployment),
    Route("POST", "/deployments/{id:uuid}/schedule", schedule_deployment),
    Route("GET", "/deployments/{id:uuid}/schedules", read_deployment_schedules),
    Route("POST", "/deployments/{id:uuid}/schedules", create_deployment_schedules),
    Route("PATCH", "/deployments/{id:uuid}/schedules/{schedule_id:uuid}", update_deployment_schedule),
    Route("DELETE", "/deployments/{id:uuid}/schedules/{schedule_id:uuid}", delete_deployment_schedule),
)
