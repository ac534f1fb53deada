"""All that is known about why a run is where it is."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

from headrace_state.rules.rows import Row


@dataclasses.dataclass(frozen=True, slots=True)
class Description:
    """What is known about a run beside its row."""

    now: datetime.datetime
    lease_expires_at: datetime.datetime | None
    """Until when its holder has it; None if nobody has."""
    due_at: datetime.datetime | None
    """None if it does not wait to be claimed."""
    expires_at: datetime.datetime | None
    worker_labels: Mapping[str, Any]
    ahead: int
    """Due runs before it in its queue, counted up to a bound."""
    limits: tuple[Row, ...]
    """Name, slots, taken, is_rate and holders of each limit that it needs."""
    relatives: tuple[Row, ...]
    """Task runs and subflows that are not final, and the run that called it."""
