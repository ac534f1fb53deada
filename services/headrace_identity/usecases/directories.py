"""Sign people in with passwords that a directory knows."""

from __future__ import annotations

import asyncio

from headrace import errors
from headrace_identity.repository import Directory
from headrace_identity.repository.sign_in import PasswordDirectories, Providers, Secrets
from headrace_identity.rules import sign_in as rules
from headrace_identity.rules.principals import Principal
from headrace_identity.usecases.admitting import admit
from headrace_identity.usecases.providers import secret_context
from headrace_identity.usecases.signing_in import refused
from headrace_identity.usecases.tries import Tries

AT_ONCE = 8
"""Questions to directories at a time; further ones wait."""


class SigningInWithDirectory:
    """Signs in with directories.

    Wrong passwords are counted here, too: a directory may have no lock-out of its own, and whoever tries passwords
    here must not get around that by trying many.

    Args:
        providers: Their settings, and who is known from them.
        directory: Users.
        directories: Speaks with them.
        secret_box: Seals their secrets.
        tries: Counts wrong ones.
    """

    def __init__(
        self,
        providers: Providers,
        directory: Directory,
        directories: PasswordDirectories,
        secret_box: Secrets,
        tries: Tries,
    ) -> None:
        self._providers = providers
        self._directory = directory
        self._directories = directories
        self._secrets = secret_box
        self._tries = tries
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
        secret = self._secrets.open(provider.secret, secret_context(handle)) if provider.secret else ""
        settings = rules.directory_settings(provider.settings, has_bind_password=bool(secret))
        async with self._at_once:
            begun = await self._tries.begin(handle, name)
            try:
                identity = await self._directories.prove(settings, secret, name.strip(), password)
            except errors.HeadraceError:
                # The directory told nothing of the password.
                await self._tries.give_back(begun)
                raise
        if identity is None:
            raise refused()
        await self._tries.forget(begun)
        return await admit(self._providers, self._directory, provider, identity)
