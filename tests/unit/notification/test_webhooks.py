"""How webhooks tell who calls, and by what they know a call that comes again."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import uuid

import pytest

from headrace_notification.rules.webhooks import (
    Authentication,
    Call,
    EventTemplate,
    Proof,
    Webhook,
    digest_of,
    prove,
    template_document,
    template_from_document,
)

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
BODY = b'{"a":1}'
SECRET = "a secret that is long"


def a_webhook(authentication: Authentication) -> Webhook:
    return Webhook(
        uuid.UUID(int=1), uuid.UUID(int=2), "hook", "slug", EventTemplate("x"), authentication=authentication
    )


def hexed(signed: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def headers_of(authentication: Authentication, at: datetime.datetime, secret: str = SECRET) -> dict[str, str]:
    """Return the headers that a sender who knows the secret sends."""
    stamp = str(int(at.timestamp()))
    stamped = f"t={stamp},v1={hexed(stamp.encode() + b'.' + BODY, secret)}"
    return {
        Authentication.NONE: {},
        Authentication.TOKEN: {"authorization": f"Bearer {secret}"},
        Authentication.HEADRACE: {"headrace-signature": stamped},
        Authentication.STRIPE: {"stripe-signature": f"{stamped},v0=ignored"},
        Authentication.GITHUB: {"x-hub-signature-256": f"sha256={hexed(BODY, secret)}"},
        Authentication.SLACK: {
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": f"v0={hexed(b'v0:' + stamp.encode() + b':' + BODY, secret)}",
        },
    }[authentication]


def is_proven(authentication: Authentication, headers: dict[str, str], body: bytes = BODY) -> bool:
    return prove(a_webhook(authentication), Call("POST", headers, {}, body), (SECRET,), NOW) is not None


@pytest.mark.parametrize("authentication", Authentication)
def test_who_knows_the_secret_may_call(authentication: Authentication) -> None:
    assert is_proven(authentication, headers_of(authentication, NOW))


WITH_SECRET = [each for each in Authentication if each is not Authentication.NONE]
TIMED = [Authentication.HEADRACE, Authentication.STRIPE, Authentication.SLACK]


@pytest.mark.parametrize("authentication", WITH_SECRET)
def test_who_does_not_may_not(authentication: Authentication) -> None:
    assert not is_proven(authentication, {})
    assert not is_proven(authentication, headers_of(authentication, NOW, "another secret, also long"))
    assert not is_proven(authentication, dict.fromkeys(headers_of(authentication, NOW), ""))
    assert not is_proven(authentication, dict.fromkeys(headers_of(authentication, NOW), "t=,v1=\xe9,="))


@pytest.mark.parametrize("authentication", [each for each in WITH_SECRET if each is not Authentication.TOKEN])
def test_a_signature_is_of_this_body_alone(authentication: Authentication) -> None:
    assert not is_proven(authentication, headers_of(authentication, NOW), b'{"a":2}')


@pytest.mark.parametrize("authentication", TIMED)
@pytest.mark.parametrize("seconds", [-301, 301, 10**8])
def test_an_old_signature_is_none(authentication: Authentication, seconds: int) -> None:
    assert not is_proven(authentication, headers_of(authentication, NOW + datetime.timedelta(seconds=seconds)))


@pytest.mark.parametrize("moment", ["-1", "1e9", "", "9" * 13, "\u0661"])
def test_times_are_numbers(moment: str) -> None:
    signed = hexed(moment.encode() + b"." + BODY)
    assert not is_proven(Authentication.STRIPE, {"stripe-signature": f"t={moment},v1={signed}"})


def test_the_secret_before_is_taken_as_long_as_it_is_given() -> None:
    call = Call("POST", headers_of(Authentication.GITHUB, NOW, "the secret before this"), {}, BODY)
    webhook = a_webhook(Authentication.GITHUB)
    assert prove(webhook, call, (SECRET, "the secret before this"), NOW) is not None
    assert prove(webhook, call, (SECRET,), NOW) is None
    # Without any secret nobody is let in.
    assert prove(webhook, call, (), NOW) is None


def test_calls_are_known_by_their_name_or_else_by_their_signature() -> None:
    signed, other = Proof("aa"), Proof("bb")
    assert digest_of("", signed) == digest_of("", Proof("aa")) != digest_of("", other)
    assert digest_of("one", signed) == digest_of("one", other) != digest_of("two", signed)
    assert digest_of("aa", Proof()) != digest_of("", signed)
    assert digest_of("", Proof()) is None


def test_a_template_comes_back_from_the_database_as_it_went() -> None:
    template = EventTemplate("a", "b", "c", (), {"d": ["{{ request.body }}"]}, "e")
    assert template_from_document(template_document(template)) == template
