"""Base job templates of work pools: what a worker starts, with placeholders for the values of a run.

A template is `{"job_configuration": {...}, "variables": {...}}`: the configuration holds `{{ name }}`
placeholders, and the variables are a JSON schema of the values for them with the pool's defaults.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headrace_scheduler.rules import parameters
from headrace_scheduler.rules.faults import Fault, Invalid

MERGED = ("env", "labels")
"""Variables that are joined key by key; of others the nearest value counts."""

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_\-]*)\s*\}\}")
_ABSENT = object()


def check_template(template: Mapping[str, Any]) -> None:
    """Return if `template` can be filled.

    Raises:
        Invalid: It cannot; the faults say where.
    """
    field = "base_job_template"
    faults = [
        Fault(f"{field}.{name}", "is not known; a template has job_configuration and variables")
        for name in template
        if name not in ("job_configuration", "variables")
    ]
    faults += [
        Fault(f"{field}.{name}", "must be an object")
        for name in ("job_configuration", "variables")
        if not isinstance(template.get(name), Mapping)
    ]
    if faults:
        raise Invalid(faults)
    parameters.check_schema(template["variables"], f"{field}.variables")
    properties = template["variables"].get("properties", {})
    unknown = [name for name in dict.fromkeys(_names(template["job_configuration"])) if name not in properties]
    if unknown:
        raise Invalid(
            Fault(f"{field}.job_configuration", f"uses {{{{ {name} }}}}, which variables do not define")
            for name in unknown
        )


def check_variables(template: Mapping[str, Any], values: Mapping[str, Any], field: str, *, is_complete: bool) -> None:
    """Return if `values` are values for the variables of `template`.

    Raises:
        Invalid: They are not; each fault names the place of a value under `field`.
    """
    schema = template.get("variables", {})
    given = merged(defaults(template), values) if is_complete else values
    parameters.check_values(schema, given, field, is_complete=is_complete)


def defaults(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that the pool gives to variables."""
    properties = template.get("variables", {}).get("properties", {})
    return {
        name: schema["default"]
        for name, schema in properties.items()
        if isinstance(schema, Mapping) and "default" in schema
    }


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all layers, where a later one goes before an earlier one."""
    result: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            below = result.get(name)
            if name in MERGED and isinstance(below, Mapping) and isinstance(value, Mapping):
                result[name] = {**below, **value}
            else:
                result[name] = value
    return result


def fill(template: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the job's configuration: the template with `values` over the pool's defaults.

    A text that is one placeholder becomes the value itself, whatever its type; within a text the value is
    written. Keys whose placeholder has no value are left out.
    """
    filled = _fill(template.get("job_configuration", {}), merged(defaults(template), values))
    return filled if isinstance(filled, dict) else {}


def _fill(part: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(part, Mapping):
        filled = {key: _fill(inner, values) for key, inner in part.items()}
        return {key: inner for key, inner in filled.items() if inner is not _ABSENT}
    if isinstance(part, list):
        return [inner for inner in (_fill(item, values) for item in part) if inner is not _ABSENT]
    if not isinstance(part, str):
        return part
    whole = _PLACEHOLDER.fullmatch(part.strip())
    if whole is not None:
        return values.get(whole[1], _ABSENT)
    return _PLACEHOLDER.sub(lambda found: _written(values.get(found[1])), part)


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _names(part: Any) -> list[str]:
    if isinstance(part, Mapping):
        return [name for inner in part.values() for name in _names(inner)]
    if isinstance(part, list):
        return [name for inner in part for name in _names(inner)]
    return _PLACEHOLDER.findall(part) if isinstance(part, str) else []
