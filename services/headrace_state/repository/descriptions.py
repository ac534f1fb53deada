"""All that is known about why a run is where it is."""

from __future__ import annotations

import uuid
from typing import Protocol

from headrace_state.rules.descriptions import Description


class Descriptions(Protocol):
    """Reads about single runs."""

    async def describe(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID) -> Description | None:
        """Return what is known about a run, None if there is none."""
        ...
