"""Where the key of this user is kept: in the keyring of the system where there is one, else in the profiles file.

The profile then holds a pointer, `keyring:<name>`, in place of the key.
"""

from __future__ import annotations

import importlib
from typing import Any

from headrace import errors
from headrace.settings import Settings

SERVICE = "headrace"
_POINTER = "keyring:"


def api_key_of(settings: Settings) -> str | None:
    """Return the key that the settings hold or point to; None if there is none.

    Raises:
        errors.Unauthenticated: They point to a keyring that does not have it.
    """
    key = settings.api_key
    if key is None or not key.startswith(_POINTER):
        return key
    keyring = _keyring()
    found = keyring.get_password(SERVICE, key.removeprefix(_POINTER)) if keyring is not None else None
    if not isinstance(found, str):
        raise errors.Unauthenticated(
            "the key is not in the keyring of this system; run `headrace login`", reason="KEY_NOT_IN_KEYRING"
        )
    return found


def keep_key(name: str, key: str, *, may_use_keyring: bool = True) -> str:
    """Keep a key, and return what belongs into the profile: the key itself, or where it is.

    Args:
        name: Names it in the keyring: profile and server.
        key: The key.
        may_use_keyring: Whether to use a keyring if there is one.
    """
    keyring = _keyring() if may_use_keyring else None
    if keyring is None:
        return key
    try:
        keyring.set_password(SERVICE, name, key)
    except Exception:
        # A keyring that is locked, or has nobody to unlock it, raises what its backend likes.
        return key
    return _POINTER + name


def forget_key(kept: str) -> None:
    """Take a key out of the keyring, if it is there."""
    keyring = _keyring() if kept.startswith(_POINTER) else None
    if keyring is not None:
        try:
            keyring.delete_password(SERVICE, kept.removeprefix(_POINTER))
        except Exception:
            # It is gone already, or cannot be reached; the server has revoked it.
            return


def _keyring() -> Any:
    """Return the package `keyring` where it is installed and has a store that can be used."""
    try:
        keyring = importlib.import_module("keyring")
        backend = keyring.get_keyring()
    except Exception:
        # Not installed, or its backends cannot even be looked for.
        return None
    return keyring if getattr(backend, "priority", 0) >= 1 else None
