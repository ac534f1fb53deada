"""Values against their JSON schema, with faults that people can read."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

from headrace_scheduler.rules.faults import Fault, Invalid

MOST_FAULTS = 20
MOST_BYTES = 512 * 1024
"""Parameters of a run, as JSON, are at most this large."""
_MOST_SHOWN = 80
# A schema refers to itself only; nothing is fetched.
_NO_REFERENCES: Registry[Any] = Registry()
_TYPES = {
    "string": "a text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def check_schema(schema: Mapping[str, Any], field: str) -> None:
    """Return if `schema` is a JSON schema of an object.

    Raises:
        Invalid: It is not; the fault says where.
    """
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise Invalid.of_field(
            _path(field, error.absolute_path), f"is not a JSON schema: {_shortened(error.message)}"
        ) from None
    if schema and schema.get("type", "object") != "object":
        raise Invalid.of_field(f"{field}.type", "must be object")


def check_values(schema: Mapping[str, Any], values: Mapping[str, Any], field: str, *, is_complete: bool = True) -> None:
    """Return if `values` fit `schema`.

    Args:
        schema: A JSON schema of an object.
        values: By name.
        field: What the values are called in faults, for example `parameters`.
        is_complete: False if values that the schema requires may still be missing.

    Raises:
        Invalid: They do not; each fault names the place of a value.
    """
    faults = list(_unknown(schema, values, field))
    try:
        for error in _validator(json.dumps(schema, sort_keys=True)).iter_errors(dict(values)):
            if error.validator == "required" and not error.absolute_path and not is_complete:
                continue
            faults.extend(_faults(error, field))
            if len(faults) >= MOST_FAULTS:
                break
    except Unresolvable as error:
        raise Invalid.of_field(
            field, f"cannot be checked: the schema refers to {error.ref!r}, which it lacks"
        ) from None
    except RecursionError:
        raise Invalid.of_field(field, "cannot be checked: the schema refers to itself without end") from None
    if faults:
        raise Invalid(dict.fromkeys(faults[:MOST_FAULTS]))


def check_size(values: Mapping[str, Any], field: str) -> None:
    """Return if `values` are not too large.

    Raises:
        Invalid: They are.
    """
    if len(json.dumps(values, ensure_ascii=False, default=str).encode()) > MOST_BYTES:
        raise Invalid.of_field(field, f"must not be larger than {MOST_BYTES // 1024} KiB as JSON")


@functools.lru_cache(maxsize=512)
def _validator(schema: str) -> Validator:
    return Draft202012Validator(json.loads(schema), registry=_NO_REFERENCES)


def _unknown(schema: Mapping[str, Any], values: Mapping[str, Any], field: str) -> Iterable[Fault]:
    """Yield values that the schema does not name, where it does not say that it takes others."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or "additionalProperties" in schema or "patternProperties" in schema:
        return
    for name in values:
        if name not in properties:
            known = ", ".join(sorted(properties)) or "none"
            yield Fault(_path(field, [name]), f"is not known; known are: {_shortened(known, 300)}")


def _faults(error: ValidationError, field: str) -> Iterable[Fault]:
    path = _path(field, error.absolute_path)
    expected: Any = error.validator_value
    instance: Any = error.instance
    given = _shown(instance)
    match error.validator:
        case "type":
            yield Fault(path, f"must be {_types(expected)}, not {given}")
        case "required":
            missing = [name for name in expected if name not in instance]
            yield from (Fault(_path(path, [name]), "is required") for name in missing)
        case "additionalProperties":
            properties = (error.schema if isinstance(error.schema, Mapping) else {}).get("properties", {})
            unknown = [name for name in instance if name not in properties]
            known = _shortened(", ".join(sorted(properties)) or "none", 300)
            yield from (Fault(_path(path, [name]), f"is not known; known are: {known}") for name in unknown)
        case "enum":
            yield Fault(path, f"must be one of {', '.join(_shown(value) for value in expected)}, not {given}")
        case "const":
            yield Fault(path, f"must be {_shown(expected)}, not {given}")
        case "minimum":
            yield Fault(path, f"must be at least {expected}, not {given}")
        case "exclusiveMinimum":
            yield Fault(path, f"must be above {expected}, not {given}")
        case "maximum":
            yield Fault(path, f"must be at most {expected}, not {given}")
        case "exclusiveMaximum":
            yield Fault(path, f"must be below {expected}, not {given}")
        case "minLength":
            yield Fault(path, f"must have at least {expected} characters")
        case "maxLength":
            yield Fault(path, f"must have at most {expected} characters")
        case "minItems":
            yield Fault(path, f"must have at least {expected} items")
        case "maxItems":
            yield Fault(path, f"must have at most {expected} items")
        case "uniqueItems":
            yield Fault(path, "must not have an item twice")
        case "multipleOf":
            yield Fault(path, f"must be a multiple of {expected}, not {given}")
        case "pattern":
            yield Fault(path, f"must match the pattern {_shortened(str(expected))}, which {given} does not")
        case "anyOf" | "oneOf":
            yield from _alternatives(error, field, path, given)
        case _:
            yield Fault(path, _shortened(error.message, 200))


def _alternatives(error: ValidationError, field: str, path: str, given: str) -> Iterable[Fault]:
    """Yield what to say about a value that fits none of several schemas."""
    causes = error.context or []
    depth = len(error.absolute_path)
    deeper = [cause for cause in causes if len(cause.absolute_path) > depth]
    types = [cause for cause in causes if cause.validator == "type" and len(cause.absolute_path) == depth]
    if deeper:
        # One of the alternatives has the right kind, so its faults are what the caller meant to give.
        yield from _faults(deeper[0], field)
    elif causes and len(types) == len(causes):
        kinds = dict.fromkeys(_types(cause.validator_value) for cause in types)
        yield Fault(path, f"must be {' or '.join(kinds)}, not {given}")
    elif others := [cause for cause in causes if cause not in types]:
        yield from _faults(others[0], field)
    else:
        yield Fault(path, f"must fit exactly one of the alternatives, not {given}")


def _types(expected: Any) -> str:
    names = expected if isinstance(expected, list) else [expected]
    return " or ".join(_TYPES.get(str(name), str(name)) for name in names)


def _shown(value: Any) -> str:
    return _shortened(json.dumps(value, ensure_ascii=False, default=str))


def _shortened(text: str, most: int = _MOST_SHOWN) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _path(base: str, parts: Iterable[Any]) -> str:
    path = base
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path
