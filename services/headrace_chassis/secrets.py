"""Secrets at rest: encrypted with a key that is not in the database.

AES-256-GCM. A sealed text names the key that it was sealed with, so that keys can be changed: the new one is
put in front of the old one, and what the old one sealed stays readable. It is bound to what it belongs to
(its context): copied elsewhere it cannot be opened.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from headrace import errors
from headrace_chassis.settings import ServerSettings

KEY_BYTES = 32

_VERSION = b"\x01"
_NAME_BYTES = 4
_NONCE_BYTES = 12


class SecretBox:
    """Seals and opens texts.

    Args:
        keys: 32 bytes each; the first one seals, all of them open. Without any, nothing can be sealed.

    Raises:
        ValueError: A key has another length.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        for key in keys:
            if len(key) != KEY_BYTES:
                raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
        self._ciphers = {_name(key): AESGCM(key) for key in keys}
        self._first = _name(keys[0]) if keys else b""
        self._signing = [hashlib.sha256(b"headrace signing" + key).digest() for key in keys]

    @classmethod
    def of_settings(cls, settings: ServerSettings) -> SecretBox:
        """Return the box of a server process.

        Raises:
            errors.InvalidArgument: The setting holds something that is no key.
        """
        if settings.encryption_key is None:
            return cls(())
        return cls(_keys(settings.encryption_key.get_secret_value()))

    @property
    def key_name(self) -> str:
        """Names the key that seals; empty without one. It tells nothing of the key."""
        return self._first.hex()

    @property
    def key_names(self) -> tuple[str, ...]:
        """Name the keys that open."""
        return tuple(name.hex() for name in self._ciphers)

    def seal(self, text: str, context: str) -> str:
        """Return `text` encrypted, as ASCII.

        Args:
            text: The secret.
            context: What it belongs to; the same is needed to open it.

        Raises:
            errors.FailedPrecondition: There is no key.
        """
        if not self._first:
            raise _no_key()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._first].encrypt(nonce, text.encode(), context.encode())
        return base64.b64encode(_VERSION + self._first + nonce + sealed).decode()

    def sign(self, text: str, purpose: str) -> str:
        """Return a signature of a text, as characters that need no quoting in a URL.

        Args:
            text: What is signed.
            purpose: For what; the signature is worth nothing for another.

        Raises:
            errors.FailedPrecondition: There is no key.
        """
        if not self._signing:
            raise _no_key()
        return _signature(self._signing[0], text, purpose)

    def is_signed(self, text: str, purpose: str, signature: str) -> bool:
        """Return whether a text was signed so for the purpose, with any of the keys."""
        given = signature.encode("utf-8", "replace")
        # All are compared, so that the time tells nothing.
        found = [hmac.compare_digest(_signature(key, text, purpose).encode(), given) for key in self._signing]
        return any(found)

    @property
    def can_sign(self) -> bool:
        """Whether there is a key."""
        return bool(self._signing)

    def is_newest(self, sealed: str) -> bool:
        """Return whether a text was sealed with the key that seals now."""
        try:
            data = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError):
            return False
        return bool(self._first) and data[1 : 1 + _NAME_BYTES] == self._first

    def open(self, sealed: str, context: str) -> str:
        """Return the text that was sealed.

        Raises:
            errors.FailedPrecondition: Its key is not there, or it was changed or belongs to something else.
        """
        try:
            data = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError):
            raise _unreadable() from None
        name, rest = data[1 : 1 + _NAME_BYTES], data[1 + _NAME_BYTES :]
        cipher = self._ciphers.get(name)
        if data[:1] != _VERSION or cipher is None:
            raise _unreadable()
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], context.encode()).decode()
        except (InvalidTag, ValueError):
            raise _unreadable() from None


def _keys(text: str) -> list[bytes]:
    try:
        keys = [bytes.fromhex(each) for each in text.replace(",", " ").split()]
    except ValueError:
        keys = []
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise errors.InvalidArgument.of_field(
            "HEADRACE_SERVER_ENCRYPTION_KEY",
            "must be 64 hexadecimal digits, as `openssl rand -hex 32` writes; several are separated by commas or lines",
        )
    return keys


def _name(key: bytes) -> bytes:
    return hashlib.sha256(b"headrace key name" + key).digest()[:_NAME_BYTES]


def _signature(key: bytes, text: str, purpose: str) -> str:
    digest = hmac.new(key, f"{purpose}\0{text}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()


def _no_key() -> errors.FailedPrecondition:
    return errors.FailedPrecondition(
        "secrets cannot be stored: set HEADRACE_SERVER_ENCRYPTION_KEY to what `openssl rand -hex 32` writes, "
        "the same in every process of the server",
        reason="ENCRYPTION_KEY_NOT_SET",
    )


def _unreadable() -> errors.FailedPrecondition:
    return errors.FailedPrecondition(
        "a stored secret cannot be read: HEADRACE_SERVER_ENCRYPTION_KEY is not the key that it was stored with",
        reason="SECRET_NOT_READABLE",
    )
