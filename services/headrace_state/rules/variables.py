"""What variables may be, and how they are looked for."""

from __future__ import annotations

import dataclasses
import json
import uuid
from typing import Any

MOST_BYTES = 256 * 1024
"""Of a value as JSON."""


@dataclasses.dataclass(frozen=True, slots=True)
class VariableFilter:
    """Which variables are looked for."""

    name_contains: str = ""
    names: tuple[str, ...] = ()
    """Any of these; empty is all."""
    tags_all: tuple[str, ...] = ()
    tags_any: tuple[str, ...] = ()
    """At least one of these; empty is all."""
    ids: tuple[uuid.UUID, ...] = ()
    """Any of these; empty is all."""


def is_too_large(value: Any) -> bool:
    """Return whether a value is larger than a variable may be."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) > MOST_BYTES
