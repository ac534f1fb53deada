"""Renew the leases of attempts, and tell their processes what they have to do."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Sequence

from headrace_state.repository.leases import AttemptRef, Leases, Renewal
from headrace_state.rules.facts import State
from headrace_state.rules.states import StateType


@dataclasses.dataclass(frozen=True, slots=True)
class Renewed:
    """What became of attempts whose leases were to be renewed."""

    expires_at: datetime.datetime | None
    """Until then the renewed leases hold; None if none was renewed."""
    held: tuple[Renewal, ...]
    """Attempts that go on."""
    lost: tuple[Renewal, ...]
    """Attempts that may no longer write."""
    ended: tuple[Renewal, ...]
    """Attempts that hold nothing any more because their own end was stored."""
    to_stop: tuple[tuple[uuid.UUID, State], ...]
    """Runs that were asked to stop."""
    to_hold: tuple[tuple[uuid.UUID, State], ...]
    """Runs that are PAUSED: their processes start nothing further until they are resumed."""


async def renew_attempts(
    leases: Leases, workspace_id: uuid.UUID, attempts: Sequence[AttemptRef], lease_seconds: float | None = None
) -> Renewed:
    """Renew the leases of attempts.

    Args:
        leases: Where they are.
        workspace_id: Whose runs.
        attempts: What the caller holds, by its own account.
        lease_seconds: How long the leases hold from now on; None keeps what each has.
    """
    renewals = await leases.renew(workspace_id, attempts, lease_seconds)
    held = tuple(renewal for renewal in renewals if renewal.is_renewed)
    return Renewed(
        expires_at=min((renewal.expires_at for renewal in held if renewal.expires_at is not None), default=None),
        held=held,
        lost=tuple(renewal for renewal in renewals if not renewal.is_renewed and not renewal.is_current),
        ended=tuple(renewal for renewal in renewals if not renewal.is_renewed and renewal.is_current),
        to_stop=_of_type(held, StateType.CANCELLING),
        to_hold=_of_type(held, StateType.PAUSED),
    )


def _of_type(held: Sequence[Renewal], wanted: StateType) -> tuple[tuple[uuid.UUID, State], ...]:
    return tuple(
        (renewal.attempt.flow_run_id, renewal.state)
        for renewal in held
        if renewal.state is not None and renewal.state.type is wanted
    )
