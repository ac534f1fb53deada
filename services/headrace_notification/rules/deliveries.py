"""Deliveries: actions that are to be done for a firing, and when they are tried again."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid
from collections.abc import Mapping
from typing import Any

from headrace_notification.rules.automations import Action

MOST_TRIES = 15
FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 3600.0
LONGEST_ANSWER = 2000


class Status(enum.Enum):
    """How a delivery stands."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"


@dataclasses.dataclass(frozen=True, slots=True)
class Delivery:
    """One action for one firing."""

    delivery_id: uuid.UUID
    workspace_id: uuid.UUID
    automation_id: uuid.UUID
    automation_name: str
    event_id: uuid.UUID | None
    action_kind: str
    action: Action
    context: Mapping[str, Any]
    """What made it fire, as templates see it: `event`, `automation`, `firing`."""
    status: Status = Status.PENDING
    tries: int = 0
    next_try_at: datetime.datetime | None = None
    last_answer: str = ""
    last_status_code: int = 0
    created_at: datetime.datetime | None = None
    ended_at: datetime.datetime | None = None

    @property
    def dedup_key(self) -> str:
        """The same for all tries, so that the receiver can tell them."""
        return str(self.delivery_id)


class Result(enum.Enum):
    """How a try ended."""

    DONE = "done"
    """It is done."""
    AGAIN = "again"
    """It may be done another time."""
    REFUSED = "refused"
    """Another try would be answered alike."""


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What came of a try."""

    result: Result
    text: str = ""
    """What was answered, or what went wrong."""
    status_code: int = 0
    """The HTTP status; 0 if there was none."""
    retry_after_seconds: float | None = None
    """When the receiver asks to come back."""


@dataclasses.dataclass(frozen=True, slots=True)
class AfterTry:
    """How a delivery stands after a try."""

    status: Status
    delay_seconds: float = 0.0
    """When it is tried next, if it is."""


def after_try(answer: Answer, tries: int, chance: float, *, most_tries: int = MOST_TRIES) -> AfterTry:
    """Return how a delivery stands after its try number `tries`.

    The delay doubles with each try up to an hour, and varies by a quarter either way; a receiver that says when to
    come back is not asked before.

    Args:
        answer: What came of the try.
        tries: How many there were, with it.
        chance: From 0 to 1.
        most_tries: After how many it is given up.
    """
    if answer.result is Result.DONE:
        return AfterTry(Status.DELIVERED)
    if answer.result is Result.REFUSED or tries >= most_tries:
        return AfterTry(Status.DEAD)
    delay = min(FIRST_DELAY_SECONDS * 2.0 ** min(tries - 1, 30), LONGEST_DELAY_SECONDS)
    delay *= 0.75 + 0.5 * chance
    if answer.retry_after_seconds is not None:
        delay = max(delay, min(answer.retry_after_seconds, LONGEST_DELAY_SECONDS))
    return AfterTry(Status.PENDING, delay)


# Those of the 4xx that may pass: time-out, conflict, too early, too many requests.
_PASSING = frozenset({408, 409, 425, 429})


def judge_status(status_code: int) -> Result:
    """Return what an HTTP status means for a delivery. Redirects are not followed."""
    if 200 <= status_code < 300:
        return Result.DONE
    if status_code >= 500 or status_code in _PASSING:
        return Result.AGAIN
    return Result.REFUSED
