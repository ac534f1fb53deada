"""What blocks are made of: secret values, where a type has them, and data as JSON."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import pydantic
import pydantic_core
from pydantic import SecretBytes, SecretStr

from headrace import errors

__all__ = ["REFERENCE", "SecretDict", "SecretStr", "SecretValue", "plain", "secret_fields"]

REFERENCE = "$block"
"""The one key of an object that stands for another block."""

_UNIONS = (typing.Union, types.UnionType)


class SecretDict(pydantic.Secret[dict[str, Any]]):
    """A dictionary that is shown to nobody; `get_secret_value()` returns it."""


class SecretValue(pydantic.Secret[Any]):
    """Any JSON value that is shown to nobody; `get_secret_value()` returns it."""


def secret_fields(model: type[pydantic.BaseModel]) -> list[str]:
    """Return where a model has secrets: names joined by dots, `*` for every key or place."""
    return sorted(set(_of_model(model, ())))


def _of_model(model: type[pydantic.BaseModel], above: tuple[type[pydantic.BaseModel], ...]) -> Iterator[str]:
    if model in above:
        # A type within itself would go on for ever; its secrets have to be in blocks of their own.
        return
    for name, field in model.model_fields.items():
        for path in _of_type(field.annotation, (*above, model)):
            yield f"{name}.{path}" if path else name


def _of_type(annotation: Any, above: tuple[type[pydantic.BaseModel], ...]) -> Iterator[str]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    kind = origin if isinstance(origin, type) else annotation
    if origin is typing.Annotated:
        yield from _of_type(arguments[0], above)
    elif origin in _UNIONS:
        for argument in arguments:
            yield from _of_type(argument, above)
    elif isinstance(kind, type) and issubclass(kind, SecretStr | SecretBytes | pydantic.Secret):
        yield ""
    elif isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
        yield from _of_model(kind, above)
    elif isinstance(kind, type) and issubclass(kind, Mapping):
        yield from _below(arguments[1:], above)
    elif isinstance(kind, type) and issubclass(kind, list | tuple | set | frozenset):
        yield from _below(arguments, above)


def _below(arguments: tuple[Any, ...], above: tuple[type[pydantic.BaseModel], ...]) -> Iterator[str]:
    for argument in arguments:
        for path in _of_type(argument, above):
            yield f"*.{path}" if path else "*"


def plain(value: Any, field: str = "data") -> Any:
    """Return a value as JSON has it, with its secrets in the open.

    Raises:
        errors.InvalidArgument: It is something that JSON does not have.
    """
    if isinstance(value, pydantic.BaseModel):
        saved_as = getattr(value, "saved_as", None)
        if isinstance(saved_as, str) and saved_as:
            return {REFERENCE: saved_as}
        return {name: plain(getattr(value, name), f"{field}.{name}") for name in type(value).model_fields}
    if isinstance(value, SecretStr | SecretBytes | pydantic.Secret):
        return plain(value.get_secret_value(), field)
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{field}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, f"{field}.{place}") for place, item in enumerate(value)]
    try:
        return pydantic_core.to_jsonable_python(value)
    except (ValueError, TypeError):
        raise errors.InvalidArgument.of_field(field, f"a {type(value).__name__} is no JSON value") from None
