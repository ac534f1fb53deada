from __future__ import annotations

import datetime
import uuid

import pytest

from headrace_notification.rules.channel_deliveries import ChannelDelivery, Part, digest, escalates_after
from headrace_notification.rules.channels import (
    MOST_ESCALATIONS,
    Escalation,
    Policy,
    QuietHours,
    Rate,
    due_at,
    policy_document,
    policy_from_document,
    quiet_until,
)
from headrace_notification.rules.messages import Message, Severity, cut, cut_bytes
from headrace_notification.usecases.sending import masked

NOW = datetime.datetime(2026, 3, 5, 12, 0, tzinfo=datetime.UTC)


def seconds(count: float) -> datetime.timedelta:
    return datetime.timedelta(seconds=count)


@pytest.mark.parametrize("most", [0.5, 1, 2, 3, 10, 19, 20, 60, 120])
def test_no_minute_has_more_than_the_rate(most: float) -> None:
    rate = Rate.of(most)
    free_at: datetime.datetime | None = None
    sent: list[float] = []
    for tick in range(0, 200 * 10):
        now = NOW + seconds(tick / 10)
        count = rate.allowance(free_at, now)
        free_at = rate.after(free_at, now, count) if count else free_at
        sent += [tick / 10] * count
    assert sent[0] == 0
    for begin in sent:
        assert sum(begin <= at < begin + 60 for at in sent) <= max(1, most)
    # Nor much less, where there is always something to send.
    assert len(sent) >= 0.8 * most * 200 / 60 - 1


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-03-05T20:59:00+00:00", None),
        ("2026-03-05T21:00:00+00:00", "2026-03-06T06:00:00+00:00"),
        ("2026-03-06T05:59:59+00:00", "2026-03-06T06:00:00+00:00"),
        ("2026-03-06T06:00:00+00:00", None),
        # The night in which clocks go forward is an hour shorter, the one in which they go back an hour longer.
        ("2026-03-28T23:30:00+00:00", "2026-03-29T05:00:00+00:00"),
        ("2026-10-24T22:30:00+00:00", "2026-10-25T06:00:00+00:00"),
    ],
)
def test_quiet_hours_go_by_the_clocks_of_their_zone(at: str, ends: str | None) -> None:
    policy = Policy(quiet_hours=QuietHours("22:00", "07:00", "Europe/Berlin"))
    until = quiet_until(policy, Severity.ERROR, datetime.datetime.fromisoformat(at))
    assert until == (datetime.datetime.fromisoformat(ends) if ends else None)
    assert quiet_until(policy, Severity.CRITICAL, datetime.datetime.fromisoformat(at)) is None


def test_quiet_hours_begin_on_their_days_alone() -> None:
    # The fifth of March is a Thursday.
    policy = Policy(quiet_hours=QuietHours("22:00", "07:00", "UTC", (5,)))
    assert quiet_until(policy, Severity.INFO, NOW.replace(hour=23)) is None
    friday = NOW.replace(day=6, hour=23)
    assert quiet_until(policy, Severity.INFO, friday) == NOW.replace(day=7, hour=7)
    assert quiet_until(policy, Severity.INFO, friday + datetime.timedelta(hours=4)) == NOW.replace(day=7, hour=7)


def test_the_first_of_a_group_goes_at_once_and_the_next_go_together() -> None:
    policy = Policy(group_seconds=300)
    assert due_at(policy, Severity.ERROR, None, NOW) == NOW
    assert due_at(policy, Severity.ERROR, NOW - seconds(10), NOW) == NOW + seconds(290)
    assert due_at(policy, Severity.ERROR, NOW + seconds(200), NOW) == NOW + seconds(200)
    assert due_at(policy, Severity.ERROR, NOW - seconds(301), NOW) == NOW
    quiet = Policy(group_seconds=300, quiet_hours=QuietHours("12:02", "14:00"))
    assert due_at(quiet, Severity.ERROR, NOW - seconds(10), NOW) == NOW.replace(hour=14)


def test_a_policy_survives_the_database() -> None:
    escalation = Escalation(900.0, uuid.uuid4())
    for policy in (Policy(), Policy(30, 60, QuietHours("22:00", "07:00", "UTC", (1,), Severity.ERROR), escalation, 3)):
        assert policy_from_document(policy_document(policy)) == policy


def parts(count: int, span: float, *, subject: str = "", plural: str = "") -> list[Part]:
    step = span / (count - 1)
    return [
        Part(
            Message(subject or f"run {place} failed", severity=Severity.ERROR, plural=plural),
            NOW + seconds(step * place),
        )
        for place in range(count)
    ]


@pytest.mark.parametrize(
    ("span", "words"),
    [(0.2, "1 second"), (50, "50 seconds"), (60, "1 minute"), (290, "5 minutes"), (3600, "1 hour"), (7300, "2 hours")],
)
def test_a_digest_says_how_many_in_which_time(span: float, words: str) -> None:
    assert digest(parts(17, span, plural="runs failed"), 17).subject == f"17 runs failed in {words}"


def test_a_digest_tells_the_first_of_many_and_the_worst_of_all() -> None:
    several = [*parts(20, 60), Part(Message("disk full", severity=Severity.CRITICAL), NOW)]
    made = digest(several, 400)
    assert made.subject == "400 messages in 1 minute: run 0 failed"
    assert made.severity is Severity.CRITICAL
    assert made.body.endswith("- and 380 more")
    same = digest(parts(3, 10, subject="etl failed"), 3)
    assert same.body == "- etl failed (3 times)"


def test_only_what_matters_escalates_and_not_for_ever() -> None:
    policy = Policy(escalation=Escalation(900, uuid.uuid4()))

    def a_delivery(severity: Severity, *, resolves: bool = False, escalations: int = 0) -> ChannelDelivery:
        message = Message("x", severity=severity, resolves=resolves)
        return ChannelDelivery(
            channel_delivery_id=uuid.uuid4(),
            workspace_id=uuid.uuid4(),
            channel_id=uuid.uuid4(),
            channel_name="team",
            channel_kind="slack",
            dedup_key="key",
            message=message,
            escalations=escalations,
        )

    assert escalates_after(a_delivery(Severity.WARNING), policy, is_dead=False) == 900
    assert escalates_after(a_delivery(Severity.WARNING), policy, is_dead=True) == 0
    assert escalates_after(a_delivery(Severity.SUCCESS), policy, is_dead=False) is None
    assert escalates_after(a_delivery(Severity.ERROR, resolves=True), policy, is_dead=False) is None
    assert escalates_after(a_delivery(Severity.ERROR, escalations=MOST_ESCALATIONS), policy, is_dead=False) is None
    assert escalates_after(a_delivery(Severity.ERROR), Policy(), is_dead=False) is None


def test_what_is_cut_says_so_and_stays_whole_characters() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdefg", 6) == "abcde…"
    assert cut_bytes("äöü", 6) == "äöü"
    assert cut_bytes("äöüß", 7) == "äö…"


def test_secrets_are_masked_however_they_are_written() -> None:
    url = "https://hooks.example/services/T0/geheim?sig=a/b"
    text = f"POST {url} failed; /services/T0/geheim; token a%2Fb+c and a/b+c"
    shown = masked(text, [url, "a/b+c", "x"])
    assert "geheim" not in shown
    assert "a/b+c" not in shown
