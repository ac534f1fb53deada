"""The gRPC services behind the adapter, each typed by its generated stub.

A handler calls `await request.call(request.services.flows.GetFlow, GetFlowRequest(...))`, so that a call carries who
asks, has a deadline, and fails as an error of `headrace.errors`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc.aio

from headrace.api.v1 import (
    artifact_pb2_grpc,
    automation_pb2_grpc,
    background_task_pb2_grpc,
    block_pb2_grpc,
    bulk_operation_pb2_grpc,
    channel_pb2_grpc,
    concurrency_pb2_grpc,
    deployment_pb2_grpc,
    event_pb2_grpc,
    flow_pb2_grpc,
    flow_run_pb2_grpc,
    log_pb2_grpc,
    run_input_pb2_grpc,
    run_insight_pb2_grpc,
    sign_in_pb2_grpc,
    system_pb2_grpc,
    task_run_pb2_grpc,
    variable_pb2_grpc,
    work_pool_pb2_grpc,
    worker_pb2_grpc,
    workspace_pb2_grpc,
)
from headrace_gateway.backends import Metadata
from headrace_gateway.joining import FLOW_RUNS, Call, Joiner


class Services:
    """Stubs of the services.

    Args:
        channel: Returns the channel to a service by name, and to `SystemService` as "system"; it adds no credential.
        deadline_seconds: How long calls may take that are made for several requests.
    """

    def __init__(self, channel: Callable[[str], grpc.aio.Channel], deadline_seconds: float = 30.0) -> None:
        state, scheduler, notification = channel("state"), channel("scheduler"), channel("notification")
        self.flows: flow_pb2_grpc.FlowServiceAsyncStub = flow_pb2_grpc.FlowServiceStub(state)
        self.flow_runs: flow_run_pb2_grpc.FlowRunServiceAsyncStub = flow_run_pb2_grpc.FlowRunServiceStub(state)
        self.task_runs: task_run_pb2_grpc.TaskRunServiceAsyncStub = task_run_pb2_grpc.TaskRunServiceStub(state)
        self.record: task_run_pb2_grpc.RecordServiceAsyncStub = task_run_pb2_grpc.RecordServiceStub(state)
        self.run_inputs: run_input_pb2_grpc.RunInputServiceAsyncStub = run_input_pb2_grpc.RunInputServiceStub(state)
        self.insight: run_insight_pb2_grpc.RunInsightServiceAsyncStub = run_insight_pb2_grpc.RunInsightServiceStub(
            state
        )
        self.bulk_operations: bulk_operation_pb2_grpc.BulkOperationServiceAsyncStub = (
            bulk_operation_pb2_grpc.BulkOperationServiceStub(state)
        )
        self.background_tasks: background_task_pb2_grpc.BackgroundTaskServiceAsyncStub = (
            background_task_pb2_grpc.BackgroundTaskServiceStub(state)
        )
        self.concurrency: concurrency_pb2_grpc.ConcurrencyServiceAsyncStub = (
            concurrency_pb2_grpc.ConcurrencyServiceStub(state)
        )
        self.artifacts: artifact_pb2_grpc.ArtifactServiceAsyncStub = artifact_pb2_grpc.ArtifactServiceStub(state)
        self.variables: variable_pb2_grpc.VariableServiceAsyncStub = variable_pb2_grpc.VariableServiceStub(state)
        self.blocks: block_pb2_grpc.BlockServiceAsyncStub = block_pb2_grpc.BlockServiceStub(state)
        self.deployments: deployment_pb2_grpc.DeploymentServiceAsyncStub = deployment_pb2_grpc.DeploymentServiceStub(
            scheduler
        )
        self.work_pools: work_pool_pb2_grpc.WorkPoolServiceAsyncStub = work_pool_pb2_grpc.WorkPoolServiceStub(scheduler)
        self.workers: worker_pb2_grpc.WorkerServiceAsyncStub = worker_pb2_grpc.WorkerServiceStub(scheduler)
        self.logs: log_pb2_grpc.LogServiceAsyncStub = log_pb2_grpc.LogServiceStub(channel("log"))
        self.events: event_pb2_grpc.EventServiceAsyncStub = event_pb2_grpc.EventServiceStub(notification)
        self.automations: automation_pb2_grpc.AutomationServiceAsyncStub = automation_pb2_grpc.AutomationServiceStub(
            notification
        )
        self.channels: channel_pb2_grpc.ChannelServiceAsyncStub = channel_pb2_grpc.ChannelServiceStub(notification)
        self.workspaces: workspace_pb2_grpc.WorkspaceServiceAsyncStub = workspace_pb2_grpc.WorkspaceServiceStub(
            channel("identity")
        )
        self.sign_in: sign_in_pb2_grpc.SignInServiceAsyncStub = sign_in_pb2_grpc.SignInServiceStub(channel("identity"))
        self.systems: system_pb2_grpc.SystemServiceAsyncStub = system_pb2_grpc.SystemServiceStub(channel("system"))
        self.joined_flow_runs = Joiner(
            FLOW_RUNS,
            _bounded(self.flow_runs.GetFlowRun, deadline_seconds),
            _bounded(self.flow_runs.BatchGetFlowRuns, deadline_seconds),
        )
        """Gets flow runs, those that are asked for at the same time in one call."""


def _bounded(method: grpc.aio.UnaryUnaryMultiCallable[Any, Any], deadline_seconds: float) -> Call:
    async def call(message: Any, metadata: Metadata) -> Any:
        return await method(message, metadata=metadata, timeout=deadline_seconds)

    return call
