"""`FlowService`."""

from __future__ import annotations

from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import flow_pb2, flow_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.pages import asked_page
from headrace_state.repository.flows import Deployments, Flows
from headrace_state.servicers.masks import masked
from headrace_state.usecases.flows import delete_flow
from headrace_state.wire import filters, flows, values

Context = grpc.aio.ServicerContext[Any, Any]

_CHANGEABLE = ("description", "tags", "labels")


class FlowServicer(flow_pb2_grpc.FlowServiceServicer):
    """Keeps the flows of a workspace."""

    def __init__(self, stored: Flows, deployments: Deployments) -> None:
        self._flows = stored
        self._deployments = deployments

    async def CreateFlow(self, request: flow_pb2.CreateFlowRequest, context: Context) -> flow_pb2.CreateFlowResponse:
        """Create a flow, or return the one that has the name already."""
        row, created = await self._flows.create(current_caller().workspace_id, flows.to_new_flow(request))
        return flow_pb2.CreateFlowResponse(flow=flows.flow(row), created=created)

    async def GetFlow(self, request: flow_pb2.GetFlowRequest, context: Context) -> flow_pb2.GetFlowResponse:
        """Return one flow."""
        flow_id = values.to_id(request.flow_id, "flow_id")
        row = await self._flows.load(current_caller().workspace_id, flow_id)
        if row is None:
            raise errors.NotFound(f"there is no flow {flow_id}")
        return flow_pb2.GetFlowResponse(flow=flows.flow(row))

    async def ListFlows(self, request: flow_pb2.ListFlowsRequest, context: Context) -> flow_pb2.ListFlowsResponse:
        """Return a page of flows."""
        workspace_id = current_caller().workspace_id
        if request.sort not in flow_pb2.FlowSort.values():
            raise errors.InvalidArgument.of_field("sort", "must be an order of flows")
        sort = flow_pb2.FlowSort.ValueType(request.sort or flow_pb2.FLOW_SORT_CREATED_DESC)
        order = flow_pb2.FlowSort.Name(sort).removeprefix("FLOW_SORT_")
        page = asked_page(request, workspace_id, request.filter, order)
        chosen = filters.to_flow_filter(request.filter)
        rows, key = await self._flows.list_page(workspace_id, chosen, order, page.after, page.size)
        return flow_pb2.ListFlowsResponse(flows=[flows.flow(row) for row in rows], next_page_token=page.next_token(key))

    async def UpdateFlow(self, request: flow_pb2.UpdateFlowRequest, context: Context) -> flow_pb2.UpdateFlowResponse:
        """Change the named fields of a flow."""
        flow_id = values.to_id(request.flow.flow_id, "flow.flow_id")
        fields = masked(request.flow, request.update_mask, _CHANGEABLE)
        changes = flows.to_changes(request.flow, fields)
        row = await self._flows.update(current_caller().workspace_id, flow_id, changes)
        if row is None:
            raise errors.NotFound(f"there is no flow {flow_id}")
        return flow_pb2.UpdateFlowResponse(flow=flows.flow(row))

    async def DeleteFlow(self, request: flow_pb2.DeleteFlowRequest, context: Context) -> flow_pb2.DeleteFlowResponse:
        """Delete a flow with its runs."""
        flow_id = values.to_id(request.flow_id, "flow_id")
        await delete_flow(self._flows, self._deployments, current_caller().workspace_id, flow_id)
        return flow_pb2.DeleteFlowResponse()
