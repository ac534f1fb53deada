"""What keeps somebody signed in, who is locked out for how long, and which roles groups give."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime
import hashlib
import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

FREE_FAILURES = 5
"""So many wrong passwords lock nobody out."""
FIRST_LOCK_SECONDS = 2.0
LONGEST_LOCK_SECONDS = 900.0
"""A lock is twice as long as the one before, up to here; nobody is locked out for good by others."""

USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no words come out; nothing that looks alike."""

COOKIES = ("__Host-headrace-session", "headrace-session")
"""What the session is called in a browser: over TLS, and in the clear."""

_TOKEN = re.compile(r"hs_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


@dataclasses.dataclass(frozen=True, slots=True)
class Session:
    """That somebody is signed in somewhere."""

    session_id: uuid.UUID
    principal_id: uuid.UUID
    secret_hash: bytes
    provider: str
    address: str
    user_agent: str
    created_at: datetime.datetime
    last_used_at: datetime.datetime
    expires_at: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Password:
    """What is kept of a password, and of one-time codes beside it."""

    principal_id: uuid.UUID
    hash: str
    totp_secret: str
    """Sealed; empty without one-time codes."""
    totp_confirmed: bool
    totp_last_step: int
    recovery_hashes: tuple[bytes, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class GroupRole:
    """That members of a group hold a role; in the whole account without a workspace."""

    group: str
    role: str
    workspace_id: uuid.UUID | None


@dataclasses.dataclass(frozen=True, slots=True)
class Provider:
    """Who else vouches."""

    handle: str
    name: str
    kind: str
    """`oidc`, `jwt` or `ldap`."""
    is_enabled: bool
    creates_users: bool
    settings: Mapping[str, Any]
    secret: str
    """Sealed; empty if it needs none."""
    group_roles: tuple[GroupRole, ...]
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class DeviceSignIn:
    """A program that waits to be signed in."""

    user_code: str
    client_name: str
    loopback_port: int
    address: str
    created_at: datetime.datetime
    expires_at: datetime.datetime
    is_approved: bool | None
    principal_id: uuid.UUID | None


@dataclasses.dataclass(frozen=True, slots=True)
class ProvenIdentity:
    """What a provider says of somebody."""

    subject: str
    email: str
    name: str
    groups: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class DirectorySettings:
    """How a directory is asked; see `LdapProvider` in the contract."""

    url: str
    in_the_clear: bool
    ca_certificates: str
    bind_dn: str
    has_bind_password: bool
    user_base: str
    user_filter: str
    subject_attribute: str
    email_attribute: str
    name_attribute: str
    group_base: str
    group_filter: str
    group_attribute: str


def directory_settings(settings: Mapping[str, Any], *, has_bind_password: bool) -> DirectorySettings:
    """Return how a directory is asked, with what holds where nothing is set."""
    return DirectorySettings(
        url=settings["url"],
        in_the_clear=settings["in_the_clear"],
        ca_certificates=settings["ca_certificates"],
        bind_dn=settings["bind_dn"],
        has_bind_password=has_bind_password,
        user_base=settings["user_base"],
        user_filter=settings["user_filter"] or "(|(uid={name})(mail={name}))",
        subject_attribute=settings["subject_attribute"] or "entryUUID",
        email_attribute=settings["email_attribute"] or "mail",
        name_attribute=settings["name_attribute"] or "cn",
        group_base=settings["group_base"],
        group_filter=settings["group_filter"] or "(member={dn})",
        group_attribute=settings["group_attribute"] or "cn",
    )


def lock_seconds(failures: int) -> float:
    """Return for how long a name is locked after so many wrong passwords in a row."""
    if failures < FREE_FAILURES:
        return 0.0
    return float(min(FIRST_LOCK_SECONDS * 2.0 ** min(failures - FREE_FAILURES, 30), LONGEST_LOCK_SECONDS))


def write_session(session_id: uuid.UUID, secret: bytes) -> str:
    """Return the text that proves a session."""
    return f"hs_{session_id.hex}_{base64.urlsafe_b64encode(secret).rstrip(b'=').decode()}"


def read_session(text: str) -> tuple[uuid.UUID, bytes] | None:
    """Return id and secret of a session, None for what is none."""
    found = _TOKEN.fullmatch(text)
    if found is None:
        return None
    try:
        return uuid.UUID(hex=found[1]), base64.urlsafe_b64decode(found[2] + "=")
    except binascii.Error:
        return None


def cookie_session(cookie: str) -> str:
    """Return the session's text in a cookie header, empty if there is none."""
    found: dict[str, str] = {}
    for part in cookie.split(";"):
        name, _, value = part.strip().partition("=")
        found.setdefault(name, value)
    return next((found[name] for name in COOKIES if found.get(name)), "")


def roles_of(group_roles: Sequence[GroupRole], groups: Collection[str]) -> set[tuple[str, uuid.UUID | None]]:
    """Return the roles, each with its workspace, that the members of groups hold."""
    return {(each.role, each.workspace_id) for each in group_roles if each.group in groups}


def fits(claims: Mapping[str, Any], claim: str, value: str) -> bool:
    """Return whether a token has a claim; a `*` at the end of its value stands for anything."""
    found = claims.get(claim)
    if not isinstance(found, str) or not value:
        return False
    return found.startswith(value[:-1]) if value.endswith("*") else found == value


def pkce_challenge(verifier: str) -> str:
    """Return what an authorization request tells of a verifier (RFC 7636, S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def recovery_hash(code: str) -> bytes:
    """Return what is kept of a recovery code; it is as random as it is long, so that nothing slower is needed."""
    return hashlib.sha256(code.replace("-", "").strip().upper().encode()).digest()


def read_user_code(text: str) -> str:
    """Return a code as it is kept, however it was typed."""
    letters = re.sub(r"[^A-Z]", "", text.upper())
    return f"{letters[:4]}-{letters[4:8]}"
