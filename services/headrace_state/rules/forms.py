"""What a resumed run is given, against the form that it asked with."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

MOST_FAULTS = 20
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
_BOUNDS = {
    "minimum": "must be at least {}",
    "exclusiveMinimum": "must be above {}",
    "maximum": "must be at most {}",
    "exclusiveMaximum": "must be below {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "multipleOf": "must be a multiple of {}",
    "pattern": "must match the pattern {}",
}


class FormFault(Exception):
    """A form is none, or does not take an input; `faults` are fields and what is wrong with them."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {description}" for field, description in faults))
        self.faults = faults


def check_input(schema: object, given: Mapping[str, Any], field: str = "run_input") -> None:
    """Return if `given` fits the form.

    Args:
        schema: A JSON schema of an object.
        given: Values by name.
        field: What the values are called in faults.

    Raises:
        FormFault: They do not, or the form is no JSON schema.
    """
    try:
        validator = _validator(json.dumps(schema, sort_keys=True))
        faults = [fault for error in validator.iter_errors(dict(given)) for fault in _faults(error, field)]
    except SchemaError as error:
        raise FormFault([(field, f"cannot be checked, for the form is no JSON schema: {error.message}")]) from None
    except Unresolvable as error:
        raise FormFault([(field, f"cannot be checked: the form refers to {error.ref!r}, which it lacks")]) from None
    except RecursionError:
        raise FormFault([(field, "cannot be checked: the form refers to itself without end")]) from None
    if faults:
        raise FormFault(list(dict.fromkeys(faults))[:MOST_FAULTS])


@functools.lru_cache(maxsize=256)
def _validator(schema: str) -> Validator:
    document = json.loads(schema)
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document, registry=_NO_REFERENCES, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _faults(error: ValidationError, field: str) -> Iterator[tuple[str, str]]:
    path = field + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    kind = str(error.validator)
    expected: Any = error.validator_value
    given: Any = error.instance
    if kind == "required":
        yield from ((f"{path}.{name}", "is required") for name in _names(expected) if name not in given)
    elif kind == "additionalProperties":
        properties = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
        yield from ((f"{path}.{name}", "is not known") for name in given if name not in properties)
    elif kind == "type":
        kinds = expected if isinstance(expected, list) else [expected]
        yield path, f"must be {' or '.join(_TYPES.get(str(each), str(each)) for each in kinds)}, not {_shown(given)}"
    elif kind == "enum":
        yield path, f"must be one of {', '.join(map(_shown, _names(expected)))}, not {_shown(given)}"
    elif kind == "format":
        yield path, f"must be a {expected}, not {_shown(given)}"
    elif kind in _BOUNDS:
        yield path, f"{_BOUNDS[kind].format(_shown(expected))}, not {_shown(given)}"
    elif kind in ("anyOf", "oneOf") and error.context:
        yield from _alternatives(error.context, field)
    else:
        yield path, _shortened(error.message, 200)


def _alternatives(causes: list[ValidationError], field: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a value that fits none of several forms: by the one that came furthest."""
    deepest = max(len(cause.absolute_path) for cause in causes)
    found = [fault for cause in causes if len(cause.absolute_path) == deepest for fault in _faults(cause, field)]
    field_of = found[0][0]
    yield field_of, ", or ".join(dict.fromkeys(description for place, description in found if place == field_of))


def _names(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _shown(value: Any) -> str:
    return _shortened(json.dumps(value, ensure_ascii=False, default=str))


def _shortened(text: str, most: int = _MOST_SHOWN) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
