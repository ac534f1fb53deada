"""What is said of runs that wait for somebody or something."""

from __future__ import annotations

import datetime
import uuid

import pytest

from headrace_scheduler.rules.explanation import PlaceFacts, RunFacts, explain, summary

NOW = datetime.datetime(2030, 1, 31, 8, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("name", "message", "is_suspended", "said"),
    [
        ("Paused", "", False, "It is paused: its process waits, and fails unless it is resumed by 2030"),
        ("Suspended", "", True, "It is suspended: no process waits, and fails unless it is resumed by 2030"),
        ("AwaitingEvent", "It waits for an event order.paid.", True, "event order.paid, and goes on without it at"),
    ],
)
def test_what_a_paused_run_waits_for_is_said_and_what_becomes_of_it(
    name: str, message: str, is_suspended: bool, said: str
) -> None:
    run = RunFacts(uuid.UUID(int=7), "PAUSED", name, message, NOW, NOW, pause_expires_at=NOW, is_suspended=is_suspended)
    told = summary(explain(run, PlaceFacts()))
    assert said in told
    assert f"headrace flow-run resume {run.flow_run_id}" in told
