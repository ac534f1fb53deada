"""Parameters that are not values yet: JSON in a text, templates, names of variables.

Forms send `{"__prefect_kind": "json", "value": "[1, 2]"}` in place of a value. What stands for nothing is left out.
"""

from __future__ import annotations

import json
from typing import Any

import jinja2
import jinja2.sandbox

from headrace import errors
from headrace.api.v1 import variable_pb2
from headrace_prefect.answers import Refusal
from headrace_prefect.request import Request
from headrace_prefect.shapes import scalars

KIND = "__prefect_kind"
MOST_TEMPLATE = 10_000
"""Characters of a template."""

_NOTHING = object()
_ENVIRONMENT = jinja2.sandbox.ImmutableSandboxedEnvironment()


async def hydrated(request: Request, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as values.

    Raises:
        Refusal: One cannot be made out (400).
    """
    if not _is_dry(parameters):
        return parameters
    result = await _hydrate(request, parameters)
    return {} if result is _NOTHING else result


def _is_dry(value: Any) -> bool:
    if isinstance(value, dict):
        return KIND in value or any(map(_is_dry, value.values()))
    return isinstance(value, list) and any(map(_is_dry, value))


async def _hydrate(request: Request, value: Any) -> Any:
    if isinstance(value, dict):
        if KIND in value:
            return await _made_out(request, value)
        made = {name: await _hydrate(request, item) for name, item in value.items()}
        return {name: item for name, item in made.items() if item is not _NOTHING}
    if isinstance(value, list):
        return [item for item in [await _hydrate(request, item) for item in value] if item is not _NOTHING]
    return value


async def _made_out(request: Request, value: dict[str, Any]) -> Any:
    match value[KIND]:
        case "none":
            if "value" not in value:
                raise _fault("Missing 'value' key in __prefect object")
            return await _hydrate(request, value["value"])
        case "json":
            return await _json(request, value)
        case "jinja":
            return await _rendered(request, value)
        case "workspace_variable":
            return await _variable(request, value)
        case _:
            return value.get("value")


async def _json(request: Request, value: dict[str, Any]) -> Any:
    if "value" not in value:
        return _NOTHING
    text = await _hydrate(request, value["value"]) if isinstance(value["value"], dict) else value["value"]
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise _fault(f"Invalid JSON: {error}") from None


async def _rendered(request: Request, value: dict[str, Any]) -> Any:
    if "template" not in value:
        raise _fault("Missing 'template' key in __prefect object")
    template = await _hydrate(request, value["template"])
    if not isinstance(template, str) or len(template) > MOST_TEMPLATE:
        raise _fault(f"Invalid jinja: a template is a text of up to {MOST_TEMPLATE} characters")
    try:
        if _ENVIRONMENT.parse(template).find(jinja2.nodes.For) is not None:
            # A loop in a loop would keep the server busy for as long as its author likes.
            raise _fault("Invalid jinja: loops are not allowed in parameters")
        return _ENVIRONMENT.from_string(template).render()
    except jinja2.TemplateError as error:
        raise _fault(f"Invalid jinja: {error}") from None
    except (ArithmeticError, TypeError, ValueError) as error:
        raise _fault(f"Invalid jinja: {error}") from None


async def _variable(request: Request, value: dict[str, Any]) -> Any:
    if "variable_name" not in value:
        return _NOTHING
    name = await _hydrate(request, value["variable_name"])
    try:
        found = await request.call(
            request.services.variables.GetVariable, variable_pb2.GetVariableRequest(name=str(name))
        )
    except (errors.NotFound, errors.InvalidArgument):
        raise _fault(f"Variable '{name}' not found in workspace.") from None
    return scalars.of_value(found.variable.value)


def _fault(message: str) -> Refusal:
    return Refusal(400, f"Error hydrating flow run parameters: {message}")
