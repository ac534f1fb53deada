"""Find out who a caller is by what it proves itself with."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Callable, Sequence
from typing import Protocol

from headrace import errors
from headrace_identity.repository import ApiKeys, Directory, Roles, SigningKeys
from headrace_identity.rules import keys as rules
from headrace_identity.rules.access import Access, Proven
from headrace_identity.rules.roles import ACCOUNT_ADMIN, choose_workspace, judge_rights
from headrace_identity.usecases.keys import CREDENTIAL

_BEARER = "bearer "


class Authenticator(Protocol):
    """Knows one kind of credential."""

    async def authenticate(self, authorization: str, cookie: str) -> Proven | None:
        """Return what the headers of a call prove, None if they hold no credential of this kind.

        Raises:
            errors.Unauthenticated: They hold one that is not good.
        """
        ...


class ApiKeyAuthenticator:
    """Knows API keys: `Authorization: Bearer hr_<id>_<secret>`.

    Args:
        keys: Where they are kept.
        now: Tells the time.
    """

    def __init__(self, keys: ApiKeys, now: Callable[[], datetime.datetime]) -> None:
        self._keys = keys
        self._now = now

    async def authenticate(self, authorization: str, cookie: str) -> Proven | None:
        """Return what a key proves, None if there is none in the headers.

        Raises:
            errors.Unauthenticated: It is not good, or not any more.
        """
        text = bearer(authorization)
        if not text.startswith("hr_"):
            return None
        found = rules.read_key(text)
        if found is None:
            raise refused()
        api_key_id, secret = found
        key = await self._keys.load_proof(api_key_id)
        if not rules.is_good(key, secret, self._now()) or key is None:
            raise refused()
        await self._keys.note_use(api_key_id, key.principal_id)
        return Proven(
            key.principal_id,
            f"{CREDENTIAL}{api_key_id}",
            key.workspace_id,
            key.permissions or None,
            key.expires_at,
        )


async def exchange(
    authenticators: Sequence[Authenticator],
    directory: Directory,
    roles: Roles,
    signing: SigningKeys,
    *,
    authorization: str,
    cookie: str,
    named: uuid.UUID | None,
    default: uuid.UUID,
    nowhere: uuid.UUID,
) -> Access:
    """Return who a caller is and what it may do.

    Args:
        authenticators: Asked in this order; the first that knows the credential decides.
        directory: Users and service accounts.
        roles: Who holds which.
        signing: Knows how often rights have changed, and what workspaces may call.
        authorization: Header of the call.
        cookie: Header of the call.
        named: The workspace that the call names; `nowhere` for one that there is not.
        default: The workspace that is there from the start.
        nowhere: Stands for no workspace.

    Raises:
        errors.Unauthenticated: Nothing is proven.
        errors.NotFound: The caller has no role in the workspace that it names.
    """
    # Read first: what changes afterwards makes the answer old, not new.
    version = await signing.load_version()
    proven = await _authenticate(authenticators, authorization, cookie)
    principal = await directory.load_principal(proven.principal_id)
    if principal is None or not principal.is_active:
        raise refused()
    assignments = await roles.list_rights(principal.principal_id)
    only = proven.workspace_id or principal.workspace_id
    workspace_id = named or choose_workspace(assignments, only, default) or nowhere
    rights = judge_rights(assignments, workspace_id, proven.permissions)
    if proven.workspace_id is not None:
        # What is good in one workspace only does not reach beyond it by way of the account.
        rights = dataclasses.replace(rights, permissions=rights.permissions - {ACCOUNT_ADMIN})
    is_there = rights.is_member and workspace_id != nowhere and (proven.workspace_id or named) == named
    if named is not None and not is_there:
        # Whether it is there for others is not told.
        raise errors.NotFound("there is no such workspace", reason="WORKSPACE_NOT_FOUND")
    calls_per_second, concurrent_calls = await signing.load_limits(workspace_id)
    return Access(principal, workspace_id, rights, proven, version, calls_per_second, concurrent_calls)


async def _authenticate(authenticators: Sequence[Authenticator], authorization: str, cookie: str) -> Proven:
    for authenticator in authenticators:
        proven = await authenticator.authenticate(authorization, cookie)
        if proven is not None:
            return proven
    raise refused()


def bearer(authorization: str) -> str:
    """Return the token of an authorization header, "" if there is none."""
    return authorization[len(_BEARER) :].strip() if authorization[: len(_BEARER)].lower() == _BEARER else ""


def refused() -> errors.Unauthenticated:
    """Return the error of credentials that are not good; it does not say why."""
    return errors.Unauthenticated(
        "the key or session is not good, or not any more: run `headrace login`, or set HEADRACE_API_KEY to a new key",
        reason="CREDENTIAL_REFUSED",
    )
