"""JSON schemas, which take more values than they name with Prefect's server, and only those that they name here."""

from __future__ import annotations

from typing import Any

WHOLE = "prefect"
"""Where the stored schema of a type of blocks has the one that the client gave."""

_OTHERS = "additionalProperties"


def opened(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that says that it takes other values, too, unless it says something about them."""
    if "properties" not in schema or _OTHERS in schema:
        return schema
    return {**schema, _OTHERS: True}


def as_given(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without saying what goes without saying."""
    if schema.get(_OTHERS) is not True:
        return schema
    return {name: value for name, value in schema.items() if name != _OTHERS}


def opened_template(template: dict[str, Any]) -> dict[str, Any]:
    """Return a base job template whose variables take other values, too."""
    variables = template.get("variables")
    return {**template, "variables": opened(variables)} if isinstance(variables, dict) else template


def template_as_given(template: dict[str, Any]) -> dict[str, Any]:
    """Return a base job template as it was given."""
    variables = template.get("variables")
    return {**template, "variables": as_given(variables)} if isinstance(variables, dict) else template
