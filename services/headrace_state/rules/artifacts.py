"""Artifacts as callers want them."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class Content:
    """What an artifact shows."""

    value: Any = None
    """As JSON."""
    data: bytes | None = None
    """What JSON has no form for: the bytes of an image."""


@dataclasses.dataclass(frozen=True, slots=True)
class NewArtifact:
    """An artifact that is to be created."""

    artifact_id: uuid.UUID
    key: str
    kind: str
    type: str
    content: Content
    description: str
    metadata: Mapping[str, Any]
    flow_run_id: uuid.UUID | None
    task_run_id: uuid.UUID | None


@dataclasses.dataclass(frozen=True, slots=True)
class ArtifactChange:
    """What changes of an artifact; None leaves it."""

    content: Content | None = None
    description: str | None = None
    metadata: Mapping[str, Any] | None = None
