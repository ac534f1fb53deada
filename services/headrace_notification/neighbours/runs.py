"""What actions do to runs, through the services that own them."""

from __future__ import annotations

import datetime
import functools
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import grpc.aio
from google.protobuf.struct_pb2 import Struct

from headrace import errors
from headrace.api.v1 import (
    deployment_pb2,
    deployment_pb2_grpc,
    flow_run_pb2,
    flow_run_pb2_grpc,
    run_input_pb2,
    run_input_pb2_grpc,
    state_pb2,
    variable_pb2,
    variable_pb2_grpc,
)
from headrace_chassis.values import to_storable
from headrace_notification.neighbours.calling import TIMEOUT_SECONDS, call
from headrace_notification.neighbours.steering import Steering, answered, judged
from headrace_notification.rules.automations import (
    Action,
    CancelFlowRun,
    ChangeFlowRunState,
    RunDeployment,
    SendRunInput,
    Steer,
    SteerPlace,
    SteerSchedule,
)
from headrace_notification.rules.deliveries import Answer, Delivery, Result
from headrace_notification.rules.firings import CHAIN, chain_of
from headrace_notification.wire.values import moment, struct

MOST_VARIABLES = 200
"""Asked for at once."""


class NeighbourRuns:
    """Asks state and scheduler, on behalf of a workspace.

    Args:
        channel: Returns the channel to a service by name.
    """

    def __init__(self, channel: Callable[[str], grpc.aio.Channel]) -> None:
        self._channel = channel
        self._steering = Steering(channel)

    async def describe(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID) -> dict[str, Any] | None:
        """Return a flow run as templates see it, None if there is none.

        Raises:
            errors.HeadraceError: The state service does not tell.
        """
        stub = flow_run_pb2_grpc.FlowRunServiceStub(self._channel("state"))
        request = flow_run_pb2.GetFlowRunRequest(flow_run_id=str(flow_run_id))
        try:
            response = await call(
                workspace_id, "notification", lambda: stub.GetFlowRun(request, timeout=TIMEOUT_SECONDS)
            )
        except errors.NotFound:
            return None
        return _run_document(response.flow_run)

    async def variables(self, workspace_id: uuid.UUID, names: Sequence[str]) -> dict[str, Any]:
        """Return the values of those of these variables that there are.

        Raises:
            errors.HeadraceError: The state service does not tell.
        """
        stub = variable_pb2_grpc.VariableServiceStub(self._channel("state"))
        found: dict[str, Any] = {}
        for start in range(0, len(names), MOST_VARIABLES):
            part = names[start : start + MOST_VARIABLES]
            request = variable_pb2.ListVariablesRequest(names=part, page_size=MOST_VARIABLES)
            response = await call(
                workspace_id, "notification", functools.partial(stub.ListVariables, request, timeout=TIMEOUT_SECONDS)
            )
            found |= to_storable(Struct(fields={variable.name: variable.value for variable in response.variables}))
        return found

    async def do(self, delivery: Delivery, action: Action, target: uuid.UUID) -> Answer:
        """Do to `target` what the action says and return what came of it.

        The ids in the requests are made of the delivery's, so that a second try does nothing a second time.
        """
        match action:
            case RunDeployment():
                return await answered(delivery, lambda: self._run_deployment(delivery, action, target))
            case ChangeFlowRunState():
                return await answered(delivery, lambda: self._change_state(delivery, action, target))
            case CancelFlowRun():
                return await answered(delivery, lambda: self._cancel(delivery, target))
            case SendRunInput():
                return await answered(delivery, lambda: self._send_input(delivery, action, target))
        return Answer(Result.REFUSED, f"{delivery.action_kind} is not done by another service")

    async def steer(self, delivery: Delivery, action: Steer | SteerPlace | SteerSchedule) -> Answer:
        """Pause, resume or delete what the action names and return what came of it."""
        return await answered(delivery, lambda: self._steering.steer(delivery, action))

    async def _run_deployment(self, delivery: Delivery, action: RunDeployment, target: uuid.UUID) -> Answer:
        stub = deployment_pb2_grpc.DeploymentServiceStub(self._channel("scheduler"))
        request = deployment_pb2.RunDeploymentRequest(
            deployment_id=str(target),
            flow_run_id=str(delivery.delivery_id),
            parameters=struct(action.parameters),
            idempotency_key=f"automation:{delivery.dedup_key}",
        )
        if action.job_variables:
            request.job_variables.CopyFrom(struct(action.job_variables))
        if action.schedule_after_seconds:
            fired_at = datetime.datetime.fromisoformat(delivery.context["firing"]["at"])
            request.scheduled_at.FromDatetime(fired_at + datetime.timedelta(seconds=action.schedule_after_seconds))
        # What the run leads to must not make this automation, or those before it, start another.
        chain = (*chain_of(delivery.context["event"]), str(delivery.automation_id))
        request.labels.update({CHAIN: ",".join(dict.fromkeys(chain))})
        response = await stub.RunDeployment(request, timeout=TIMEOUT_SECONDS)
        return Answer(Result.DONE, f"started flow run {response.flow_run.flow_run_id}")

    async def _change_state(self, delivery: Delivery, action: ChangeFlowRunState, target: uuid.UUID) -> Answer:
        stub = flow_run_pb2_grpc.FlowRunServiceStub(self._channel("state"))
        state = state_pb2.State(
            state_id=str(delivery.delivery_id),
            type=state_pb2.StateType.Value(f"STATE_TYPE_{action.type}"),
            name=action.name,
            message=action.message,
        )
        response = await stub.ProposeFlowRunState(
            flow_run_pb2.ProposeFlowRunStateRequest(flow_run_id=str(target), state=state, force=action.force),
            timeout=TIMEOUT_SECONDS,
        )
        return judged(response.verdict)

    async def _cancel(self, delivery: Delivery, target: uuid.UUID) -> Answer:
        stub = flow_run_pb2_grpc.FlowRunServiceStub(self._channel("state"))
        response = await stub.CancelFlowRun(
            flow_run_pb2.CancelFlowRunRequest(
                flow_run_id=str(target),
                request_id=str(delivery.delivery_id),
                reason=f"cancelled by the automation {delivery.automation_name}"[:2000],
            ),
            timeout=TIMEOUT_SECONDS,
        )
        return judged(response.verdict)

    async def _send_input(self, delivery: Delivery, action: SendRunInput, target: uuid.UUID) -> Answer:
        stub = run_input_pb2_grpc.RunInputServiceStub(self._channel("state"))
        request = run_input_pb2.CreateRunInputRequest(
            flow_run_id=str(target),
            key=action.key,
            sender=f"headrace.automation.{delivery.automation_id}",
        )
        request.value.struct_value.CopyFrom(struct(delivery.context["event"] or {}))
        response = await stub.CreateRunInput(request, timeout=TIMEOUT_SECONDS)
        return Answer(Result.DONE, "sent" if response.created else "an input with this key was there already")


def _run_document(run: flow_run_pb2.FlowRun) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": run.flow_run_id,
        "name": run.name,
        "flow": {"id": run.flow_id, "name": run.flow_name},
        "flow_id": run.flow_id,
        "deployment_id": run.deployment_id,
        "deployment": {"id": run.deployment_id, "name": run.deployment_name},
        "work_pool": {"id": run.work_pool_id, "name": run.work_pool_name},
        "work_queue": {"id": run.work_queue_id, "name": run.work_queue_name},
        "state": {
            "type": state_pb2.StateType.Name(run.state.type).removeprefix("STATE_TYPE_"),
            "name": run.state.name,
            "message": run.state.message,
            "occurred_at": moment(run.state.occurred_at).isoformat(),
            "traceback": run.state.details.traceback,
        },
        "parameters": to_storable(run.parameters),
        "tags": list(run.tags),
        "labels": to_storable(run.labels),
        "run_count": run.run_count,
        "attempt": run.attempt,
        "worker_name": run.worker_name,
        "total_run_seconds": run.total_run_time.ToTimedelta().total_seconds(),
    }
    for name in ("created_at", "expected_start_at", "started_at", "ended_at"):
        document[name] = moment(getattr(run, name)).isoformat() if run.HasField(name) else None
    return document
