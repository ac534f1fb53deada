"""Flows as callers want them."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class NewFlow:
    """A flow that is to be created, unless one has its name already."""

    flow_id: uuid.UUID
    name: str
    description: str = ""
    tags: tuple[str, ...] = ()
    labels: Mapping[str, Any] = dataclasses.field(default_factory=dict)
