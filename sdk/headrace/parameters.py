"""Parameters of flows: checked and coerced by their annotations, written as JSON, described as a schema."""

from __future__ import annotations

import functools
import inspect
import math
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal

import orjson
import pydantic
import pydantic_core

from headrace import errors
from headrace.docstrings import descriptions_of
from headrace.outcomes import ParameterError
from headrace.recording.text import storable

MAX_RECORDED_BYTES = 256 * 1024
"""The JSON of one parameter that is recorded with a run; of larger ones only the size is."""

DRAFT = "https://json-schema.org/draft/2020-12/schema"
"""The language of the schemas."""

_CONFIG = pydantic.ConfigDict(arbitrary_types_allowed=True)
_MAX_EXACT = 2**53


class ParameterTypes:
    """The annotated parameters of a function.

    Args:
        function: Whose.

    Raises:
        errors.InvalidArgument: An annotation is nothing that pydantic can check.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._adapters: dict[str, pydantic.TypeAdapter[Any]] = {}
        self._signature = inspect.signature(function)
        hints = _hints_of(function)
        for name, parameter in self._signature.parameters.items():
            hint = hints.get(name, Any)
            if hint is not Any and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                self._adapters[name] = _adapter(name, hint)

    def validate(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values, coerced to their annotations.

        Raises:
            ParameterError: Some do not fit; says which and why.
        """
        checked = dict(values)
        violations: list[errors.FieldViolation] = []
        for name, adapter in self._adapters.items():
            if name not in checked:
                continue
            try:
                checked[name] = adapter.validate_python(checked[name])
            except pydantic.ValidationError as error:
                violations.extend(_violations(name, error))
        if violations:
            said = "; ".join(f"{violation.field}: {violation.description}" for violation in violations)
            raise ParameterError(f"parameters do not fit the flow: {said}", violations=violations)
        return checked

    def schema(self) -> dict[str, Any]:
        """Return a JSON schema (draft 2020-12) of the parameters, for forms and for checks before a run is created.

        Titles are the parameters' names where their annotations give none, descriptions are taken from the
        annotations or the docstring, and `position` says in which order the function has them.
        """
        adapters: list[tuple[str, Literal["validation"], pydantic.TypeAdapter[Any]]] = [
            (name, "validation", adapter) for name, adapter in self._adapters.items()
        ]
        said = descriptions_of(self._function)
        schemas, shared = pydantic.TypeAdapter.json_schemas(adapters, ref_template="#/$defs/{model}")
        properties: dict[str, Any] = {}
        required: list[str] = []
        for position, (name, parameter) in enumerate(self._signature.parameters.items()):
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            described = dict(schemas.get((name, "validation"), {}))
            described.setdefault("title", name)
            if said.get(name):
                described.setdefault("description", said[name])
            described["position"] = position
            if parameter.default is inspect.Parameter.empty:
                required.append(name)
            else:
                described["default"] = to_json_value(parameter.default)
            properties[name] = described
        document: dict[str, Any] = {
            "$schema": DRAFT,
            "type": "object",
            "title": "Parameters",
            "properties": properties,
        }
        if required:
            document["required"] = required
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in self._signature.parameters.values()):
            document["additionalProperties"] = False
        if shared.get("$defs"):
            document["$defs"] = shared["$defs"]
        return document


@functools.lru_cache(maxsize=1024)
def types_of(function: Callable[..., Any]) -> ParameterTypes:
    """Return the parameters of a function; as `ParameterTypes`, made once for each function."""
    return ParameterTypes(function)


def schema_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the JSON schema of a function's parameters."""
    return types_of(function).schema()


def to_json_value(value: Any) -> Any:
    """Return a value as JSON would hold it. What JSON cannot hold becomes a text that describes it."""
    try:
        plain = pydantic_core.to_jsonable_python(value, serialize_unknown=True)
    except (pydantic_core.PydanticSerializationError, UnicodeDecodeError, RecursionError, TypeError, ValueError):
        plain = f"<{type(value).__qualname__}>"
    return _exact(plain)


def recorded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as they are recorded with a run: JSON values, very large ones described only."""
    return {name: _bounded(value, to_json_value(value)) for name, value in values.items()}


def _bounded(value: Any, plain: Any) -> Any:
    if isinstance(plain, bool | int | float) or plain is None:
        return plain
    size = len(orjson.dumps(plain))
    if size <= MAX_RECORDED_BYTES:
        return plain
    return f"<{type(value).__qualname__} of {size} bytes as JSON>"


def _exact(value: Any) -> Any:
    # Numbers on the wire are doubles; a larger whole number keeps its digits as text, which pydantic reads back.
    if type(value) is int and abs(value) > _MAX_EXACT:
        return str(value)
    if type(value) is float and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if type(value) is str:
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return value


def _hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    target = function if inspect.isroutine(function) else type(function).__call__
    try:
        return typing.get_type_hints(target, include_extras=True)
    except (NameError, TypeError, AttributeError):
        # Names that exist for type checkers only: what is written out is still known.
        raw = getattr(target, "__annotations__", {})
        return {name: hint for name, hint in raw.items() if not isinstance(hint, str)}


def _adapter(name: str, hint: Any) -> pydantic.TypeAdapter[Any]:
    try:
        try:
            return pydantic.TypeAdapter(hint, config=_CONFIG)
        except pydantic.PydanticUserError as error:
            if error.code != "type-adapter-config-unused":
                raise
            return pydantic.TypeAdapter(hint)
    except (pydantic.PydanticUserError, TypeError) as error:
        raise errors.InvalidArgument.of_field(
            f"parameters.{name}", f"the annotation {hint!r} cannot be checked: {error}", reason="ANNOTATION_INVALID"
        ) from error


def _violations(name: str, error: pydantic.ValidationError) -> list[errors.FieldViolation]:
    return [
        errors.FieldViolation(
            ".".join((name, *map(str, fault["loc"]))),
            f"{fault['msg'].removeprefix('Value error, ')} (got {_shown(fault['input'])})",
        )
        for fault in error.errors(include_url=False, include_context=False)
    ]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
