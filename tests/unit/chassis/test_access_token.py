"""Tokens between services: only what the identity service signed, only for a while."""

from __future__ import annotations

import base64
import dataclasses
import uuid

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headrace import errors
from headrace_chassis.access_token import Claims, Grant, sign, verify

KEY = Ed25519PrivateKey.generate()
KEYS = {"one": KEY.public_key()}
CLAIMS = Claims(
    principal_id="ada",
    kind="user",
    display_name="Ada",
    account_id=uuid.UUID(int=1),
    workspace_id=uuid.UUID(int=2),
    permissions=frozenset({20, 30}),
    grants=(Grant(1, "d", frozenset({31})),),
    credential_id="api-key:1",
    access_version=7,
    expires_at=1_000.0,
)


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


def test_a_token_says_what_was_signed() -> None:
    assert verify(KEYS, sign(KEY, "one", CLAIMS), 999.0) == CLAIMS


def test_a_token_ends() -> None:
    with pytest.raises(errors.Unauthenticated) as caught:
        verify(KEYS, sign(KEY, "one", CLAIMS), 1_000.0)
    assert caught.value.reason == "ACCESS_TOKEN_EXPIRED"


def test_what_another_key_signed_is_refused() -> None:
    forged = sign(Ed25519PrivateKey.generate(), "one", CLAIMS)
    for token in (forged, sign(KEY, "two", CLAIMS)):
        with pytest.raises(errors.Unauthenticated):
            verify(KEYS, token, 0.0)


def test_what_was_changed_is_refused() -> None:
    head, body, signature = sign(KEY, "one", CLAIMS).split(".")
    other = sign(KEY, "one", dataclasses.replace(CLAIMS, principal_id="bob")).split(".")[1]
    for token in (f"{head}.{other}.{signature}", f"{head}.{body}.", f"{head}.{body}", f"{head}..{signature}"):
        with pytest.raises(errors.Unauthenticated):
            verify(KEYS, token, 0.0)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256", ""])
def test_a_token_does_not_choose_its_algorithm(algorithm: str) -> None:
    body = sign(KEY, "one", CLAIMS).split(".")[1]
    head = encoded({"alg": algorithm, "kid": "one"})
    with pytest.raises(errors.Unauthenticated):
        verify(KEYS, f"{head}.{body}.", 0.0)


def test_a_token_for_something_else_is_refused() -> None:
    head = encoded({"alg": "EdDSA", "kid": "one"})
    body = encoded({"aud": "other", "sub": "ada"})
    signed = f"{head}.{body}"
    signature = base64.urlsafe_b64encode(KEY.sign(signed.encode())).rstrip(b"=").decode()
    with pytest.raises(errors.Unauthenticated):
        verify(KEYS, f"{signed}.{signature}", 0.0)


@pytest.mark.parametrize("text", ["", ".", "a.b.c", "hr_x_y", "é.ü.ö", encoded([]) + ".."])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(errors.Unauthenticated):
        verify(KEYS, text, 0.0)
