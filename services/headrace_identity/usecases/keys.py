"""Make, replace and revoke API keys."""

from __future__ import annotations

import secrets
import uuid

from headrace import errors
from headrace_identity.repository import ApiKeys, NewApiKey
from headrace_identity.rules import keys as rules
from headrace_identity.rules.principals import ApiKey

DEFAULT_OVERLAP_SECONDS = 3600.0
CREDENTIAL = "api-key:"
"""How the credential of a caller begins that proved itself with a key; its id is behind it."""


async def create_key(
    keys: ApiKeys,
    principal_id: uuid.UUID,
    name: str,
    *,
    workspace_id: uuid.UUID | None = None,
    permissions: tuple[str, ...] = (),
    lifetime_seconds: float | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; return it and its text, of which only a hash is kept."""
    new, text = _new(principal_id, workspace_id, name, permissions, lifetime_seconds)
    return await keys.insert(new), text


async def rotate_key(
    keys: ApiKeys, old: ApiKey, *, overlap_seconds: float | None, lifetime_seconds: float | None
) -> tuple[ApiKey, str]:
    """Make a key in place of another, which works on for a while.

    Raises:
        errors.FailedPrecondition: The other does not work any more.
    """
    lifetime = lifetime_seconds if lifetime_seconds is not None else old.lifetime_seconds
    new, text = _new(old.principal_id, old.workspace_id, old.name, old.permissions, lifetime)
    overlap = DEFAULT_OVERLAP_SECONDS if overlap_seconds is None else overlap_seconds
    return await keys.rotate(old.api_key_id, new, overlap), text


async def find_key(keys: ApiKeys, api_key_id: str, *, own: str, workspace_id: uuid.UUID, may_edit: bool) -> ApiKey:
    """Return a key that the caller may change: one of its own, or of a service account of the workspace.

    Args:
        keys: Where they are kept.
        api_key_id: Which one.
        own: The caller's id.
        workspace_id: The caller's workspace.
        may_edit: Whether the caller may edit members.

    Raises:
        errors.NotFound: There is none, or none that the caller may change.
    """
    key = await keys.load(api_key_id)
    if key is not None:
        if str(key.principal_id) == own:
            return key
        if may_edit and key.holder_workspace_id == workspace_id:
            return key
    raise errors.NotFound(f"there is no key {api_key_id}", reason="API_KEY_NOT_FOUND")


async def load_limits(keys: ApiKeys, credential_id: str) -> ApiKey | None:
    """Return the key that a caller proved itself with, if that key can do less than its holder; None otherwise.

    Args:
        keys: Where they are kept.
        credential_id: Of the caller.
    """
    if not credential_id.startswith(CREDENTIAL):
        return None
    key = await keys.load(credential_id.removeprefix(CREDENTIAL))
    return key if key is not None and (key.permissions or key.workspace_id is not None) else None


async def refuse_limited(keys: ApiKeys, credential_id: str) -> None:
    """Return if a caller proved itself with something that can do all that its holder may.

    Raises:
        errors.PermissionDenied: It did so with a key that is limited, and would get what is not.
    """
    if await load_limits(keys, credential_id) is not None:
        raise errors.PermissionDenied(
            "a key that is limited makes nothing that is not: sign in, or use a key without limits",
            reason="CREDENTIAL_LIMITED",
        )


async def refuse_beyond(keys: ApiKeys, credential_id: str, wanted: ApiKey) -> None:
    """Return if a key can do no more than the one, if any, that a caller proved itself with.

    Raises:
        errors.PermissionDenied: It can.
    """
    limits = await load_limits(keys, credential_id)
    if limits is None:
        return
    is_bound = limits.workspace_id is None or wanted.workspace_id == limits.workspace_id
    is_within = not limits.permissions or (
        bool(wanted.permissions) and set(wanted.permissions) <= set(limits.permissions)
    )
    if not (is_bound and is_within):
        raise errors.PermissionDenied(
            "a key that is limited leads to none that can do more: sign in, or use a key without limits",
            reason="CREDENTIAL_LIMITED",
        )


def new_token(kind: str) -> tuple[str, bytes]:
    """Return the text of a token that works once, and what is stored of it."""
    text = rules.write_token(kind, secrets.token_bytes(rules.SECRET_BYTES))
    return text, rules.hash_secret(text.encode())


def _new(
    principal_id: uuid.UUID,
    workspace_id: uuid.UUID | None,
    name: str,
    permissions: tuple[str, ...],
    lifetime_seconds: float | None,
) -> tuple[NewApiKey, str]:
    secret = secrets.token_bytes(rules.SECRET_BYTES)
    api_key_id, text = rules.write_key(secrets.token_bytes(rules.ID_BYTES), secret)
    new = NewApiKey(
        api_key_id, principal_id, workspace_id, name, rules.hash_secret(secret), permissions, lifetime_seconds
    )
    return new, text
