"""What the log service asks of the others."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

import grpc
import grpc.aio

from headrace import errors
from headrace.api.v1 import flow_run_pb2, flow_run_pb2_grpc, state_pb2
from headrace.rpc.status import from_rpc_error
from headrace_chassis.caller import set_caller
from headrace_chassis.resolving import service_caller
from headrace_log.rules.records import fault_of_family

MOST_IDS = 500
MOST_PARENTS = 100

_TIMEOUT_SECONDS = 10.0

FINAL = frozenset(
    {
        state_pb2.STATE_TYPE_CANCELLED,
        state_pb2.STATE_TYPE_COMPLETED,
        state_pb2.STATE_TYPE_FAILED,
        state_pb2.STATE_TYPE_CRASHED,
    }
)


class StateFinality:
    """Knows from the state service whether runs are over.

    Args:
        channel: Returns the channel to a service by name; calls carry the caller in progress.
    """

    def __init__(self, channel: Callable[[str], grpc.aio.Channel]) -> None:
        self._channel = channel

    async def all_final(self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]) -> bool:
        """Return whether every one of the flow runs is final or does not exist.

        The call in progress says for whom it is asked; `workspace_id` is its workspace.

        Raises:
            errors.Unavailable: The state service does not answer.
        """
        stub = flow_run_pb2_grpc.FlowRunServiceStub(self._channel("state"))
        for start in range(0, len(flow_run_ids), MOST_IDS):
            request = flow_run_pb2.BatchGetFlowRunsRequest(
                flow_run_ids=[str(run) for run in flow_run_ids[start : start + MOST_IDS]]
            )
            try:
                response = await stub.BatchGetFlowRuns(request, timeout=_TIMEOUT_SECONDS)
            except grpc.aio.AioRpcError as error:
                cause = from_rpc_error(error)
                raise errors.Unavailable(f"the state service does not tell about runs: {cause}") from error
            if any(run.state.type not in FINAL for run in response.flow_runs):
                return False
        return True


class StateFamilies:
    """Knows from the state service which runs are below others.

    Args:
        channel: Returns the channel to a service by name; calls carry the caller in progress.
    """

    def __init__(self, channel: Callable[[str], grpc.aio.Channel]) -> None:
        self._channel = channel

    async def with_children(self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]) -> tuple[uuid.UUID, ...]:
        """Return the flow runs and all below them.

        The call in progress says for whom it is asked; `workspace_id` is its workspace.

        Raises:
            errors.InvalidArgument: They are too many.
            errors.Unavailable: The state service does not answer.
        """
        stub = flow_run_pb2_grpc.FlowRunServiceStub(self._channel("state"))
        found = dict.fromkeys(flow_run_ids)
        parents = list(found)
        while parents:
            request = flow_run_pb2.ListFlowRunsRequest(
                filter=flow_run_pb2.FlowRunFilter(parent_flow_run_ids=[str(run) for run in parents[:MOST_PARENTS]]),
                page_size=200,
            )
            parents = parents[MOST_PARENTS:]
            while True:
                try:
                    response = await stub.ListFlowRuns(request, timeout=_TIMEOUT_SECONDS)
                except grpc.aio.AioRpcError as error:
                    cause = from_rpc_error(error)
                    raise errors.Unavailable(f"the state service does not tell about runs: {cause}") from error
                new = [child for run in response.flow_runs if (child := uuid.UUID(run.flow_run_id)) not in found]
                found.update(dict.fromkeys(new))
                parents += new
                if (fault := fault_of_family(len(found))) is not None:
                    raise errors.InvalidArgument.of_field("filter.with_children", fault)
                if not response.next_page_token:
                    break
                request.page_token = response.next_page_token
        return tuple(found)

    async def parents(
        self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]
    ) -> dict[uuid.UUID, uuid.UUID | None]:
        """Return above each of the flow runs that exist which one stands, None for those that stand by themselves.

        The call in progress says for whom it is asked; `workspace_id` is its workspace.

        Raises:
            errors.Unavailable: The state service does not answer.
        """
        runs = await self._load(flow_run_ids)
        return {uuid.UUID(run.flow_run_id): _id(run.parent_flow_run_id) for run in runs}

    async def makers(
        self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]
    ) -> dict[uuid.UUID, uuid.UUID | None]:
        """Return what `parents` does, and for those without a parent which flow run made them.

        Raises:
            errors.Unavailable: The state service does not answer.
        """
        return {uuid.UUID(run.flow_run_id): _maker(run) for run in await self._load(flow_run_ids)}

    async def _load(self, flow_run_ids: Sequence[uuid.UUID]) -> list[flow_run_pb2.FlowRun]:
        stub = flow_run_pb2_grpc.FlowRunServiceStub(self._channel("state"))
        found: list[flow_run_pb2.FlowRun] = []
        for start in range(0, len(flow_run_ids), MOST_IDS):
            request = flow_run_pb2.BatchGetFlowRunsRequest(
                flow_run_ids=[str(run) for run in flow_run_ids[start : start + MOST_IDS]]
            )
            try:
                response = await stub.BatchGetFlowRuns(request, timeout=_TIMEOUT_SECONDS)
            except grpc.aio.AioRpcError as error:
                cause = from_rpc_error(error)
                raise errors.Unavailable(f"the state service does not tell about runs: {cause}") from error
            found += response.flow_runs
        return found


def _maker(run: flow_run_pb2.FlowRun) -> uuid.UUID | None:
    if run.parent_flow_run_id or run.creator.kind != state_pb2.CREATOR_KIND_FLOW_RUN:
        return _id(run.parent_flow_run_id)
    return _id(run.creator.creator_id)


def _id(text: str) -> uuid.UUID | None:
    return uuid.UUID(text) if text else None


class StateDeployments:
    """Knows from the state service which deployments runs are of.

    Args:
        channel: Returns the channel to a service by name.
    """

    def __init__(self, channel: Callable[[str], grpc.aio.Channel]) -> None:
        self._channel = channel

    async def deployments(self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
        """Return the deployments of those runs that have one.

        Raises:
            errors.Unavailable: The state service does not answer.
        """
        stub = flow_run_pb2_grpc.FlowRunServiceStub(self._channel("state"))
        found: dict[uuid.UUID, str] = {}
        token = set_caller(service_caller("log", workspace_id))
        try:
            for start in range(0, len(flow_run_ids), MOST_IDS):
                request = flow_run_pb2.BatchGetFlowRunsRequest(
                    flow_run_ids=[str(run) for run in flow_run_ids[start : start + MOST_IDS]]
                )
                response = await stub.BatchGetFlowRuns(request, timeout=_TIMEOUT_SECONDS)
                found.update(
                    (uuid.UUID(run.flow_run_id), run.deployment_id) for run in response.flow_runs if run.deployment_id
                )
        except grpc.aio.AioRpcError as error:
            raise errors.Unavailable(f"the state service does not tell about runs: {from_rpc_error(error)}") from error
        finally:
            token.var.reset(token)
        return found
