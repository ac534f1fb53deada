"""The history of other servers."""

from __future__ import annotations

import uuid
from typing import Protocol

from headrace_state.rules.imports import Outcomes, Past


class Imports(Protocol):
    """Stores runs that ended elsewhere."""

    async def store(self, workspace_id: uuid.UUID, past: Past) -> Outcomes:
        """Store all of it, or nothing; what is there stays as it is.

        Raises:
            errors.NotFound: The flow of a run is not there.
        """
        ...
