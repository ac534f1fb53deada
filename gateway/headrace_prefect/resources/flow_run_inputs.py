"""Inputs of flow runs.

Prefect's client sends and reads texts, which are JSON by its own convention; they are kept as JSON, so that everybody
can read them. A text that is none is kept in an object of its own.
"""

from __future__ import annotations

from typing import Any

import orjson

from headrace import errors
from headrace.api.v1 import run_input_pb2
from headrace_prefect.answers import Answer, Refusal, no_content, not_found, ok, text
from headrace_prefect.bodies import fields
from headrace_prefect.bodies.fields import Field, Fields
from headrace_prefect.request import Request
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes import scalars

_CREATE: Fields = {
    "key": Field(fields.string, required=True),
    "value": Field(fields.string, required=True),
    "sender": Field(fields.string),
}
_FILTER: Fields = {
    "prefix": Field(fields.string, required=True),
    "limit": Field(fields.at_least(0), default=1),
    "exclude_keys": Field(fields.strings, default=list),
}
_TEXT = "prefect.text"
_MOST_PASSED_OVER = 2_000


async def create_flow_run_input(request: Request) -> Answer:
    """Send an input to a flow run."""
    body = request.body(_CREATE)
    asked = run_input_pb2.CreateRunInputRequest(
        flow_run_id=request.path["id"],
        key=body["key"],
        value=scalars.to_value(_parsed(body["value"])),
        sender=body["sender"] or "",
    )
    try:
        response = await request.call(request.services.run_inputs.CreateRunInput, asked)
    except errors.NotFound:
        raise not_found("Flow run") from None
    if not response.created:
        raise Refusal(409, "A flow run input with this key already exists.")
    return ok(None, 201)


async def filter_flow_run_input(request: Request) -> Answer:
    """Return the inputs whose keys begin alike, oldest first."""
    body = request.body(_FILTER)
    passed_over = set(body["exclude_keys"])
    asked = run_input_pb2.ListRunInputsRequest(
        flow_run_id=request.path["id"],
        key_prefix=body["prefix"],
        page_size=min(200, body["limit"] + len(passed_over)),
    )
    found: list[dict[str, Any]] = []
    seen = 0
    while len(found) < body["limit"] and seen <= _MOST_PASSED_OVER:
        try:
            page = await request.call(request.services.run_inputs.ListRunInputs, asked)
        except errors.NotFound:
            break
        seen += len(page.run_inputs)
        found += [_input_json(each) for each in page.run_inputs if each.key not in passed_over]
        if not page.next_page_token:
            break
        asked.page_token = page.next_page_token
    return ok(found[: body["limit"]])


async def read_flow_run_input(request: Request) -> Answer:
    """Return the text of an input."""
    asked = run_input_pb2.GetRunInputRequest(flow_run_id=request.path["id"], key=request.path["key"])
    try:
        response = await request.call(request.services.run_inputs.GetRunInput, asked)
    except errors.NotFound:
        raise not_found("Flow run input") from None
    return text(_written(response.run_input))


async def delete_flow_run_input(request: Request) -> Answer:
    """Delete an input."""
    asked = run_input_pb2.DeleteRunInputRequest(flow_run_id=request.path["id"], key=request.path["key"])
    try:
        await request.call(request.services.run_inputs.DeleteRunInput, asked)
    except errors.NotFound:
        raise not_found("Flow run input") from None
    return no_content()


def _parsed(value: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return {_TEXT: value}


def _written(run_input: run_input_pb2.RunInput) -> str:
    value = scalars.of_value(run_input.value)
    if isinstance(value, dict) and value.keys() == {_TEXT}:
        return str(value[_TEXT])
    return orjson.dumps(value).decode()


def _input_json(run_input: run_input_pb2.RunInput) -> dict[str, Any]:
    created = scalars.moment(run_input, "created_at")
    return {
        "id": scalars.id_of(run_input.flow_run_id, run_input.key),
        "created": created,
        "updated": created,
        "flow_run_id": run_input.flow_run_id,
        "key": run_input.key,
        "value": _written(run_input),
        "sender": run_input.sender or None,
    }


ROUTES = (
    Route("POST", "/flow_runs/{id:uuid}/input", create_flow_run_input),
    Route("POST", "/flow_runs/{id:uuid}/input/filter", filter_flow_run_input),
    Route("GET", "/flow_runs/{id:uuid}/input/{key}", read_flow_run_input),
    Route("DELETE", "/flow_runs/{id:uuid}/input/{key}", delete_flow_run_input),
)
