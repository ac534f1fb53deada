"""Placeholders in project files and steps: `{{ name }}` is replaced by a value when that is known.

- `{{ step-id.output }}`: what an earlier step returned, at any depth;
- `{{ $NAME }}`: an environment variable; `{{ $NAME | text }}` gives what to take if it is not set;
- `{{ headrace.variables.NAME }}`: a variable of the server;
- `{{ headrace.blocks.TYPE.NAME }}` or `...NAME.field`: a block, or one of its fields;
- `{{ git.commit }}`, `{{ git.branch }}`, `{{ git.repository }}`, `{{ project.name }}`: of the folder that is deployed.

A text that is one placeholder becomes the value itself, whatever its type; within a text the value is written.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace import errors

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_VARIABLES = "headrace.variables."
_BLOCKS = "headrace.blocks."
_HIDDEN = "********"
_SHORTEST_SECRET = 4
_SECRET_WORDS = re.compile(r"token|secret|password|passwd|credential|api_?key|private_?key", re.IGNORECASE)

Path = tuple[str | int, ...]
"""Where a value stands: keys and places in lists."""


class Unresolved(errors.InvalidArgument):
    """A placeholder has no value.

    Args:
        path: Where it stands.
        message: What is wrong with it.
    """

    default_reason = "PLACEHOLDER_WITHOUT_VALUE"

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path


def is_secret_name(name: str) -> bool:
    """Return whether a name says that its value must not be shown."""
    return _SECRET_WORDS.search(name) is not None


@dataclass
class Secrets:
    """Values that must not be shown, collected where they are looked up."""

    _values: set[str] = field(default_factory=set)

    def add(self, value: object) -> None:
        """Hide a value, or all texts within it; what is very short is no secret, and hiding it would hide all."""
        if isinstance(value, str):
            if len(value) >= _SHORTEST_SECRET:
                self._values.add(value)
        elif isinstance(value, Mapping):
            for inner in value.values():
                self.add(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                self.add(inner)

    def hide(self, text: str) -> str:
        """Return a text without the secrets."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, _HIDDEN)
        return text


@dataclass(frozen=True)
class Values:
    """Where placeholders find their values.

    Args:
        known: By first name: `git`, `project`, ids of steps that have run.
        variable: Returns a variable of the server; None where variables are not looked up yet.
        block: Returns the fields of a block by type and name; None where blocks are not looked up.
        environment: Environment variables; None where they are not looked up yet.
        secrets: Takes what must not be shown.
    """

    known: Mapping[str, Any] = field(default_factory=dict)
    variable: Callable[[str], Any] | None = None
    block: Callable[[str, str], Any] | None = None
    environment: Mapping[str, str] | None = field(default_factory=lambda: os.environ)
    secrets: Secrets = field(default_factory=Secrets)


def fill(value: Any, values: Values, *, may_be_missing: bool = False, path: Path = ()) -> Any:
    """Return a value with its placeholders replaced, at any depth.

    Args:
        value: Plain values as of YAML or JSON.
        values: Where to find what.
        may_be_missing: True leaves placeholders alone whose value is not known yet.
        path: Where the value stands, for errors.

    Raises:
        Unresolved: A placeholder has no value.
    """
    if isinstance(value, Mapping):
        return {
            key: fill(inner, values, may_be_missing=may_be_missing, path=(*path, key)) for key, inner in value.items()
        }
    if isinstance(value, list):
        return [
            fill(inner, values, may_be_missing=may_be_missing, path=(*path, place)) for place, inner in enumerate(value)
        ]
    if not isinstance(value, str) or "{{" not in value:
        return value
    whole = _PLACEHOLDER.fullmatch(value.strip())
    try:
        if whole is not None:
            return _look_up(whole[1], values)
        return _PLACEHOLDER.sub(lambda found: _fill_one(found, values, may_be_missing), value)
    except _Missing as missing:
        if may_be_missing and missing.may_come:
            return value
        raise Unresolved(path, str(missing)) from None


def placeholders(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield the placeholders in a value and where each stands."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from placeholders(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from placeholders(inner, (*path, place))
    elif isinstance(value, str):
        for name in _PLACEHOLDER.findall(value):
            yield path, name


class _Missing(Exception):
    def __init__(self, message: str, *, may_come: bool = False) -> None:
        super().__init__(message)
        self.may_come = may_come


def _fill_one(found: re.Match[str], values: Values, may_be_missing: bool) -> str:
    try:
        return _written(_look_up(found[1], values))
    except _Missing as missing:
        if may_be_missing and missing.may_come:
            return found[0]
        raise


def _written(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _look_up(name: str, values: Values) -> Any:
    if name.startswith("$"):
        return _of_environment(name[1:], values)
    if name.startswith(_VARIABLES):
        return _variable(name.removeprefix(_VARIABLES), values)
    if name.startswith(_BLOCKS):
        return _block(name.removeprefix(_BLOCKS), values)
    first, *rest = name.split(".")
    if not first:
        raise _Missing("a placeholder is empty: write {{ name }}")
    if first not in values.known:
        known = ", ".join(sorted(values.known)) or "none"
        raise _Missing(
            f"{{{{ {name} }}}} has no value: there is no step or value {first!r} (there are: {known})", may_come=True
        )
    return _inner(values.known[first], rest, name)


def _of_environment(text: str, values: Values) -> Any:
    name, separator, default = (part.strip() for part in text.partition("|"))
    if values.environment is None:
        raise _Missing(f"{{{{ ${name} }}}} is not looked up here", may_come=True)
    value = values.environment.get(name)
    if value is None:
        if separator:
            return default
        raise _Missing(f"the environment variable {name} is not set")
    if is_secret_name(name):
        values.secrets.add(value)
    return value


def _variable(name: str, values: Values) -> Any:
    if values.variable is None:
        raise _Missing(f"{{{{ {_VARIABLES}{name} }}}} is not looked up here", may_come=True)
    first, *rest = name.split(".")
    try:
        return _inner(values.variable(first), rest, _VARIABLES + name)
    except errors.NotFound:
        raise _Missing(f"there is no variable {first!r}") from None


def _block(name: str, values: Values) -> Any:
    if values.block is None:
        raise _Missing(
            f"{{{{ {_BLOCKS}{name} }}}} can be used in steps only: elsewhere its content would be kept, for all to see",
            may_come=True,
        )
    type_, _, rest = name.partition(".")
    block, *inner = rest.split(".")
    if not block:
        raise _Missing(f"{{{{ {_BLOCKS}{name} }}}} must be {_BLOCKS}TYPE.NAME")
    try:
        content = values.block(type_, block)
    except errors.NotFound:
        raise _Missing(f"there is no block {type_}/{block}") from None
    values.secrets.add(content)
    return _inner(content, inner, _BLOCKS + name)


def _inner(value: Any, names: list[str], whole: str) -> Any:
    for name in names:
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            has = f"it has {', '.join(map(str, value))}" if isinstance(value, Mapping) and value else "it has no parts"
            raise _Missing(f"{{{{ {whole} }}}} has no value: there is no {name!r} ({has})")
    return value
