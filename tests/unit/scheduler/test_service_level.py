"""When a promise about the runs of a deployment is broken."""

from __future__ import annotations

import datetime
import uuid

import pytest

from headrace_scheduler.rules import service_level as rules
from headrace_scheduler.rules.service_level import Kind, LevelRun, ServiceLevel, Severity

NOW = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)
NOBODY = uuid.UUID(int=0)


def ago(seconds: float | None) -> datetime.datetime | None:
    """Return the time so many seconds before now."""
    return None if seconds is None else NOW - datetime.timedelta(seconds=seconds)


def a_level(kind: Kind, within: float = 60.0, since: float = 3600.0) -> ServiceLevel:
    begun = NOW - datetime.timedelta(seconds=since)
    return ServiceLevel(NOBODY, NOBODY, NOBODY, "l", kind, within, Severity.HIGH, False, begun, begun, None, begun)


def a_run(expected: float | None, started: float | None, ended: float | None) -> LevelRun:
    return LevelRun(uuid.UUID(int=1), "r", ago(expected), ago(started), ago(ended))


@pytest.mark.parametrize(
    ("started", "ended", "is_broken"),
    [(None, None, False), (50, None, False), (70, None, True), (200, 150, False), (200, 100, True)],
)
def test_a_run_has_to_end_in_time_after_it_started(started: float | None, ended: float | None, is_broken: bool) -> None:
    breach = rules.late_completion(a_level(Kind.COMPLETION), a_run(300, started, ended), NOW)
    assert (breach is not None) == is_broken


@pytest.mark.parametrize(
    ("expected", "started", "ended", "is_broken"),
    [
        (30, None, None, False),
        (70, None, None, True),
        (200, 150, None, False),
        (200, 100, 50, True),
        (200, None, 150, False),
        (4000, None, None, False),
    ],
)
def test_a_run_has_to_start_in_time_after_it_was_expected(
    expected: float, started: float | None, ended: float | None, is_broken: bool
) -> None:
    breach = rules.late_start(a_level(Kind.LATENESS), a_run(expected, started, ended), NOW)
    assert (breach is not None) == is_broken


def test_silence_breaks_a_promise_once_until_a_run_completes_again() -> None:
    level = a_level(Kind.FREQUENCY)
    assert rules.silence(level, a_run(70, 60, 50), NOW) is None
    first = rules.silence(level, a_run(170, 160, 150), NOW)
    assert first is not None
    later = NOW + datetime.timedelta(seconds=30)
    assert rules.silence(level, a_run(170, 160, 150), later) == first
    never = rules.silence(level, None, NOW)
    assert never is not None
    assert never.subject != first.subject
    assert rules.silence(a_level(Kind.FREQUENCY, since=30), None, NOW) is None


def test_short_promises_are_looked_at_more_often() -> None:
    waits = [a_level(Kind.LATENESS, within).next_check_after(NOW) - NOW for within in (1, 60, 86_400)]
    assert [wait.total_seconds() for wait in waits] == [2, 3, 60]
