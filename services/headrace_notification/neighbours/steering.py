"""Actions that pause, resume and delete, through the services that own what they are done to."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

import grpc.aio
from google.protobuf.field_mask_pb2 import FieldMask

from headrace.api.v1 import (
    deployment_pb2,
    deployment_pb2_grpc,
    flow_run_pb2,
    flow_run_pb2_grpc,
    state_pb2,
    work_pool_pb2,
    work_pool_pb2_grpc,
)
from headrace.rpc.status import from_rpc_error
from headrace_chassis.caller import set_caller
from headrace_chassis.resolving import service_caller
from headrace_notification.neighbours.calling import TIMEOUT_SECONDS, may_pass
from headrace_notification.rules.automations import Steer, SteerPlace, SteerSchedule
from headrace_notification.rules.deliveries import Answer, Delivery, Result

DONE = Answer(Result.DONE, "done")


async def answered(delivery: Delivery, do: Callable[[], Awaitable[Answer]]) -> Answer:
    """Call another service as the automation of a delivery, and return what came of it."""
    caller = service_caller(str(delivery.automation_id), delivery.workspace_id)
    token = set_caller(dataclasses.replace(caller, display_name=delivery.automation_name))
    try:
        return await do()
    except grpc.aio.AioRpcError as failure:
        error = from_rpc_error(failure)
        return Answer(Result.AGAIN if may_pass(error) else Result.REFUSED, f"{error.reason}: {error}")
    finally:
        token.var.reset(token)


def judged(verdict: state_pb2.Verdict) -> Answer:
    """Return what a verdict of the state service means for a delivery."""
    match verdict.WhichOneof("verdict"):
        case "accepted":
            return Answer(Result.DONE, f"accepted: {verdict.accepted.state.name}")
        case "rejected":
            return Answer(Result.REFUSED, f"{verdict.rejected.code}: {verdict.rejected.reason}")
        case "wait":
            delay = verdict.wait.delay.ToTimedelta().total_seconds()
            return Answer(Result.AGAIN, f"{verdict.wait.code}: {verdict.wait.reason}", retry_after_seconds=delay)
        case "aborted":
            return Answer(Result.REFUSED, f"{verdict.aborted.code}: {verdict.aborted.reason}")
    return Answer(Result.REFUSED, "the state service gave no verdict")


class Steering:
    """Pauses, resumes and deletes. Doing it twice is the same as doing it once.

    Args:
        channel: Returns the channel to a service by name.
    """

    def __init__(self, channel: Callable[[str], grpc.aio.Channel]) -> None:
        self._channel = channel

    async def steer(self, delivery: Delivery, action: Steer | SteerPlace | SteerSchedule) -> Answer:
        """Do what the action says; it names what it is done to."""
        match action:
            case SteerPlace():
                return await self._place(action)
            case SteerSchedule():
                return await self._schedule(action)
            case Steer(kind="pause_deployment" | "resume_deployment"):
                return await self._deployment(action)
        return await self._flow_run(delivery, action)

    async def _deployment(self, action: Steer) -> Answer:
        stub = deployment_pb2_grpc.DeploymentServiceStub(self._channel("scheduler"))
        deployment_id = str(action.target_id)
        if action.kind == "pause_deployment":
            await stub.PauseDeployment(
                deployment_pb2.PauseDeploymentRequest(deployment_id=deployment_id), timeout=TIMEOUT_SECONDS
            )
        else:
            await stub.ResumeDeployment(
                deployment_pb2.ResumeDeploymentRequest(deployment_id=deployment_id), timeout=TIMEOUT_SECONDS
            )
        return DONE

    async def _place(self, action: SteerPlace) -> Answer:
        stub = work_pool_pb2_grpc.WorkPoolServiceStub(self._channel("scheduler"))
        is_paused, mask = action.kind.startswith("pause"), FieldMask(paths=["paused"])
        if action.kind.endswith("pool"):
            pool = work_pool_pb2.WorkPool(name=action.work_pool_name, paused=is_paused)
            await stub.UpdateWorkPool(
                work_pool_pb2.UpdateWorkPoolRequest(work_pool=pool, update_mask=mask), timeout=TIMEOUT_SECONDS
            )
        else:
            queue = work_pool_pb2.WorkQueue(name=action.work_queue_name, paused=is_paused)
            await stub.UpdateWorkQueue(
                work_pool_pb2.UpdateWorkQueueRequest(
                    work_pool_name=action.work_pool_name, work_queue=queue, update_mask=mask
                ),
                timeout=TIMEOUT_SECONDS,
            )
        return DONE

    async def _schedule(self, action: SteerSchedule) -> Answer:
        stub = deployment_pb2_grpc.DeploymentServiceStub(self._channel("scheduler"))
        request = deployment_pb2.GetDeploymentRequest(deployment_id=str(action.deployment_id))
        deployment = (await stub.GetDeployment(request, timeout=TIMEOUT_SECONDS)).deployment
        for schedule in deployment.schedules:
            if schedule.schedule_id == str(action.schedule_id):
                schedule.active = action.kind == "resume_schedule"
                await stub.UpdateSchedule(
                    deployment_pb2.UpdateScheduleRequest(schedule=schedule, update_mask=FieldMask(paths=["active"])),
                    timeout=TIMEOUT_SECONDS,
                )
                return DONE
        return Answer(Result.REFUSED, f"the deployment {deployment.name} has no schedule {action.schedule_id}")

    async def _flow_run(self, delivery: Delivery, action: Steer) -> Answer:
        stub = flow_run_pb2_grpc.FlowRunServiceStub(self._channel("state"))
        flow_run_id, request_id = str(action.target_id), str(delivery.delivery_id)
        reason = f"by the automation {delivery.automation_name}"[:2000]
        match action.kind:
            case "suspend_flow_run":
                suspended = await stub.SuspendFlowRun(
                    flow_run_pb2.SuspendFlowRunRequest(flow_run_id=flow_run_id, request_id=request_id, reason=reason),
                    timeout=TIMEOUT_SECONDS,
                )
                return judged(suspended.verdict)
            case "resume_flow_run":
                resumed = await stub.ResumeFlowRun(
                    flow_run_pb2.ResumeFlowRunRequest(flow_run_id=flow_run_id, request_id=request_id, reason=reason),
                    timeout=TIMEOUT_SECONDS,
                )
                return judged(resumed.verdict)
            case "delete_flow_run":
                await stub.DeleteFlowRun(
                    flow_run_pb2.DeleteFlowRunRequest(flow_run_id=flow_run_id), timeout=TIMEOUT_SECONDS
                )
                return DONE
        return Answer(Result.REFUSED, f"{action.kind} is not done by another service")
