"""Placeholders in any plain values, filled with what the server keeps and the environment has.

resolve_templates({"url": "{{ headrace.variables.api_url }}/v2", "token": "{{ headrace.blocks.secret.api.value }}"})

- `{{ headrace.blocks.TYPE.NAME }}` is a block's values, `{{ headrace.blocks.TYPE.NAME.FIELD }}` one of them;
- `{{ headrace.variables.NAME }}` is a variable, `{{ headrace.variables.NAME.KEY }}` a part of it;
- `{{ $NAME }}` is an environment variable, `{{ $NAME | text }}` has a text for where it is not set;
- other names are looked up in what is given.

A text that is one placeholder becomes the value itself, whatever its type; within a text the value is written.
Secrets of blocks are in the open in what is returned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from headrace.blocks.core import load_fields
from headrace.steps.templating import Values, fill
from headrace.variables import Variable

__all__ = ["aresolve_templates", "resolve_templates"]


def resolve_templates(value: Any, extra: Mapping[str, Any] | None = None, *, keep_unknown: bool = False) -> Any:
    """Return plain values with their placeholders filled, at any depth.

    Args:
        value: As of JSON or YAML.
        extra: Further values by their first name.
        keep_unknown: True leaves placeholders alone whose first name is not known.

    Raises:
        errors.InvalidArgument: A placeholder has no value; the message says which and why.
        errors.PermissionDenied: The caller may not see secrets of blocks.
    """
    blocks: dict[str, dict[str, Any]] = {}

    def block(type_slug: str, name: str) -> dict[str, Any]:
        # A template often takes several fields of one block.
        path = f"{type_slug}/{name}"
        if path not in blocks:
            blocks[path] = load_fields(path)
        return blocks[path]

    values = Values(known=extra or {}, variable=Variable.get, block=block)
    return fill(value, values, may_be_missing=keep_unknown)


async def aresolve_templates(value: Any, extra: Mapping[str, Any] | None = None, *, keep_unknown: bool = False) -> Any:
    """Return plain values with their placeholders filled; as `resolve_templates`."""
    return await asyncio.to_thread(resolve_templates, value, extra, keep_unknown=keep_unknown)
