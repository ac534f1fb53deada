"""Flow runs as callers want them."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any

from headrace_state.rules.facts import NO_RETRIES, NewState, RetryPolicy


@dataclasses.dataclass(frozen=True, slots=True)
class PoolPlace:
    """A queue of a work pool, where runs wait."""

    work_pool_id: uuid.UUID
    work_pool_name: str
    work_queue_id: uuid.UUID
    work_queue_name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """A flow run as a caller wants it; ids and names may be missing."""

    state: NewState
    flow_run_id: uuid.UUID | None = None
    state_id: uuid.UUID | None = None
    flow_id: uuid.UUID | None = None
    flow_name: str = ""
    name: str = ""
    policy: RetryPolicy = NO_RETRIES
    columns: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    keyed_limits: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Slots of the limits, by name, that are made or changed with the run."""
    payloads: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    own_token: uuid.UUID | None = None
    """The token of its first attempt, of a client that keeps no tokens; None: a fresh one."""
