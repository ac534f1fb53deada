"""The keys that sign tokens: made, sealed, read and changed."""

from __future__ import annotations

import asyncio
import datetime
import secrets
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headrace import errors
from headrace_chassis.access_token import LIFETIME_SECONDS, Claims, sign
from headrace_chassis.secrets import SecretBox
from headrace_identity.repository import SigningKey, SigningKeys

CHANGED_AFTER = datetime.timedelta(days=30)
"""How long one key signs."""


class Signer:
    """Signs tokens with the newest key.

    Args:
        keys: Where they are kept.
        box: Seals their private halves.
        now: Tells the time.
    """

    def __init__(self, keys: SigningKeys, box: SecretBox, now: Callable[[], datetime.datetime]) -> None:
        self._keys = keys
        self._box = box
        self._now = now
        self._current: tuple[SigningKey, Ed25519PrivateKey] | None = None
        self._making = asyncio.Lock()

    async def sign(self, claims: Claims) -> str:
        """Return a token.

        Raises:
            errors.FailedPrecondition: There is no key to seal secrets with.
        """
        if self._current is None or self._now() - self._current[0].created_at > CHANGED_AFTER:
            async with self._making:
                self._current = await self._load() or await self._make()
        key, private_key = self._current
        return sign(private_key, key.key_id, claims)

    async def public_keys(self) -> dict[str, bytes]:
        """Return the public halves of the keys that tokens may be signed with, by id."""
        return {key.key_id: key.public_key for key in await self._keys.list_all()}

    async def _load(self) -> tuple[SigningKey, Ed25519PrivateKey] | None:
        for key in await self._keys.list_all():
            if self._now() - key.created_at > CHANGED_AFTER:
                return None
            try:
                private = bytes.fromhex(self._box.open(key.private_key, _context(key.key_id)))
            except errors.FailedPrecondition:
                # Sealed with a key that this server no longer has: a new one is made.
                continue
            return key, Ed25519PrivateKey.from_private_bytes(private)
        return None

    async def _make(self) -> tuple[SigningKey, Ed25519PrivateKey]:
        private_key = Ed25519PrivateKey.generate()
        key_id = secrets.token_hex(8)
        sealed = self._box.seal(private_key.private_bytes_raw().hex(), _context(key_id))
        await self._keys.insert(key_id, private_key.public_key().public_bytes_raw(), sealed)
        await self._keys.retire(2.0 * LIFETIME_SECONDS)
        made = SigningKey(key_id, private_key.public_key().public_bytes_raw(), sealed, self._now())
        return made, private_key


def _context(key_id: str) -> str:
    return f"signing key {key_id}"
