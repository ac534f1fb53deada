"""What a server may tell of its settings: all of them, secrets without their values."""

from __future__ import annotations

import ast
import functools
import inspect
import json
import pathlib
import typing
from typing import Any

import pydantic

from headrace.api.v1 import system_pb2
from headrace_chassis.settings import ServerSettings

_PREFIX = "HEADRACE_SERVER_"


def told_settings(settings: ServerSettings) -> list[system_pb2.ServerSetting]:
    """Return the settings in the order of their class, each with what its class says of it."""
    purposes = _purposes()
    told = []
    for name, field in ServerSettings.model_fields.items():
        value = getattr(settings, name)
        is_secret = pydantic.SecretStr in (field.annotation, *typing.get_args(field.annotation))
        told.append(
            system_pb2.ServerSetting(
                variable=_variable(name, field.validation_alias),
                value="" if is_secret else _text(value),
                customized=name in settings.model_fields_set and value != field.default,
                secret=is_secret,
                description=purposes.get(name, ""),
            )
        )
    return told


def _variable(name: str, alias: str | pydantic.AliasPath | pydantic.AliasChoices | None) -> str:
    if isinstance(alias, pydantic.AliasChoices):
        return str(alias.choices[0])
    return _PREFIX + name.upper()


def _text(value: Any) -> str:
    """Return a value as one would set it."""
    if value is None or value in ((), {}):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float, pathlib.Path)):
        return str(value)
    return json.dumps(value)


@functools.cache
def _purposes() -> dict[str, str]:
    """Return the docstring below each setting; read from the source, where alone they stand."""
    [made] = ast.parse(inspect.getsource(ServerSettings)).body
    assert isinstance(made, ast.ClassDef)
    purposes = {}
    for setting, text in zip(made.body, made.body[1:], strict=False):
        if (
            isinstance(setting, ast.AnnAssign)
            and isinstance(setting.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            purposes[setting.target.id] = inspect.cleandoc(text.value.value).replace("\n", " ")
    return purposes
