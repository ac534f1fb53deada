"""Channels: where people are told what happened; and when something may be sent to them."""

from __future__ import annotations

import dataclasses
import datetime
import math
import uuid
import zoneinfo
from collections.abc import Mapping
from typing import Any

from headrace_notification.rules.messages import Severity

MASK = "********"
"""Stands for a secret in everything that is shown."""

MOST_TRIES = 12
LEAST_ESCALATION_SECONDS = 60.0
LONGEST_ESCALATION_SECONDS = 7 * 86400.0
LONGEST_GROUP_SECONDS = 86400.0
MOST_ESCALATIONS = 5
"""How often a message is passed on, so that channels which escalate to each other come to an end."""

_BURST_SHARE = 0.1
"""Part of a minute's messages that may be sent at once."""


@dataclasses.dataclass(frozen=True, slots=True)
class QuietHours:
    """When only what is severe is sent."""

    begins_at: str
    """ "HH:MM" in the zone."""
    ends_at: str
    """ "HH:MM"; not after the begin: of the next day."""
    zone: str = "UTC"
    days: tuple[int, ...] = ()
    """Days on which they begin, 1 is Monday; () is each day."""
    passes: Severity = Severity.CRITICAL


@dataclasses.dataclass(frozen=True, slots=True)
class Escalation:
    """Whom to tell if nobody acknowledges."""

    after_seconds: float
    channel_id: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """How messages are sent to a channel."""

    most_per_minute: float = 0.0
    """0 is what suits the kind."""
    group_seconds: float = 0.0
    """0: each message is sent alone."""
    quiet_hours: QuietHours | None = None
    escalation: Escalation | None = None
    most_tries: int = 0
    """0 is MOST_TRIES."""


@dataclasses.dataclass(frozen=True, slots=True)
class Channel:
    """Where people are told what happened."""

    channel_id: uuid.UUID
    workspace_id: uuid.UUID
    name: str
    kind: str
    description: str = ""
    paused: bool = False
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """As the kind's schema says, with MASK in place of secrets."""
    secrets: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """What MASK stands for, sealed, by JSON pointer."""
    policy: Policy = dataclasses.field(default_factory=Policy)
    held_until: datetime.datetime | None = None
    """Nothing is sent before: the receiver asked for it."""
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None


def policy_document(policy: Policy) -> dict[str, Any]:
    """Return a policy as JSON."""
    quiet, escalation = policy.quiet_hours, policy.escalation
    return {
        "most_per_minute": policy.most_per_minute,
        "group_seconds": policy.group_seconds,
        "quiet_hours": quiet
        and {
            "begins_at": quiet.begins_at,
            "ends_at": quiet.ends_at,
            "zone": quiet.zone,
            "days": list(quiet.days),
            "passes": quiet.passes.name,
        },
        "escalation": escalation
        and {"after_seconds": escalation.after_seconds, "channel_id": str(escalation.channel_id)},
        "most_tries": policy.most_tries,
    }


def policy_from_document(document: Mapping[str, Any]) -> Policy:
    """Return the policy that JSON describes."""
    quiet, escalation = document["quiet_hours"], document["escalation"]
    return Policy(
        most_per_minute=document["most_per_minute"],
        group_seconds=document["group_seconds"],
        quiet_hours=quiet
        and QuietHours(
            quiet["begins_at"], quiet["ends_at"], quiet["zone"], tuple(quiet["days"]), Severity[quiet["passes"]]
        ),
        escalation=escalation and Escalation(escalation["after_seconds"], uuid.UUID(escalation["channel_id"])),
        most_tries=document["most_tries"],
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Rate:
    """How many messages may be sent when: a burst, then one each interval; never more than the most in a minute."""

    burst: int
    interval_seconds: float

    @classmethod
    def of(cls, most_per_minute: float) -> Rate:
        """Return the rate that sends at most `most_per_minute` in any minute."""
        burst = max(1, math.floor(most_per_minute * _BURST_SHARE))
        # A burst at the begin of a minute and all that follows in it together are the most. One alone needs no share.
        return cls(burst, 60.0 / (most_per_minute - burst if burst > 1 else most_per_minute))

    def allowance(self, free_at: datetime.datetime | None, now: datetime.datetime) -> int:
        """Return how many may be sent now.

        Args:
            free_at: When all that was sent is spread out; None if nothing was sent.
            now: The time.
        """
        interval = self.interval_seconds
        ahead = max(0.0, (free_at - now).total_seconds()) if free_at is not None else 0.0
        return max(0, math.floor((self.burst * interval - ahead) / interval + 1e-9))

    def after(self, free_at: datetime.datetime | None, now: datetime.datetime, sent: int) -> datetime.datetime:
        """Return when all is spread out that was sent, with `sent` more."""
        begin = now if free_at is None else max(free_at, now)
        return begin + datetime.timedelta(seconds=self.interval_seconds * sent)


def quiet_until(policy: Policy, severity: Severity, now: datetime.datetime) -> datetime.datetime | None:
    """Return when the quiet hours end that keep a message back now, None if none does."""
    quiet = policy.quiet_hours
    if quiet is None or severity >= quiet.passes:
        return None
    zone = zoneinfo.ZoneInfo(quiet.zone)
    local = now.astimezone(zone)
    begin, end = _clock(quiet.begins_at), _clock(quiet.ends_at)
    # Those that began today, and those that began yesterday and go on past midnight.
    for day in (local.date(), local.date() - datetime.timedelta(days=1)):
        if quiet.days and day.isoweekday() not in quiet.days:
            continue
        begins = datetime.datetime.combine(day, begin, zone)
        ends = datetime.datetime.combine(day if end > begin else day + datetime.timedelta(days=1), end, zone)
        # Compared in UTC: within a zone Python compares what clocks show, which is not the order where they go back.
        if begins.astimezone(datetime.UTC) <= now < ends.astimezone(datetime.UTC):
            return ends.astimezone(datetime.UTC)
    return None


def _clock(text: str) -> datetime.time:
    return datetime.time.fromisoformat(text)


def due_at(
    policy: Policy, severity: Severity, group_scheduled_at: datetime.datetime | None, now: datetime.datetime
) -> datetime.datetime:
    """Return when a new message is to be sent.

    Args:
        policy: Of the channel.
        severity: Of the message.
        group_scheduled_at: When the last message of its group was or is to be sent; None if there was none.
        now: The time.
    """
    due = now
    if group_scheduled_at is not None and policy.group_seconds > 0:
        if group_scheduled_at > now:
            due = group_scheduled_at
        else:
            due = max(now, group_scheduled_at + datetime.timedelta(seconds=policy.group_seconds))
    return quiet_until(policy, severity, due) or due
