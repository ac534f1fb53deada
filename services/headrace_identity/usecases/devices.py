"""Sign in programs: somebody approves what a program shows, and the program gets a key."""

from __future__ import annotations

import datetime
import secrets
import uuid
from collections.abc import Callable

from headrace import errors
from headrace_identity.repository import ApiKeys
from headrace_identity.repository.sign_in import Devices
from headrace_identity.rules import sign_in as rules
from headrace_identity.rules.keys import hash_secret
from headrace_identity.rules.sign_in import DeviceSignIn
from headrace_identity.usecases.keys import create_key

DEVICE_SECONDS = 600.0
INTERVAL_SECONDS = 2.0
KEY_SECONDS = 90 * 86_400.0
"""How long a key of the command line works."""

_TRIES = 5


async def begin(
    devices: Devices, client_name: str, loopback_port: int, address: str, now: datetime.datetime
) -> tuple[DeviceSignIn, str]:
    """Let a program wait; returns it, and the secret that it collects with.

    Raises:
        errors.Unavailable: Too many wait.
    """
    secret = secrets.token_urlsafe(32)
    for _ in range(_TRIES):
        letters = "".join(secrets.choice(rules.USER_CODE_LETTERS) for _ in range(8))
        device = DeviceSignIn(
            user_code=f"{letters[:4]}-{letters[4:]}",
            client_name=client_name,
            loopback_port=loopback_port,
            address=address,
            created_at=now,
            expires_at=now + datetime.timedelta(seconds=DEVICE_SECONDS),
            is_approved=None,
            principal_id=None,
        )
        if await devices.insert(device, hash_secret(secret.encode())):
            return device, secret
    raise errors.Unavailable("no code is free; try again")


async def find(devices: Devices, user_code: str) -> DeviceSignIn:
    """Return a program that waits, by its code.

    Raises:
        errors.NotFound: None does.
    """
    found = await devices.load(rules.read_user_code(user_code))
    if found is None:
        raise _none(user_code)
    return found


async def decide(devices: Devices, user_code: str, user_id: uuid.UUID, *, approve: bool) -> DeviceSignIn:
    """Approve or refuse a program.

    Raises:
        errors.NotFound: None waits with this code.
    """
    found = await devices.decide(rules.read_user_code(user_code), user_id, approve=approve)
    if found is None:
        raise _none(user_code)
    return found


async def collect(
    devices: Devices, keys: ApiKeys, device_code: str, now: Callable[[], datetime.datetime]
) -> tuple[uuid.UUID, str] | None:
    """Return the user who approved and a key of theirs; None while nobody has decided.

    Raises:
        errors.Unauthenticated: It took too long.
        errors.PermissionDenied: Somebody refused it.
    """
    found = await devices.collect(hash_secret(device_code.encode()))
    if found is None:
        raise errors.Unauthenticated("nobody approved in time; begin again", reason="DEVICE_SIGN_IN_EXPIRED")
    if found.is_approved is None:
        return None
    if not found.is_approved or found.principal_id is None:
        raise errors.PermissionDenied("it was refused", reason="DEVICE_SIGN_IN_REFUSED")
    name = f"{found.client_name} ({now():%Y-%m-%d})"
    _, text = await create_key(keys, found.principal_id, name, lifetime_seconds=KEY_SECONDS)
    return found.principal_id, text


def _none(user_code: str) -> errors.NotFound:
    return errors.NotFound(
        f"nothing waits with the code {user_code}, or not any more", reason="DEVICE_SIGN_IN_NOT_FOUND"
    )
