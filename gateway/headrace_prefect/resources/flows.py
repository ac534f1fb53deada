"""Flows."""

from __future__ import annotations

from typing import Any

from headrace import errors
from headrace.api.v1 import flow_pb2
from headrace_prefect import lists
from headrace_prefect.answers import Answer, made, no_content, not_found, ok
from headrace_prefect.bodies import fields
from headrace_prefect.bodies.fields import Field, Fields
from headrace_prefect.filters.joins import JOINED, flow_filter
from headrace_prefect.paging import paginated, window
from headrace_prefect.request import Request
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes.flows import flow_json
from headrace_prefect.shapes.scalars import to_struct

_CREATE: Fields = {
    "name": Field(fields.name, required=True),
    "tags": Field(fields.strings, default=list),
    "labels": Field(fields.json_object),
}
_UPDATE: Fields = {"tags": Field(fields.strings, default=list)}
_SORTS = {
    "CREATED_DESC": flow_pb2.FLOW_SORT_CREATED_DESC,
    "UPDATED_DESC": flow_pb2.FLOW_SORT_UPDATED_DESC,
    "NAME_ASC": flow_pb2.FLOW_SORT_NAME_ASC,
    "NAME_DESC": flow_pb2.FLOW_SORT_NAME_DESC,
}
_LIST: Fields = {
    **JOINED,
    "sort": Field(fields.one_of(_SORTS), default="NAME_ASC"),
    "limit": Field(fields.integer),
    "offset": Field(fields.at_least(0), default=0),
    "page": Field(fields.at_least(1), default=1),
}
_MOST_DELETED = 50


async def create_flow(request: Request) -> Answer:
    """Create a flow, or find the one with the name."""
    body = request.body(_CREATE)
    asked = flow_pb2.CreateFlowRequest(name=body["name"], tags=body["tags"], labels=to_struct(body["labels"]))
    response = await request.call(request.services.flows.CreateFlow, asked)
    return made(flow_json(response.flow), response.created)


async def update_flow(request: Request) -> Answer:
    """Change the tags of a flow."""
    body = request.body(_UPDATE)
    if not body.given:
        return await _exists(request)
    asked = flow_pb2.UpdateFlowRequest(flow=flow_pb2.Flow(flow_id=request.path["id"], tags=body["tags"]))
    asked.update_mask.paths.extend(body.given)
    await _or_not_found(request, request.services.flows.UpdateFlow, asked)
    return no_content()


async def _exists(request: Request) -> Answer:
    await read_flow(request)
    return no_content()


async def read_flow(request: Request) -> Answer:
    """Return a flow."""
    asked = flow_pb2.GetFlowRequest(flow_id=request.path["id"])
    return ok(flow_json((await _or_not_found(request, request.services.flows.GetFlow, asked)).flow))


async def read_flow_by_name(request: Request) -> Answer:
    """Return the flow with a name."""
    chosen = flow_pb2.FlowFilter(names=[request.path["name"]])
    page = await request.call(request.services.flows.ListFlows, flow_pb2.ListFlowsRequest(filter=chosen, page_size=1))
    if not page.flows:
        raise not_found("Flow")
    return ok(flow_json(page.flows[0]))


async def delete_flow(request: Request) -> Answer:
    """Delete a flow with its runs."""
    asked = flow_pb2.DeleteFlowRequest(flow_id=request.path["id"])
    await _or_not_found(request, request.services.flows.DeleteFlow, asked)
    return no_content()


async def filter_flows(request: Request) -> Answer:
    """Return the flows that filters choose."""
    body = request.body(_LIST)
    limit = request.limit(body)
    flows = await _list(request, body, body["offset"], limit)
    return ok([flow_json(flow) for flow in flows])


async def paginate_flows(request: Request) -> Answer:
    """Return a page of the flows that filters choose, and how many there are."""
    body = request.body(_LIST)
    limit = request.limit(body)
    flows = await _list(request, body, (body["page"] - 1) * limit, limit)
    return ok(paginated([flow_json(flow) for flow in flows], await _count(request, body), limit, body["page"]))


async def count_flows(request: Request) -> Answer:
    """Return how many flows filters choose."""
    return ok(await _count(request, request.body(_LIST)))


async def bulk_delete_flows(request: Request) -> Answer:
    """Delete the first flows that a filter chooses."""
    body = request.body({**_LIST, "limit": Field(fields.within(1, _MOST_DELETED), default=_MOST_DELETED)})
    deleted = []
    for flow in await _list(request, body, 0, body["limit"]):
        try:
            await request.call(request.services.flows.DeleteFlow, flow_pb2.DeleteFlowRequest(flow_id=flow.flow_id))
        except (errors.NotFound, errors.FailedPrecondition):
            continue
        deleted.append(flow.flow_id)
    return ok({"deleted": deleted})


async def _list(request: Request, body: fields.Body, offset: int, limit: int) -> list[flow_pb2.Flow]:
    asked = flow_pb2.ListFlowsRequest(filter=await flow_filter(request, body), sort=_SORTS[body["sort"]])

    async def ask(size: int, token: str) -> tuple[list[flow_pb2.Flow], str]:
        asked.page_size, asked.page_token = size, token
        page = await request.call(request.services.flows.ListFlows, asked)
        return list(page.flows), page.next_page_token

    return await window(ask, offset, limit)


async def _count(request: Request, body: fields.Body) -> int:
    asked = flow_pb2.ListFlowsRequest(filter=await flow_filter(request, body))
    return len(await lists.every(request, request.services.flows.ListFlows, asked, "flows"))


async def _or_not_found(request: Request, method: Any, asked: Any) -> Any:
    try:
        return await request.call(method, asked)
    except errors.NotFound:
        raise not_found("Flow") from None


ROUTES = (
    Route("POST", "/flows/", create_flow),
    Route("PATCH", "/flows/{id:uuid}", update_flow),
    Route("POST", "/flows/count", count_flows, only_asks=True),
    Route("GET", "/flows/name/{name}", read_flow_by_name),
    Route("GET", "/flows/{id:uuid}", read_flow),
    Route("POST", "/flows/filter", filter_flows, only_asks=True),
    Route("DELETE", "/flows/{id:uuid}", delete_flow),
    Route("POST", "/flows/bulk_delete", bulk_delete_flows),
    Route("POST", "/flows/paginate", paginate_flows, only_asks=True),
)
