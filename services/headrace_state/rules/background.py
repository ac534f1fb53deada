"""Background tasks: what is queued, who serves it, and what becomes of it when its server has gone."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from typing import Any

from headrace_state.rules.states import AWAITING_RETRY, StateType

MOST_DELIVERIES = 4
"""A task run that was lost with its server this often is not handed out again: it may be what ends the servers."""


@dataclasses.dataclass(frozen=True, slots=True)
class NewBackgroundTask:
    """A task run to be queued."""

    task_run_id: uuid.UUID
    task_key: str
    due_at: datetime.datetime | None
    waits_for: tuple[uuid.UUID, ...]
    parameters: bytes | None
    parameters_reference: dict[str, Any] | None
    queued_by: uuid.UUID | None = None
    """The flow run that queues it with its token."""


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """A task server as it introduces itself."""

    server_id: uuid.UUID
    name: str
    task_keys: tuple[str, ...]
    slots: int
    client_version: str
    keeps_tokens: bool = True
    """False: task runs are recorded under their own ids as tokens."""


@dataclasses.dataclass(frozen=True, slots=True)
class Lost:
    """What is known of a background task whose lease expired."""

    state_type: str
    deliveries: int
    is_cancelling: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of it."""

    state: StateType | None
    """The state that it enters; None leaves it in its own."""
    name: str = ""
    message: str = ""
    is_queued: bool = True
    """Whether it is handed out again."""


def judge_loss(lost: Lost) -> Fate:
    """Return what becomes of a background task whose server has gone."""
    if lost.is_cancelling:
        return Fate(StateType.CANCELLED, message="it was cancelled, and its task server has gone", is_queued=False)
    if lost.deliveries >= MOST_DELIVERIES:
        return Fate(
            StateType.CRASHED,
            message=f"its task server has gone, for the {lost.deliveries}th time",
            is_queued=False,
        )
    if lost.state_type == StateType.SCHEDULED:
        # Nobody had begun with it.
        return Fate(None)
    return Fate(StateType.SCHEDULED, AWAITING_RETRY, "its task server has gone; another gets it")
