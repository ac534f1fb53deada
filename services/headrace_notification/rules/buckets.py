"""What a trigger remembers between events, and when it fires.

Reactive: the first expected event (or the event that it waits for) opens a window; when the threshold is reached
within it, the trigger fires, and is quiet for what is left of the window. Proactive: a window is opened by an
event of `after`, or is always open; if the threshold is not reached until its end, the trigger fires; the next
expected event then resolves it.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum

from headrace_notification.rules.metrics import MetricTrigger
from headrace_notification.rules.triggers import EventTrigger, Posture

FOREVER = datetime.datetime(9999, 1, 1, tzinfo=datetime.UTC)
"""The end of a window without one."""


class Outcome(enum.Enum):
    """What came of looking at an event or the clock."""

    FIRED = "fired"
    RESOLVED = "resolved"


@dataclasses.dataclass(frozen=True, slots=True)
class Bucket:
    """What a trigger remembers for one key."""

    starts_at: datetime.datetime
    ends_at: datetime.datetime
    count: int = 0
    fired_at: datetime.datetime | None = None
    """Proactive: since when the absence is told and not resolved. Reactive: when it fired in this window."""

    @property
    def is_watching(self) -> bool:
        """Whether it has an end."""
        return self.ends_at < FOREVER


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """What a trigger remembers from now on, and what came of it."""

    bucket: Bucket | None
    outcomes: tuple[Outcome, ...] = ()


def open_bucket(trigger: EventTrigger, at: datetime.datetime) -> Bucket:
    """Return the window that begins at `at`."""
    return Bucket(at, at + trigger.within if trigger.within else FOREVER)


def on_event(
    trigger: EventTrigger, bucket: Bucket | None, at: datetime.datetime, *, starts: bool, is_expected: bool
) -> Step:
    """Return what becomes of a bucket when an event comes that the trigger covers.

    Args:
        trigger: The condition.
        bucket: What it remembers for the event's key.
        at: When the event occurred.
        starts: Whether the event starts the watch.
        is_expected: Whether the event is one of those expected.
    """
    if trigger.posture is Posture.REACTIVE:
        return _reactive(trigger, bucket, at, starts=starts, is_expected=is_expected)
    earlier: tuple[Outcome, ...] = ()
    if bucket is not None and at >= bucket.ends_at:
        # It came too late, and the clock has not been looked at since.
        step = on_time(trigger, bucket, at)
        bucket, earlier = step.bucket, step.outcomes
    step = _proactive(trigger, bucket, at, starts=starts, is_expected=is_expected)
    return Step(step.bucket, earlier + step.outcomes)


def _reactive(
    trigger: EventTrigger, bucket: Bucket | None, at: datetime.datetime, *, starts: bool, is_expected: bool
) -> Step:
    if bucket is not None and at >= bucket.ends_at:
        bucket = None
    if bucket is None and trigger.after:
        # The event that opens the window does not count in it, even if it is one of those expected.
        return Step(open_bucket(trigger, at) if starts else None)
    if bucket is None:
        bucket = open_bucket(trigger, at)
    if not is_expected or bucket.fired_at is not None or (trigger.after and at < bucket.starts_at):
        return Step(bucket)
    bucket = dataclasses.replace(bucket, count=bucket.count + 1)
    if bucket.count < trigger.threshold:
        return Step(bucket)
    if trigger.after or not trigger.within:
        return Step(None, (Outcome.FIRED,))
    return Step(dataclasses.replace(bucket, fired_at=at), (Outcome.FIRED,))


def _proactive(
    trigger: EventTrigger, bucket: Bucket | None, at: datetime.datetime, *, starts: bool, is_expected: bool
) -> Step:
    if bucket is None:
        # Without `after` this is a key that is seen for the first time: the watch over it begins now.
        return Step(open_bucket(trigger, at) if starts or not trigger.after else None)
    outcomes: tuple[Outcome, ...] = ()
    if is_expected and at >= bucket.starts_at:
        bucket = dataclasses.replace(bucket, count=bucket.count + 1)
        is_met = bucket.count >= trigger.threshold
        if bucket.fired_at is not None:
            outcomes = (Outcome.RESOLVED,)
        if trigger.after and (is_met or outcomes):
            # What was waited for has come; if it also starts a watch, the next one begins.
            return Step(open_bucket(trigger, at) if starts else None, outcomes)
        if outcomes or (is_met and trigger.for_each):
            # What matters for a key is how long ago it was last heard of.
            return Step(open_bucket(trigger, at), outcomes)
    if starts and not bucket.is_watching:
        return Step(dataclasses.replace(open_bucket(trigger, at), fired_at=bucket.fired_at))
    return Step(bucket, outcomes)


def on_time(trigger: EventTrigger, bucket: Bucket, now: datetime.datetime) -> Step:
    """Return what becomes of a bucket of a proactive trigger once its end is over."""
    if now < bucket.ends_at:
        return Step(bucket)
    is_met = bucket.count >= trigger.threshold
    outcomes = () if is_met else (Outcome.FIRED,)
    if trigger.is_always_on:
        # After a pause of the server the windows that passed meanwhile are not made up for.
        following = open_bucket(trigger, max(bucket.ends_at, now - trigger.within))
        return Step(following if is_met else dataclasses.replace(following, fired_at=bucket.fired_at or now), outcomes)
    if is_met:
        return Step(None)
    # It fires once; whatever is heard of it next resolves it.
    return Step(dataclasses.replace(bucket, ends_at=FOREVER, fired_at=bucket.fired_at or now), outcomes)


def on_figure(trigger: MetricTrigger, bucket: Bucket | None, figure: float | None, now: datetime.datetime) -> Step:
    """Return what a condition remembers once a figure was measured, and what came of it.

    Without a figure (nothing ran) it is not known whether it holds: what fired stays as it is, and what has not
    fired begins anew.
    """
    has_fired = bucket is not None and bucket.fired_at is not None
    if figure is None:
        return Step(bucket if has_fired else None)
    if not trigger.is_beyond(figure):
        return Step(None, (Outcome.RESOLVED,) if has_fired else ())
    if bucket is None:
        bucket = Bucket(now, FOREVER)
    if has_fired or now - bucket.starts_at < trigger.firing_for:
        return Step(bucket)
    return Step(dataclasses.replace(bucket, fired_at=now), (Outcome.FIRED,))
