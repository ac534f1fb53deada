"""Encrypt secrets anew that are not encrypted with the newest key."""

from __future__ import annotations

from headrace import errors
from headrace_identity.repository.sign_in import Providers, Secrets, SignIns
from headrace_identity.usecases.providers import secret_context
from headrace_identity.usecases.signing_in import totp_context

_PAGE = 200


async def rotate_secrets(providers: Providers, store: SignIns, secrets: Secrets) -> tuple[int, int]:
    """Return how many secrets were encrypted anew, and how many cannot be read with any key that is there."""
    rotated = unreadable = 0
    after = ""
    while page := await providers.list_page(after=after, limit=_PAGE):
        after = page[-1].handle
        for provider in page:
            if not provider.secret or secrets.is_newest(provider.secret):
                continue
            new = _anew(secrets, provider.secret, secret_context(provider.handle))
            if new is None:
                unreadable += 1
                continue
            await providers.replace_secret(provider.handle, provider.secret, new)
            rotated += 1
    for user_id, sealed in await store.list_totp():
        if secrets.is_newest(sealed):
            continue
        new = _anew(secrets, sealed, totp_context(user_id))
        if new is None:
            unreadable += 1
            continue
        await store.replace_totp(user_id, sealed, new)
        rotated += 1
    return rotated, unreadable


def _anew(secrets: Secrets, sealed: str, context: str) -> str | None:
    try:
        return secrets.seal(secrets.open(sealed, context), context)
    except errors.FailedPrecondition:
        return None
