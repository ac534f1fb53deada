"""The text of API keys, `hr_<id>_<secret>`, and whether a key is good."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime
import hashlib
import hmac
import re
import uuid

SECRET_BYTES = 32
ID_BYTES = 10

_KEY = re.compile(r"hr_([0-9a-f]{20})_([A-Za-z0-9_-]{43})")
_TOKEN = re.compile(r"hr[is]_[A-Za-z0-9_-]{43}")


@dataclasses.dataclass(frozen=True, slots=True)
class StoredKey:
    """What is kept of a key, and of its holder, when it is shown."""

    api_key_id: str
    principal_id: uuid.UUID
    workspace_id: uuid.UUID | None
    secret_hash: bytes
    permissions: frozenset[str]
    """The most that it can do; empty is all."""
    expires_at: datetime.datetime | None
    revoked_at: datetime.datetime | None
    last_used_at: datetime.datetime | None


def write_key(id_bytes: bytes, secret: bytes) -> tuple[str, str]:
    """Return the id and the text of a key made of random bytes."""
    api_key_id = id_bytes.hex()
    return api_key_id, f"hr_{api_key_id}_{_encode(secret)}"


def read_key(text: str) -> tuple[str, bytes] | None:
    """Return the id and the secret of a key, None for what is no key."""
    found = _KEY.fullmatch(text)
    if found is None:
        return None
    try:
        return found[1], base64.urlsafe_b64decode(found[2] + "=")
    except binascii.Error:
        return None


def write_token(kind: str, secret: bytes) -> str:
    """Return the text of a token that works once: `i` for an invitation, `s` for setting up an account."""
    return f"hr{kind}_{_encode(secret)}"


def read_token(text: str) -> bytes | None:
    """Return what to look a token up by, None for what is no token."""
    return hash_secret(text.encode()) if _TOKEN.fullmatch(text) else None


def hash_secret(secret: bytes) -> bytes:
    """Return what is stored of a secret. It is as random as it is long, so that nothing slower is needed."""
    return hashlib.sha256(secret).digest()


def is_good(key: StoredKey | None, secret: bytes, now: datetime.datetime) -> bool:
    """Return whether a secret is that of a key that works; it takes as long for one that there is not."""
    given = hash_secret(secret)
    is_same = hmac.compare_digest(given, key.secret_hash if key is not None else bytes(len(given)))
    return key is not None and is_same and key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
