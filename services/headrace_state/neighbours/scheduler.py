"""The scheduler over gRPC."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import grpc
import grpc.aio

from headrace.api.v1 import deployment_pb2, deployment_pb2_grpc
from headrace.rpc import status

CALL_SECONDS = 5.0


class SchedulerClient:
    """What the state service asks of the scheduler; see `repository.flows.Deployments`.

    Args:
        channel: Returns the channel to the scheduler. It is opened when something is asked, so that the state
            service runs without a scheduler as long as nothing is.
    """

    def __init__(self, channel: Callable[[], grpc.aio.Channel]) -> None:
        self._channel = channel

    async def find_of_flow(self, flow_id: uuid.UUID) -> str | None:
        """Return the name of a deployment of a flow, None if there is none; for the caller of the call in progress."""
        stub = deployment_pb2_grpc.DeploymentServiceStub(self._channel())
        request = deployment_pb2.ListDeploymentsRequest(
            filter=deployment_pb2.DeploymentFilter(flow_ids=[str(flow_id)]), page_size=1
        )
        try:
            response = await stub.ListDeployments(request, timeout=CALL_SECONDS)
        except grpc.RpcError as error:
            raise status.from_rpc_error(error) from error
        return response.deployments[0].name if response.deployments else None
