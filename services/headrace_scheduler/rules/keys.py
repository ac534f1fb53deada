"""Keys of runs, which share slots of their own: a text with placeholders for parameters."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from headrace_scheduler.rules.faults import Invalid

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_\-]+)*)\s*\}\}")
_LONGEST = 100
_LONGEST_KEPT = 80


def check(template: str) -> None:
    """Return if a key can be made of a template.

    Raises:
        Invalid: It has no placeholder, or one that cannot be read.
    """
    if not _PLACEHOLDER.search(template) or "{{" in _PLACEHOLDER.sub("", template):
        raise Invalid.of_field("key", "must hold a placeholder for a parameter, for example {{ customer.id }}")


def render(template: str, parameters: Mapping[str, Any]) -> str:
    """Return the key of a run with `parameters`; what a parameter does not have is left empty.

    A key that is long, or has characters that names do not, ends in a digest of the whole.
    """
    text = _PLACEHOLDER.sub(lambda found: _text(_value(found[1], parameters)), template)
    if 0 < len(text) <= _LONGEST and text.isprintable():
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    kept = "".join(sign for sign in text if sign.isprintable())[:_LONGEST_KEPT]
    return f"{kept}~{digest}"


def _value(path: str, parameters: Mapping[str, Any]) -> Any:
    value: Any = parameters
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
