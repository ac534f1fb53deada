"""Sign people in with passwords that a directory knows."""

from __future__ import annotations

import asyncio
import collections
import datetime
from collections.abc import Callable

from headrace import errors
from headrace_identity.repository import Directory
from headrace_identity.repository.sign_in import PasswordDirectories, Providers, Secrets
from headrace_identity.rules import sign_in as rules
from headrace_identity.rules.principals import Principal
from headrace_identity.usecases.admitting import admit
from headrace_identity.usecases.providers import secret_context
from headrace_identity.usecases.signing_in import locked, refused

MOST_NAMES = 10_000
"""Names whose wrong passwords are counted; the one that was tried the longest ago makes room."""
AT_ONCE = 8
"""Questions to directories at a time; further ones wait."""


class SigningInWithDirectory:
    """Signs in with directories.

    Wrong passwords are counted in this process, by what was typed: a directory may have no lock-out of its own, and
    whoever tries passwords here must not get around that by trying many.

    Args:
        providers: Their settings, and who is known from them.
        directory: Users.
        directories: Speaks with them.
        secret_box: Seals their secrets.
        now: Tells the time.
    """

    def __init__(
        self,
        providers: Providers,
        directory: Directory,
        directories: PasswordDirectories,
        secret_box: Secrets,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._providers = providers
        self._directory = directory
        self._directories = directories
        self._secrets = secret_box
        self._now = now
        self._failures: collections.OrderedDict[tuple[str, str], tuple[int, datetime.datetime]] = (
            collections.OrderedDict()
        )
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def prove(self, handle: str, name: str, password: str) -> Principal:
        """Return the user who has a name and a password.

        Raises:
            errors.NotFound: There is no such directory, or it is switched off.
            errors.Unauthenticated: Nobody has both.
            errors.ResourceExhausted: There were too many wrong passwords; the error says when to try again.
            errors.PermissionDenied: Somebody has, who is not known here.
            errors.Unavailable: The directory does not answer as it should.
        """
        provider = await self._providers.load(handle)
        if provider is None or not provider.is_enabled or provider.kind != "ldap":
            raise errors.NotFound(f"one cannot sign in with {handle}", reason="IDENTITY_PROVIDER_NOT_FOUND")
        key = (handle, name.strip().lower())
        self._refuse_locked(key)
        secret = self._secrets.open(provider.secret, secret_context(handle)) if provider.secret else ""
        settings = rules.directory_settings(provider.settings, has_bind_password=bool(secret))
        async with self._at_once:
            # Others may have tried while this one waited.
            self._refuse_locked(key)
            identity = await self._directories.prove(settings, secret, name.strip(), password)
            if identity is None:
                self._note_failure(key)
                raise refused()
        self._failures.pop(key, None)
        return await admit(self._providers, self._directory, provider, identity)

    def _refuse_locked(self, key: tuple[str, str]) -> None:
        _, until = self._failures.get(key, (0, self._now()))
        left = (until - self._now()).total_seconds()
        if left > 0:
            raise locked(left)

    def _note_failure(self, key: tuple[str, str]) -> None:
        count = self._failures.get(key, (0, None))[0] + 1
        until = self._now() + datetime.timedelta(seconds=rules.lock_seconds(count))
        self._failures[key] = (count, until)
        self._failures.move_to_end(key)
        if len(self._failures) > MOST_NAMES:
            self._failures.popitem(last=False)
