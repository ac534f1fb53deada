from __future__ import annotations

import datetime
from typing import Any

import pytest

from headrace_notification.rules.buckets import FOREVER, Bucket, Outcome, on_event, on_time, open_bucket
from headrace_notification.rules.triggers import EventTrigger, Posture

START = datetime.datetime(2026, 3, 5, tzinfo=datetime.UTC)
FIRED, RESOLVED = Outcome.FIRED, Outcome.RESOLVED


def at(seconds: float) -> datetime.datetime:
    return START + datetime.timedelta(seconds=seconds)


def a_trigger(posture: Posture, **fields: Any) -> EventTrigger:
    within = datetime.timedelta(seconds=fields.pop("within", 0))
    return EventTrigger(posture=posture, within=within, **fields)


def play(trigger: EventTrigger, *steps: tuple[float, str], bucket: Bucket | None = None) -> list[tuple[float, Outcome]]:
    """Return when it fired and resolved.

    A step is a moment and what happens: "e" an expected event, "a" an event of `after`, "b" one that is both, and
    "t" a look at the clock.
    """
    outcomes: list[tuple[float, Outcome]] = []
    for seconds, what in steps:
        if what == "t":
            if bucket is None:
                continue
            step = on_time(trigger, bucket, at(seconds))
        else:
            step = on_event(
                trigger, bucket, at(seconds), starts=what in "ab" and bool(trigger.after), is_expected=what in "eb"
            )
        bucket = step.bucket
        outcomes += [(seconds, outcome) for outcome in step.outcomes]
    return outcomes


def reactive(**fields: Any) -> EventTrigger:
    return a_trigger(Posture.REACTIVE, **fields)


def proactive(**fields: Any) -> EventTrigger:
    return a_trigger(Posture.PROACTIVE, **fields)


@pytest.mark.parametrize(
    ("trigger", "story", "expected"),
    [
        (reactive(threshold=3), "e0 e9 e99 e100", "fired99"),
        (reactive(threshold=2, within=10), "e0 e10 e19", "fired19"),
        (reactive(threshold=1, within=10), "e0 e1 e9 e10", "fired0 fired10"),
        (reactive(threshold=2, within=10), "e0 e1 e2 e3 e4", "fired1"),
        (reactive(after=("a",), within=10), "e0 a1 e2 e3", "fired2"),
        (reactive(after=("a",), within=10), "a0 e10", ""),
        (reactive(after=("a",), within=10), "a5 e4", ""),
        (reactive(after=("a",), within=10), "b0", ""),
        (reactive(after=("a",), within=10), "b0 b1", "fired1"),
        (reactive(after=("a",)), "a0 e9999", "fired9999"),
        # After a heartbeat the next one is due: each heartbeat is expected and starts the watch anew.
        (proactive(after=("a",), within=10), "b0 b8 b16 t25 t26", "fired26"),
        (proactive(after=("a",), within=10), "a0 t10 t20", "fired10"),
        (proactive(after=("a",), within=10), "a0 e9 t20", ""),
        (proactive(after=("a",), within=10), "a0 t10 e12", "fired10 resolved12"),
        (proactive(after=("a",), within=10), "a0 e12 t13", "fired12 resolved12"),
        (proactive(after=("a",), within=10), "a0 a5 t10", "fired10"),
        (proactive(after=("a",), within=10), "a0 t10 a20 t30 e31", "fired10 fired30 resolved31"),
        (proactive(after=("a",), within=10, threshold=2), "a0 e1 t10", "fired10"),
        (proactive(after=("a",), within=10, threshold=2), "a0 e1 e2 t10", ""),
        (proactive(after=("a",), within=10), "e0 t10", ""),
        # Counted apart: a key that was heard of is missed once, until it is heard of again.
        (proactive(for_each=("x",), within=10), "e0 e8 t17 t18 t40 e50", "fired18 resolved50"),
    ],
)
def test_when_triggers_fire(trigger: EventTrigger, story: str, expected: str) -> None:
    steps = [(float(step[1:]), step[0]) for step in story.split()]
    outcomes = play(trigger, *steps)
    assert " ".join(f"{outcome.value}{seconds:g}" for seconds, outcome in outcomes) == expected


def test_a_watch_that_is_always_on_fires_each_time_that_it_is_disappointed() -> None:
    trigger = proactive(within=10)
    assert trigger.is_always_on
    steps = [(5.0, "e"), (10.0, "t"), (20.0, "t"), (30.0, "t"), (31.0, "e"), (40.0, "t"), (41.0, "t")]
    assert play(trigger, *steps, bucket=open_bucket(trigger, START)) == [
        (20, FIRED),
        (30, FIRED),
        (31, RESOLVED),
        (41, FIRED),
    ]


def test_windows_that_passed_while_nobody_looked_are_not_made_up_for() -> None:
    trigger = proactive(within=10)
    step = on_time(trigger, open_bucket(trigger, START), at(1000))
    assert step.outcomes == (FIRED,)
    assert step.bucket is not None
    assert step.bucket.ends_at == at(1000)


def test_a_window_without_an_end_is_not_watched() -> None:
    bucket = open_bucket(reactive(threshold=2), START)
    assert bucket.ends_at == FOREVER
    assert not bucket.is_watching
    assert on_time(proactive(within=10), open_bucket(proactive(within=10), START), at(9)).outcomes == ()
