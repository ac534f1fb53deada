"""Short-lived signed tokens that tell services who is behind a call: JSON Web Tokens, signed with Ed25519.

The identity service makes them from what a caller proves itself with; every service checks them by itself. The
algorithm is not up to the token.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from headrace import errors

LIFETIME_SECONDS = 300
"""How long a token is good; services ask for a new one before."""

AUDIENCE = "headrace"

_ALGORITHM = "EdDSA"


@dataclasses.dataclass(frozen=True, slots=True)
class Grant:
    """What may be done with one object."""

    kind: int
    """Number of `headrace.api.v1.ObjectKind`."""
    object: str
    permissions: frozenset[int]


@dataclasses.dataclass(frozen=True, slots=True)
class Claims:
    """What a token says."""

    principal_id: str
    kind: str
    display_name: str
    account_id: uuid.UUID
    workspace_id: uuid.UUID
    permissions: frozenset[int]
    """Numbers of `headrace.api.v1.Permission` that hold in the whole workspace."""
    grants: tuple[Grant, ...]
    credential_id: str
    """Which key or session proved it."""
    access_version: int
    expires_at: float
    """Unix time."""
    calls_per_second: float = 0.0
    """What the workspace may call in each process; 0 is as much as it likes."""
    concurrent_calls: int = 0


def sign(private_key: Ed25519PrivateKey, key_id: str, claims: Claims) -> str:
    """Return the token of `claims`."""
    head = _encode(orjson.dumps({"alg": _ALGORITHM, "typ": "JWT", "kid": key_id}))
    body = _encode(
        orjson.dumps(
            {
                "aud": AUDIENCE,
                "sub": claims.principal_id,
                "kind": claims.kind,
                "name": claims.display_name,
                "acc": str(claims.account_id),
                "wsp": str(claims.workspace_id),
                "prm": sorted(claims.permissions),
                "grt": [[grant.kind, grant.object, sorted(grant.permissions)] for grant in claims.grants],
                "cid": claims.credential_id,
                "ver": claims.access_version,
                "exp": claims.expires_at,
                "cps": claims.calls_per_second,
                "cct": claims.concurrent_calls,
            }
        )
    )
    signed = f"{head}.{body}"
    return f"{signed}.{_encode(private_key.sign(signed.encode()))}"


def key_id_of(token: str) -> str:
    """Return which key a token says that it is signed with; nothing of it is proven.

    Raises:
        errors.Unauthenticated: It is no token.
    """
    try:
        head = orjson.loads(_decode(token.partition(".")[0]))
        if head["alg"] != _ALGORITHM:
            raise _bad()
        return str(head["kid"])
    except (ValueError, KeyError, TypeError):
        raise _bad() from None


def verify(keys: Mapping[str, Ed25519PublicKey], token: str, now: float) -> Claims:
    """Return what a token says, once its signature, audience and time are found good.

    Args:
        keys: Public keys by their ids.
        token: What was sent.
        now: Unix time.

    Raises:
        errors.Unauthenticated: It is not good.
    """
    key = keys.get(key_id_of(token))
    signed, _, signature = token.rpartition(".")
    if key is None:
        raise _bad()
    try:
        key.verify(_decode(signature), signed.encode())
        claims = _claims(orjson.loads(_decode(signed.partition(".")[2])))
    except (InvalidSignature, ValueError, KeyError, TypeError):
        raise _bad() from None
    if claims.expires_at <= now:
        raise errors.Unauthenticated("the access token has expired", reason="ACCESS_TOKEN_EXPIRED")
    return claims


def _claims(body: dict[str, Any]) -> Claims:
    if body["aud"] != AUDIENCE:
        raise ValueError
    return Claims(
        principal_id=str(body["sub"]),
        kind=str(body["kind"]),
        display_name=str(body["name"]),
        account_id=uuid.UUID(body["acc"]),
        workspace_id=uuid.UUID(body["wsp"]),
        permissions=frozenset(map(int, body["prm"])),
        grants=tuple(Grant(int(kind), str(name), frozenset(map(int, held))) for kind, name, held in body["grt"]),
        credential_id=str(body["cid"]),
        access_version=int(body["ver"]),
        expires_at=float(body["exp"]),
        calls_per_second=float(body["cps"]),
        concurrent_calls=int(body["cct"]),
    )


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _bad() -> errors.Unauthenticated:
    return errors.Unauthenticated("the access token is not good", reason="ACCESS_TOKEN_WRONG")
