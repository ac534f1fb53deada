"""Parameters that are not values yet: JSON in a text, templates, names of variables.

Forms send `{"__prefect_kind": "json", "value": "[1, 2]"}` in place of a value. What stands for nothing is left out.
"""

from __future__ import annotations

import json
from typing import Any

import jinja2
import jinja2.sandbox
from jinja2 import nodes

from headrace import errors
from headrace.api.v1 import variable_pb2
from headrace_prefect.answers import Refusal
from headrace_prefect.request import Request
from headrace_prefect.shapes import scalars

KIND = "__prefect_kind"
MOST_TEMPLATE = 10_000
"""Characters of a template."""

MOST_TEXT = 100_000
"""Characters of what an operation makes, and bits of a number."""

_NOTHING = object()
# Nothing that grows with each step: no loops, no names that are given anew, no calls, no filters that fill or repeat.
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Const,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.BinExpr,
    nodes.UnaryExpr,
    nodes.Concat,
    nodes.Compare,
    nodes.Operand,
    nodes.CondExpr,
    nodes.If,
    nodes.Test,
    nodes.Filter,
)
_FILTERS = frozenset(
    {
        "abs",
        "capitalize",
        "count",
        "d",
        "default",
        "first",
        "float",
        "int",
        "last",
        "length",
        "lower",
        "string",
        "title",
        "trim",
        "upper",
    }
)


class _Environment(jinja2.sandbox.ImmutableSandboxedEnvironment):
    """Renders templates of strangers: what an operation makes is bounded before it is made."""

    intercepted_binops = frozenset(("*", "**", "%"))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Return the result of an operation.

        Raises:
            ValueError: It could be too large.
        """
        if operator != "*" and not all(isinstance(each, int | float) for each in (left, right)):
            raise ValueError(f"{operator} is for numbers")
        sizes = [each.bit_length() if isinstance(each, int) else 64 for each in (left, right)]
        if operator == "**" and isinstance(right, int) and sizes[0] * abs(right) > MOST_TEXT:
            raise ValueError("the number is too large")
        if operator == "*":
            lengths = [len(each) for each in (left, right) if isinstance(each, str | bytes | list | tuple)]
            times = [abs(each) for each in (left, right) if isinstance(each, int)]
            if sum(sizes) > MOST_TEXT or (lengths and times and lengths[0] * times[0] > MOST_TEXT):
                raise ValueError("the result is too large")
        return super().call_binop(context, operator, left, right)


_ENVIRONMENT = _Environment()


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
        parsed = _ENVIRONMENT.parse(template)
        for node in parsed.find_all(nodes.Node):
            if not isinstance(node, _ALLOWED) or (isinstance(node, nodes.Filter) and node.name not in _FILTERS):
                # It could keep the server busy for as long as its author likes.
                what = f"the filter {node.name}" if isinstance(node, nodes.Filter) else type(node).__name__
                raise _fault(f"Invalid jinja: {what} is not allowed in parameters")
        return _ENVIRONMENT.from_string(template).render()
    except jinja2.TemplateError as error:
        raise _fault(f"Invalid jinja: {error}") from None
    except (ArithmeticError, TypeError, ValueError, RecursionError) as error:
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
