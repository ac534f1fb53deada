"""What workers say and are told, to and from the wire."""

from __future__ import annotations

import uuid

from headrace import errors
from headrace.api.v1 import flow_run_pb2, state_pb2
from headrace.api.v1 import worker_pb2 as pb
from headrace_scheduler.rules.runs import AttemptRef
from headrace_scheduler.rules.work_pool import Worker, WorkerStatus
from headrace_scheduler.rules.worker_stream import (
    Assigned,
    Assignment,
    Cancel,
    Drain,
    Hello,
    LeasesRenewed,
    Lost,
    Outgoing,
    Pause,
    PoolChanged,
    Result,
    ResultStored,
    Resume,
)
from headrace_scheduler.wire import deployments, pools, values

MOST_CAPACITY = 10_000
MOST_DEPLOYMENTS = 1_000


def to_hello(message: pb.WorkerHello, workspace_id: uuid.UUID) -> Hello:
    """Return how a worker introduces itself.

    Raises:
        errors.InvalidArgument: It does so wrongly.
    """
    deployment_ids = values.to_ids(message.deployment_ids, "hello.deployment_ids")
    faults = []
    if bool(message.work_pool_name) == bool(deployment_ids):
        faults.append(errors.FieldViolation("hello.work_pool_name", "give either this or deployment_ids"))
    if len(deployment_ids) > MOST_DEPLOYMENTS:
        faults.append(errors.FieldViolation("hello.deployment_ids", f"must be at most {MOST_DEPLOYMENTS}"))
    if not 1 <= message.capacity <= MOST_CAPACITY:
        faults.append(errors.FieldViolation("hello.capacity", f"must be from 1 to {MOST_CAPACITY}"))
    if not message.name or len(message.name) > 255:
        faults.append(errors.FieldViolation("hello.name", "must have 1 to 255 characters"))
    if faults:
        raise errors.InvalidArgument(violations=faults)
    # The times are the database's to say.
    worker = Worker(
        worker_id=values.to_id(message.worker_id, "hello.worker_id"),
        workspace_id=workspace_id,
        name=message.name,
        work_pool_id=None,
        work_pool_name=message.work_pool_name,
        work_queue_names=tuple(message.work_queue_names),
        deployment_ids=deployment_ids,
        type=message.type,
        status=WorkerStatus.PAUSED if message.paused else WorkerStatus.ONLINE,
        capacity=message.capacity,
        flow_run_ids=values.to_ids((run.flow_run_id for run in message.held), "hello.held"),
        labels=values.to_object(message.labels, "hello.labels"),
        client_version=message.client_version,
        host=message.host,
        started_at=values.EPOCH,
        last_heartbeat_at=values.EPOCH,
    )
    return Hello(worker, message.create_pool)


def to_result(message: pb.WorkerResult) -> Result:
    """Return how an assignment ended in the eyes of its worker.

    Raises:
        errors.InvalidArgument: It says so wrongly.
    """
    flow_run_id = values.to_id(message.flow_run_id, "result.flow_run_id")
    values.to_id(message.attempt_token, "result.attempt_token")
    outcome = pb.WorkerOutcome.Name(message.outcome).removeprefix("WORKER_OUTCOME_")
    return Result(
        attempt=AttemptRef(flow_run_id, message.attempt_token),
        outcome=outcome,
        exit_code=message.exit_code if message.HasField("exit_code") else None,
        message=message.message,
    )


def from_outgoing(message: Outgoing) -> pb.ConnectResponse:
    """Return what a worker is told as a message, without its sequence number."""
    match message:
        case Assigned():
            assignments = [_from_assignment(assignment) for assignment in message.assignments]
            return pb.ConnectResponse(assignments=pb.Assignments(assignments=assignments))
        case Cancel():
            cancel = pb.CancelAssignment(
                flow_run_id=str(message.attempt.flow_run_id),
                attempt_token=message.attempt.token,
                grace=values.from_seconds(message.grace_seconds),
                reason=message.reason,
            )
            return pb.ConnectResponse(cancel=cancel)
        case LeasesRenewed():
            renewed = pb.LeasesRenewed(
                lease_expires_at=values.from_time(message.lease_expires_at),
                flow_run_ids=[str(flow_run_id) for flow_run_id in message.flow_run_ids],
            )
            return pb.ConnectResponse(renewed=renewed)
        case Lost():
            state = message.state if isinstance(message.state, state_pb2.State) else None
            lost = pb.AssignmentLost(
                flow_run_id=str(message.attempt.flow_run_id),
                attempt_token=message.attempt.token,
                reason=message.reason,
                state=state,
            )
            return pb.ConnectResponse(lost=lost)
        case Drain():
            return pb.ConnectResponse(drain=pb.DrainRequest(reason=message.reason))
        case Pause():
            return pb.ConnectResponse(pause=pb.PauseRequest(reason=message.reason))
        case Resume():
            return pb.ConnectResponse(resume=pb.ResumeRequest())
        case ResultStored():
            attempt = message.attempt
            stored = pb.ResultStored(flow_run_id=str(attempt.flow_run_id), attempt_token=attempt.token)
            return pb.ConnectResponse(result_stored=stored)
        case PoolChanged():
            return pb.ConnectResponse(work_pool=pools.from_pool(message.pool))


def _from_assignment(assignment: Assignment) -> pb.Assignment:
    assert isinstance(assignment.flow_run, flow_run_pb2.FlowRun)
    assert isinstance(assignment.attempt_message, flow_run_pb2.Attempt)
    return pb.Assignment(
        flow_run=assignment.flow_run,
        attempt=assignment.attempt_message,
        content=deployments.from_content(assignment.content),
        concurrency=deployments.from_concurrency(assignment.concurrency),
        job_configuration=values.from_object(assignment.job_configuration),
        acknowledge_by=values.from_time(assignment.acknowledge_by),
    )
