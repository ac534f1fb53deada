"""Values of fields as people give them to commands."""

from __future__ import annotations

import json
import pathlib
import sys
from typing import Any

import click


def document(text: str | None) -> dict[str, Any]:
    """Return the JSON object in a text, or on standard input for `-`; an empty one for None."""
    if text is None:
        return {}
    try:
        found = json.loads(read("-") if text == "-" else text)
    except ValueError as error:
        raise click.BadParameter(f"is not JSON: {error}", param_hint="--json") from None
    if not isinstance(found, dict):
        raise click.BadParameter("must be a JSON object", param_hint="--json")
    return found


def pair(given: str) -> tuple[str, str]:
    """Return what is in front of and behind the first `=`."""
    field, separator, value = given.partition("=")
    if not separator or not field:
        raise click.BadParameter(f"'{given.partition('=')[0]}' is not of the form FIELD=VALUE")
    return field, value


def put(data: dict[str, Any], field: str, value: Any) -> None:
    """Put a value at a path of names joined by dots."""
    *outer, last = field.split(".")
    for name in outer:
        inner = data.setdefault(name, {})
        if not isinstance(inner, dict):
            raise click.BadParameter(f"'{name}' in '{field}' is no object")
        data = inner
    data[last] = value


def json_or_text(text: str) -> Any:
    """Return the value that is written as JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def read(file: str) -> str:
    """Return what is in a file, or on standard input for `-`."""
    if file == "-":
        return sys.stdin.read()
    try:
        return pathlib.Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.FileError(file, str(error)) from None
