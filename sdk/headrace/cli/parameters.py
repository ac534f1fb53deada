"""Parameters as people type them."""

from __future__ import annotations

import json
import sys
from typing import Any

from headrace import errors


def parse(pairs: tuple[str, ...], document: str | None, *, option: str = "--params") -> dict[str, Any]:
    """Return parameters from `name=value` pairs over a JSON object.

    A value that is JSON is taken as such, anything else as text; the document "-" is read from standard input.

    Raises:
        errors.InvalidArgument: A pair or the document is malformed.
    """
    values: dict[str, Any] = {}
    if document is not None:
        text = sys.stdin.read() if document == "-" else document
        try:
            parsed = json.loads(text)
        except ValueError as error:
            raise errors.InvalidArgument(f"{option} is not JSON: {error}") from error
        if not isinstance(parsed, dict):
            raise errors.InvalidArgument(f'{option} must be a JSON object like {{"name": "value"}}.')
        values.update(parsed)
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise errors.InvalidArgument(f"'{pair}' is not of the form name=value.")
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value
    return values
