"""Deliveries to channels: messages on their way, gathered or passed on where the channel says so."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import uuid
from collections.abc import Sequence

from headrace_notification.rules.channels import MOST_ESCALATIONS, Policy
from headrace_notification.rules.messages import LONGEST_SUBJECT, Message, Severity, cut

MOST_WAITING = 10_000
"""Messages that may wait for one channel; further ones are recorded as given up."""

MOST_IN_DIGEST = 1000
MOST_TOLD = 20
"""Messages of a digest whose subjects it tells."""


class ChannelDeliveryStatus(enum.Enum):
    """How a delivery to a channel stands."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"
    GROUPED = "GROUPED"


@dataclasses.dataclass(frozen=True, slots=True)
class ChannelDelivery:
    """A message on its way to a channel."""

    channel_delivery_id: uuid.UUID
    workspace_id: uuid.UUID
    channel_id: uuid.UUID
    channel_name: str
    channel_kind: str
    dedup_key: str
    message: Message
    group_key: str = ""
    event_id: uuid.UUID | None = None
    automation_id: uuid.UUID | None = None
    flow_run_id: uuid.UUID | None = None
    status: ChannelDeliveryStatus = ChannelDeliveryStatus.PENDING
    tries: int = 0
    last_try: int = 0
    """Number of the try after which it is given up."""
    next_try_at: datetime.datetime | None = None
    last_answer: str = ""
    last_status_code: int = 0
    created_at: datetime.datetime | None = None
    ended_at: datetime.datetime | None = None
    digest_id: uuid.UUID | None = None
    grouped: int = 1
    """How many messages it stands for."""
    acknowledged_at: datetime.datetime | None = None
    acknowledged_by: str = ""
    escalates_at: datetime.datetime | None = None
    escalated_to_id: uuid.UUID | None = None
    escalation_of_id: uuid.UUID | None = None
    escalations: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Try:
    """One try of a delivery."""

    number: int
    ended_at: datetime.datetime
    took_seconds: float
    delivered: bool
    status_code: int
    answer: str


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A message of a digest."""

    message: Message
    created_at: datetime.datetime


def escalates_after(delivery: ChannelDelivery, policy: Policy, *, is_dead: bool) -> float | None:
    """Return in how many seconds another channel is told of a delivery that ended; None: none is."""
    if (
        policy.escalation is None
        or delivery.acknowledged_at is not None
        or delivery.message.severity < Severity.WARNING
        or delivery.message.resolves
        or delivery.escalations >= MOST_ESCALATIONS
    ):
        return None
    # Nobody can acknowledge what could not be sent.
    return 0.0 if is_dead else policy.escalation.after_seconds


def escalated(delivery: ChannelDelivery) -> Message:
    """Return the message that tells another channel of a delivery that nobody acknowledged."""
    message = delivery.message
    reason = (
        "could not be delivered"
        if delivery.status is ChannelDeliveryStatus.DEAD
        else "was not acknowledged by those who were told"
    )
    return dataclasses.replace(
        message,
        subject=cut(f"Not acknowledged: {message.subject.removeprefix('Not acknowledged: ')}", LONGEST_SUBJECT),
        body=f"This {reason} (channel {delivery.channel_name}).\n\n{message.body}",
    )


def digest(parts: Sequence[Part], count: int) -> Message:
    """Return one message for several.

    Args:
        parts: The first of them, in order, and the newest; at least two.
        count: How many there are.
    """
    messages = [part.message for part in parts]
    times = [part.created_at for part in parts]
    plurals = {message.plural for message in messages}
    what = plurals.pop() if len(plurals) == 1 else ""
    span = _span(max(times) - min(times))
    told = collections.Counter(message.subject for message in messages[:MOST_TOLD])
    lines = [
        f"- {subject}" + (f" ({times_told} times)" if times_told > 1 else "") for subject, times_told in told.items()
    ]
    if count > sum(told.values()):
        lines.append(f"- and {count - sum(told.values())} more")
    subject = f"{count} {what} in {span}" if what else f"{count} messages in {span}: {messages[0].subject}"
    shared_facts = tuple(fact for fact in messages[0].facts if all(fact in message.facts for message in messages))
    return Message(
        subject=cut(subject, LONGEST_SUBJECT),
        body="\n".join(lines),
        severity=max(message.severity for message in messages),
        link=messages[0].link if len({message.link for message in messages}) == 1 else "",
        facts=shared_facts,
        incident_key=messages[0].incident_key if len({message.incident_key for message in messages}) == 1 else "",
        resolves=all(message.resolves for message in messages),
    )


def _span(span: datetime.timedelta) -> str:
    for unit, seconds in (("hour", 3600), ("minute", 60)):
        count = round(span.total_seconds() / seconds)
        if count >= 2 or (count == 1 and span.total_seconds() >= seconds):
            return f"{count} {unit}s" if count > 1 else f"{count} {unit}"
    seconds = max(1, round(span.total_seconds()))
    return f"{seconds} seconds" if seconds > 1 else "1 second"
