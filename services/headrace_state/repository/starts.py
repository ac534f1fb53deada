"""By when claimed runs have to be running."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from typing import Protocol


@dataclasses.dataclass(frozen=True, slots=True)
class StartDeadline:
    """An attempt that had to be running by now."""

    attempt_token: uuid.UUID
    workspace_id: uuid.UUID
    flow_run_id: uuid.UUID
    timeout_seconds: float


class Starts(Protocol):
    """Deadlines of starts, in all workspaces."""

    async def list_reached(self, limit: int) -> list[StartDeadline]:
        """Return deadlines that are reached, whether the run is running or not."""
        ...

    async def drop(self, attempt_tokens: Sequence[uuid.UUID]) -> None:
        """Forget deadlines that were looked at."""
        ...
