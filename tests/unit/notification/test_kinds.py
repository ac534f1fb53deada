from __future__ import annotations

import email
import email.policy
import re

import pytest

from headrace_harness.receiver import Received
from headrace_harness.vendors import VENDORS
from headrace_notification.rules.deliveries import Answer, Result
from headrace_notification.rules.kinds.base import HttpCall, Mail, Notice
from headrace_notification.rules.kinds.registry import KINDS, checked, joined, parted
from headrace_notification.rules.messages import CUT, Message, Severity, fitted

ORDINARY = Message(
    subject="The brave-otter run of the etl flow entered a Failed state",
    body="ValueError: no rows\n  line 3",
    severity=Severity.ERROR,
    link="https://headrace.example/runs/1",
    facts=(("Flow", "etl"), ("Run", "brave-otter")),
    incident_key="etl",
)
HOSTILE = Message(
    subject="<!channel> <script>alert(1)</script> & @all \"x\" 'y' *b* _i_ [l](http://evil)",
    body="<@U1> </b><b> &amp; {{ 7 * 7 }} @channel @here \u202e \U0001f600\n```x```",
    severity=Severity.CRITICAL,
    link="javascript:alert(1)",
    facts=(("<b>&", "a & b <script>"), ("empty", "")),
    links=(("go]", "data:text/html,x"),),
)
HUGE = fitted(
    Message(
        subject='"ü<&\U0001f600' * 400,
        body='line "quoted" <tag> & ünïcödé \U0001f600\n' * 4000,
        severity=Severity.WARNING,
        link="https://headrace.example/" + "x" * 1500,
        facts=tuple((f"name {place} " + "n" * 300, '<&"\U0001f600' * 2000) for place in range(80)),
        links=tuple(
            (f"link {place} " + "t" * 300, f"https://headrace.example/{place}/" + "y" * 1000) for place in range(9)
        ),
        incident_key="k" * 300,
    )
)
EMPTY = Message(subject="x")


def built(kind: str, message: Message, link: str = "https://headrace.example/acknowledge/abc") -> Received:
    config = checked(KINDS[kind], VENDORS[kind].config("http://vendor.example"))
    made = KINDS[kind].build(config, Notice(message, "key-1", 1_800_000_000, link))
    assert isinstance(made, HttpCall)
    path = made.url.removeprefix("http://vendor.example")
    headers = {name.lower(): value for name, value in made.headers.items()} | {"headrace-delivery-id": "key-1"}
    return Received(made.method, path, headers, made.body, 0.0)


@pytest.mark.parametrize("message", [ORDINARY, HOSTILE, HUGE, EMPTY], ids=["ordinary", "hostile", "huge", "empty"])
@pytest.mark.parametrize("kind", VENDORS)
def test_every_message_is_within_what_the_vendor_documents(kind: str, message: Message) -> None:
    told = VENDORS[kind].check(built(kind, message))
    assert "javascript:" not in told or kind == "webhook"
    if message is HUGE and kind != "webhook":
        assert CUT in told or "\\u2026" in told


@pytest.mark.parametrize("kind", VENDORS)
def test_what_matters_is_told_and_can_be_acknowledged(kind: str) -> None:
    told = VENDORS[kind].check(built(kind, ORDINARY))
    assert "brave-otter" in told
    assert "no rows" in told
    assert "https://headrace.example/acknowledge/abc" in told
    assert "https://headrace.example/runs/1" in told


@pytest.mark.parametrize("kind", ["pagerduty", "opsgenie"])
def test_a_settled_matter_is_resolved(kind: str) -> None:
    settled = Message(subject="etl is well again", severity=Severity.SUCCESS, incident_key="etl", resolves=True)
    received = built(kind, settled)
    VENDORS[kind].check(received)
    assert b'"resolve"' in received.body if kind == "pagerduty" else "/close" in received.path


@pytest.mark.parametrize("kind", KINDS)
def test_secrets_are_parted_from_a_configuration_and_joined_again(kind: str) -> None:
    config = VENDORS[kind].config("http://v.example") if kind in VENDORS else an_email_config()
    shown, secrets = parted(kind, config)
    assert secrets
    assert not any(secret in str(shown) for secret in secrets.values())
    assert joined(kind, shown, secrets) == config


@pytest.mark.parametrize(
    ("kind", "status", "text", "expected"),
    [
        ("slack-bot", 200, '{"ok": true}', (Result.DONE, None)),
        ("slack-bot", 200, '{"ok": false, "error": "ratelimited"}', (Result.AGAIN, None)),
        ("slack-bot", 200, '{"ok": false, "error": "invalid_auth"}', (Result.REFUSED, None)),
        ("slack-bot", 200, "<html>proxy</html>", (Result.AGAIN, None)),
        ("telegram", 429, '{"ok": false, "parameters": {"retry_after": 7}}', (Result.AGAIN, 7.0)),
        ("discord", 429, '{"retry_after": 1.5}', (Result.AGAIN, 1.5)),
        ("discord", 429, '{"retry_after": "soon"}', (Result.AGAIN, None)),
        ("discord", 429, "[" * 5000, (Result.AGAIN, None)),
    ],
)
def test_answers_are_read_as_the_vendor_means_them(
    kind: str, status: int, text: str, expected: tuple[Result, float | None]
) -> None:
    result = Result.DONE if status == 200 else Result.AGAIN
    refined = KINDS[kind].refine(Answer(result, text, status))
    assert (refined.result, refined.retry_after_seconds) == expected


def an_email_config(**fields: object) -> dict[str, object]:
    return {
        "host": "mail.example.org",
        "username": "headrace",
        "password": "s3cr3t-password",
        "from_address": "headrace@example.org",
        "to_addresses": ["ops@example.org", "night@example.org"],
        **fields,
    }


@pytest.mark.parametrize("message", [ORDINARY, HOSTILE, HUGE, EMPTY], ids=["ordinary", "hostile", "huge", "empty"])
def test_every_message_is_an_email_of_which_no_line_is_too_long(message: Message) -> None:
    hostile_name = "x\r\nBcc: evil@example.org"
    config = checked(KINDS["email"], an_email_config(from_name=hostile_name))
    made = KINDS["email"].build(config, Notice(message, "key-1", 1_800_000_000, "https://h.example/acknowledge/abc"))
    assert isinstance(made, Mail)
    assert all(len(line) <= 998 for line in made.content.split(b"\r\n"))
    assert re.search(rb"(?<!\r)\n", made.content) is None
    parsed = email.message_from_bytes(made.content, policy=email.policy.default)
    assert "Bcc" not in parsed
    assert parsed["To"] == "ops@example.org, night@example.org"
    assert parsed["Message-ID"].endswith("@example.org>")
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["Subject"]
    text, page = parsed.iter_parts()
    assert (text.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    assert "https://h.example/acknowledge/abc" in text.get_content()
    assert "<script" not in page.get_content()
    assert 'href="javascript' not in page.get_content()


def test_all_tries_are_the_same_email() -> None:
    config = checked(KINDS["email"], an_email_config())
    ids = set()
    for sent_at in (1_800_000_000, 1_800_009_999):
        made = KINDS["email"].build(config, Notice(ORDINARY, "key-1", sent_at))
        assert isinstance(made, Mail)
        ids.add(email.message_from_bytes(made.content)["Message-ID"])
    assert len(ids) == 1
