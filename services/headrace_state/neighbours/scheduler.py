"""The scheduler over gRPC."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import grpc
import grpc.aio

from headrace import errors
from headrace.api.v1 import deployment_pb2, deployment_pb2_grpc, work_pool_pb2, work_pool_pb2_grpc
from headrace.rpc import status
from headrace_state.rules.wishes import PoolPlace

CALL_SECONDS = 5.0
DEFAULT_QUEUE = "default"
"""The queue of a pool that is meant where none is named."""

_PAGE = 200


class SchedulerClient:
    """What the state service asks of the scheduler; see `repository.flows.Deployments` and `repository.pools.Pools`.

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

    async def find_place(self, pool_name: str, queue_name: str) -> PoolPlace:
        """Return a queue of a pool, the default one without a name; for the caller of the call in progress."""
        wanted = queue_name or DEFAULT_QUEUE
        stub = work_pool_pb2_grpc.WorkPoolServiceStub(self._channel())
        request = work_pool_pb2.ListWorkQueuesRequest(work_pool_name=pool_name, page_size=_PAGE)
        while True:
            try:
                response = await stub.ListWorkQueues(request, timeout=CALL_SECONDS)
            except grpc.RpcError as error:
                raise status.from_rpc_error(error) from error
            for queue in response.work_queues:
                if queue.name == wanted:
                    return PoolPlace(
                        uuid.UUID(queue.work_pool_id), pool_name, uuid.UUID(queue.work_queue_id), queue.name
                    )
            if not response.next_page_token:
                raise errors.NotFound(f"there is no work queue {wanted} in the work pool {pool_name}")
            request.page_token = response.next_page_token
