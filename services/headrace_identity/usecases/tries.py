"""How often a name may be tried: a few wrong ones lock it, for longer each time, for all processes of the server."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
from collections.abc import Callable

from headrace import errors
from headrace_identity.repository.sign_in import Secrets, SignInTries
from headrace_identity.rules.sign_in import lock_seconds

_PURPOSE = "a name that was tried"


@dataclasses.dataclass(frozen=True, slots=True)
class Try:
    """One try of a name, which counts as wrong until it is forgotten or given back."""

    provider: str
    name_digest: str


class Tries:
    """Counts tries by what was typed, whether anybody is called so or not: a lock tells nothing of who there is.

    A try is counted before it is looked at, so that many at once are no more than many one by one.

    Args:
        store: Where they are counted.
        secret_box: Makes digests of names: somebody may have typed a password in their place.
        now: Tells the time.
    """

    def __init__(self, store: SignInTries, secret_box: Secrets, now: Callable[[], datetime.datetime]) -> None:
        self._store = store
        self._secrets = secret_box
        self._now = now

    async def begin(self, provider: str, name: str) -> Try:
        """Count a try.

        Args:
            provider: Who knows the name; "" is this server.
            name: As it was typed.

        Raises:
            errors.ResourceExhausted: There were too many wrong ones; the error says when to try again.
        """
        begun = Try(provider, self._digest(name.strip().lower()))
        left = await self._store.begin(provider, begun.name_digest, self._now(), lock_seconds)
        if left is not None:
            raise locked(left)
        return begun

    async def give_back(self, begun: Try) -> None:
        """Note that a try was not wrong, without forgetting those before it."""
        await self._store.give_back(begun.provider, begun.name_digest)

    async def forget(self, begun: Try) -> None:
        """Note that somebody signed in."""
        await self._store.forget(begun.provider, begun.name_digest)

    def _digest(self, name: str) -> str:
        if self._secrets.can_sign:
            return self._secrets.sign(name, _PURPOSE)
        return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def locked(seconds: float) -> errors.ResourceExhausted:
    """Return the error of names that were tried too often; it says when to try again."""
    return errors.ResourceExhausted(
        f"there were too many wrong passwords; try again in {max(1, round(seconds))} s",
        reason="SIGN_IN_LOCKED",
        retry_after_seconds=max(1.0, seconds),
    )
