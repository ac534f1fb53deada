"""`/variables`: named values."""

from __future__ import annotations

from typing import Any

from headrace.api.v1 import variable_pb2
from headrace_prefect import lists
from headrace_prefect.answers import Answer, Invalid, made, no_content, not_found, ok
from headrace_prefect.bodies.fields import (
    Body,
    Field,
    anything,
    at_least,
    identifiers,
    integer,
    nested,
    one_of,
    string,
    strings,
)
from headrace_prefect.filters import values
from headrace_prefect.request import Request
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes import scalars

_CREATE = {"name": Field(string, required=True), "value": Field(anything), "tags": Field(strings, default=list)}
_UPDATE = {"name": Field(string), "value": Field(anything), "tags": Field(strings)}
_SORTS = ("NAME_ASC", "NAME_DESC", "CREATED_DESC", "UPDATED_DESC")
FILTER = nested(
    {
        "operator": Field(one_of(("and_", "or_")), default="and_"),
        "id": Field(nested({"any_": Field(identifiers)})),
        "name": Field(nested({"any_": Field(strings), "like_": Field(string)})),
        "tags": Field(values.TAGS),
    }
)
_FILTERED = {
    "variables": Field(FILTER),
    "sort": Field(one_of(_SORTS), default="NAME_ASC"),
    "limit": Field(integer),
    "offset": Field(at_least(0), default=0),
}
_TESTS = {
    "id": values.any_of(lambda variable: variable.variable_id),
    "name": values.named(lambda variable: variable.name),
    "tags": values.tagged(lambda variable: variable.tags),
}


def shape(variable: variable_pb2.Variable) -> dict[str, Any]:
    """Return a variable."""
    return {
        "id": variable.variable_id,
        "created": scalars.moment(variable, "created_at"),
        "updated": scalars.moment(variable, "updated_at"),
        "name": variable.name,
        "value": scalars.of_value(variable.value),
        "tags": list(variable.tags),
    }


async def create_variable(request: Request) -> Answer:
    """Create a variable."""
    body = request.body(_CREATE)
    if "value" not in body.given:
        raise Invalid.of("value", msg="Field required", word="missing")
    answer = await request.call(
        request.services.variables.SetVariable,
        variable_pb2.SetVariableRequest(
            name=body["name"], value=scalars.to_value(body["value"]), tags=dict.fromkeys(body["tags"])
        ),
    )
    return made(shape(answer.variable))


async def read_variable(request: Request) -> Answer:
    """Return a variable by its id."""
    return ok(shape(await _by_id(request)))


async def read_variable_by_name(request: Request) -> Answer:
    """Return a variable by its name."""
    return ok(shape(await _by_name(request)))


async def read_variables(request: Request) -> Answer:
    """Return some variables."""
    body = request.body(_FILTERED)
    limit, offset = request.limit(body), body["offset"]
    found = await _found(request, body, None if body["sort"] != "NAME_ASC" else (offset, limit))
    if body["sort"] == "NAME_DESC":
        found.reverse()
    elif body["sort"] != "NAME_ASC":
        field = "created_at" if body["sort"] == "CREATED_DESC" else "updated_at"
        found.sort(key=lambda each: getattr(each, field).ToNanoseconds(), reverse=True)
    if body["sort"] != "NAME_ASC":
        found = found[offset : offset + limit]
    return ok([shape(variable) for variable in found])


async def count_variables(request: Request) -> Answer:
    """Count some variables."""
    return ok(len(await _found(request, request.body({"variables": Field(FILTER)}), None)))


async def update_variable(request: Request) -> Answer:
    """Change a variable by its id."""
    return await _update(request, await _by_id(request))


async def update_variable_by_name(request: Request) -> Answer:
    """Change a variable by its name."""
    return await _update(request, await _by_name(request))


async def delete_variable(request: Request) -> Answer:
    """Delete a variable by its id."""
    variable = await _by_id(request)
    await request.call(
        request.services.variables.DeleteVariable, variable_pb2.DeleteVariableRequest(name=variable.name)
    )
    return no_content()


async def delete_variable_by_name(request: Request) -> Answer:
    """Delete a variable by its name."""
    await request.call(
        request.services.variables.DeleteVariable, variable_pb2.DeleteVariableRequest(name=request.path["name"])
    )
    return no_content()


async def _update(request: Request, variable: variable_pb2.Variable) -> Answer:
    body = request.body(_UPDATE)
    await request.call(
        request.services.variables.SetVariable,
        variable_pb2.SetVariableRequest(
            variable_id=variable.variable_id,
            name=body["name"] or variable.name,
            value=scalars.to_value(body["value"]) if "value" in body.given else variable.value,
            tags=dict.fromkeys(body["tags"]) if body["tags"] is not None else variable.tags,
        ),
    )
    return no_content()


async def _by_id(request: Request) -> variable_pb2.Variable:
    page = await request.call(
        request.services.variables.ListVariables,
        variable_pb2.ListVariablesRequest(variable_ids=[request.path["id"]]),
    )
    if not page.variables:
        raise not_found("Variable")
    return page.variables[0]


async def _by_name(request: Request) -> variable_pb2.Variable:
    answer = await request.call(
        request.services.variables.GetVariable, variable_pb2.GetVariableRequest(name=request.path["name"])
    )
    return answer.variable


async def _found(request: Request, body: Body, part: tuple[int, int] | None) -> list[variable_pb2.Variable]:
    chosen = body["variables"]
    message = variable_pb2.ListVariablesRequest()
    if chosen is not None and chosen["operator"] == "and_":
        # What the service can sort out need not travel; the test below has the last word.
        message.variable_ids.extend((chosen["id"] or {}).get("any_") or ())
        message.names.extend(((chosen["name"] or {}).get("any_") or ())[:200])
    keep = values.test(chosen, _TESTS)
    method = request.services.variables.ListVariables
    if part is not None:
        return await lists.window(request, method, message, "variables", offset=part[0], limit=part[1], keep=keep)
    return await lists.every(request, method, message, "variables", keep=keep)


ROUTES = [
    Route("POST", "/variables/", create_variable),
    Route("POST", "/variables/filter", read_variables, only_asks=True),
    Route("POST", "/variables/count", count_variables, only_asks=True),
    Route("GET", "/variables/name/{name}", read_variable_by_name),
    Route("PATCH", "/variables/name/{name}", update_variable_by_name),
    Route("DELETE", "/variables/name/{name}", delete_variable_by_name),
    Route("GET", "/variables/{id:uuid}", read_variable),
    Route("PATCH", "/variables/{id:uuid}", update_variable),
    Route("DELETE", "/variables/{id:uuid}", delete_variable),
]
