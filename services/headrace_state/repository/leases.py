"""The leases of attempts."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Sequence
from typing import Protocol

from headrace_state.rules.facts import State


@dataclasses.dataclass(frozen=True, slots=True)
class AttemptRef:
    """Names an attempt, as its holder does."""

    flow_run_id: uuid.UUID
    token: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True)
class Renewal:
    """What became of renewing one attempt's lease."""

    attempt: AttemptRef
    is_renewed: bool
    expires_at: datetime.datetime | None
    state: State | None
    """The run's state; None if there is no such run."""
    is_current: bool
    """Whether the token is that of the last attempt, even where the run is over."""


class Leases(Protocol):
    """The leases of attempts."""

    async def renew(
        self, workspace_id: uuid.UUID, attempts: Sequence[AttemptRef], lease_seconds: float | None
    ) -> list[Renewal]:
        """Renew the leases of attempts.

        Args:
            workspace_id: Whose runs.
            attempts: The attempts.
            lease_seconds: How long the leases hold from now on; None keeps what each has.

        Returns:
            What became of each, in the given order.
        """
        ...
