"""Sign people in with passwords and one-time codes, keep them signed in, and sign them out."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import hmac
import secrets
import uuid
from collections.abc import Callable

import argon2
import pyotp

from headrace import errors
from headrace.ids import uuid7
from headrace_identity.repository import Directory
from headrace_identity.repository.sign_in import Secrets, SignIns
from headrace_identity.rules import sign_in as rules
from headrace_identity.rules.access import Proven
from headrace_identity.rules.keys import hash_secret
from headrace_identity.rules.principals import Principal
from headrace_identity.rules.sign_in import Password, Session
from headrace_identity.usecases.authenticating import bearer
from headrace_identity.usecases.tries import Tries

RECOVERY_CODES = 10
TOTP_STEP_SECONDS = 30
ISSUER = "Headrace"

_TOUCH = datetime.timedelta(minutes=1)
# A hash takes 64 MiB: more at once would be what an attacker wants.
_HASHES_AT_ONCE = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Where a call comes from."""

    address: str
    user_agent: str


class Passwords:
    """Hashes and checks passwords, beside the event loop and a few at once.

    Args:
        hasher: Parameters of Argon2id.
    """

    def __init__(self, hasher: argon2.PasswordHasher | None = None) -> None:
        self._hasher = hasher or argon2.PasswordHasher()
        self._at_once = asyncio.Semaphore(_HASHES_AT_ONCE)
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    async def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        async with self._at_once:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def is_right(self, kept: str | None, password: str) -> bool:
        """Return whether a password is the one that was kept; it takes as long where none was."""
        async with self._at_once:
            return await asyncio.to_thread(self._verify, kept, password)

    def is_old(self, kept: str) -> bool:
        """Return whether a hash was made with weaker parameters than those of now."""
        return self._hasher.check_needs_rehash(kept)

    def _verify(self, kept: str | None, password: str) -> bool:
        try:
            self._hasher.verify(kept or self._nobody, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
        return kept is not None


class SigningIn:
    """Signs in and out.

    Args:
        store: Passwords and sessions.
        directory: Users.
        secret_box: Seals secrets of one-time codes.
        passwords: Checks passwords.
        tries: Counts wrong ones.
        now: Tells the time.
        session_seconds: How long a session lasts.
    """

    def __init__(
        self,
        store: SignIns,
        directory: Directory,
        secret_box: Secrets,
        passwords: Passwords,
        tries: Tries,
        now: Callable[[], datetime.datetime],
        session_seconds: float,
    ) -> None:
        self._store = store
        self._directory = directory
        self._secrets = secret_box
        self._passwords = passwords
        self._tries = tries
        self._now = now
        self._session_seconds = session_seconds

    async def with_password(
        self, email: str, password: str, code: str, source: Source
    ) -> tuple[Principal, Session, str]:
        """Sign in with a password, and a one-time code where the user has set that up.

        Returns:
            The user, the session and the text that proves it.

        Raises:
            errors.Unauthenticated: Name, password or code are wrong, or a code is needed.
            errors.ResourceExhausted: There were too many wrong ones; the error says when to try again.
        """
        begun = await self._tries.begin("", email)
        user = await self._directory.load_user(email.strip().lower())
        # For nobody it takes as long.
        kept = await self._store.load_password(user.principal_id if user is not None else uuid7())
        is_right = await self._passwords.is_right(kept.hash if kept is not None else None, password)
        if user is None or kept is None or not is_right or not user.is_active:
            raise refused()
        if kept.totp_confirmed and not code:
            await self._tries.give_back(begun)
            raise errors.Unauthenticated("a one-time code is needed, too", reason="CODE_NEEDED")
        if kept.totp_confirmed and not await self._take_code(kept, code):
            raise refused()
        await self._tries.forget(begun)
        if self._passwords.is_old(kept.hash):
            await self._store.replace_hash(user.principal_id, await self._passwords.hash(password))
        session, text = await self.begin_session(user, "", source)
        return user, session, text

    async def begin_session(self, user: Principal, provider: str, source: Source) -> tuple[Session, str]:
        """Begin a session of somebody who has proven who they are."""
        secret = secrets.token_bytes(32)
        now = self._now()
        session = Session(
            session_id=uuid7(),
            principal_id=user.principal_id,
            secret_hash=hash_secret(secret),
            provider=provider,
            address=source.address,
            user_agent=source.user_agent,
            created_at=now,
            last_used_at=now,
            expires_at=now + datetime.timedelta(seconds=self._session_seconds),
        )
        await self._store.insert_session(session)
        return session, rules.write_session(session.session_id, secret)

    async def set_password(self, user_id: uuid.UUID, old: str, new: str, *, keep_session: uuid.UUID | None) -> None:
        """Set a user's password; all other sessions of the user end.

        Raises:
            errors.Unauthenticated: The old one is wrong.
        """
        kept = await self._store.load_password(user_id)
        if kept is not None:
            await self._prove(kept, old)
        await self._store.save_password(user_id, await self._passwords.hash(new), keep_session=keep_session)

    async def begin_totp(self, user: Principal, password: str) -> tuple[str, str]:
        """Make a secret for one-time codes; returns it, and as an address for apps.

        Raises:
            errors.Unauthenticated: The password is wrong.
            errors.FailedPrecondition: The user has no password, or has one-time codes already.
        """
        kept = await self._needs_password(user.principal_id)
        await self._prove(kept, password)
        if kept.totp_confirmed:
            raise errors.FailedPrecondition("one-time codes are needed already; remove them first", reason="TOTP_IS_ON")
        secret = pyotp.random_base32()
        await self._store.save_totp(user.principal_id, self._secrets.seal(secret, totp_context(user.principal_id)))
        return secret, pyotp.TOTP(secret).provisioning_uri(name=user.handle, issuer_name=ISSUER)

    async def confirm_totp(self, user_id: uuid.UUID, code: str) -> list[str]:
        """Ask for one-time codes from now on; returns codes for when the app is lost.

        Raises:
            errors.InvalidArgument: The code is wrong.
            errors.FailedPrecondition: No secret was made.
        """
        kept = await self._needs_password(user_id)
        step = self._step_of(kept, code)
        if step is None:
            raise errors.InvalidArgument.of_field("code", "is not one that holds now; look at the clock of the device")
        codes = [f"{secrets.token_hex(5)}-{secrets.token_hex(5)}".upper() for _ in range(RECOVERY_CODES)]
        await self._store.confirm_totp(user_id, step, [rules.recovery_hash(each) for each in codes])
        return codes

    async def remove_totp(self, user_id: uuid.UUID, password: str, code: str) -> None:
        """Do without one-time codes again.

        Raises:
            errors.Unauthenticated: Password or code are wrong.
        """
        kept = await self._needs_password(user_id)
        await self._prove(kept, password)
        if kept.totp_confirmed:
            begun = await self._tries.begin("", str(user_id))
            if not await self._take_code(kept, code):
                raise refused()
            await self._tries.forget(begun)
        await self._store.remove_totp(user_id)

    async def _needs_password(self, user_id: uuid.UUID) -> Password:
        kept = await self._store.load_password(user_id)
        if kept is None:
            raise errors.FailedPrecondition(
                "one-time codes go with a password, and there is none", reason="NO_PASSWORD"
            )
        return kept

    async def _prove(self, kept: Password, password: str) -> None:
        begun = await self._tries.begin("", str(kept.principal_id))
        if not await self._passwords.is_right(kept.hash, password):
            raise errors.Unauthenticated("the password is wrong", reason="PASSWORD_WRONG")
        # Wrong codes before it still count.
        await self._tries.give_back(begun)

    async def _take_code(self, kept: Password, code: str) -> bool:
        step = self._step_of(kept, code)
        if step is not None:
            # A code works once: who looks over a shoulder is too late.
            return await self._store.take_totp_step(kept.principal_id, step)
        return await self._store.take_recovery_code(kept.principal_id, rules.recovery_hash(code))

    def _step_of(self, kept: Password, code: str) -> int | None:
        if not kept.totp_secret:
            return None
        totp = pyotp.TOTP(self._secrets.open(kept.totp_secret, totp_context(kept.principal_id)))
        current = int(self._now().timestamp()) // TOTP_STEP_SECONDS
        given = code.replace(" ", "")
        for step in (current, current - 1, current + 1):
            is_new = step > kept.totp_last_step
            if is_new and hmac.compare_digest(totp.generate_otp(step).encode(), given.encode()):
                return step
        return None


class SessionAuthenticator:
    """Knows sessions: a cookie of the browser, or `Authorization: Bearer hs_...`.

    Args:
        store: Sessions.
        now: Tells the time.
    """

    def __init__(self, store: SignIns, now: Callable[[], datetime.datetime]) -> None:
        self._store = store
        self._now = now

    async def authenticate(self, authorization: str, cookie: str) -> Proven | None:
        """Return what a session proves, None if there is none in the headers.

        Raises:
            errors.Unauthenticated: It has ended.
        """
        text = bearer(authorization)
        # Whoever says who it is in words is not taken for the owner of a cookie that came along.
        if not text.startswith("hs_"):
            text = "" if text else rules.cookie_session(cookie)
        if not text:
            return None
        found = rules.read_session(text)
        session = await self._store.load_session(found[0]) if found is not None else None
        if found is None or session is None or not hmac.compare_digest(session.secret_hash, hash_secret(found[1])):
            raise _ended()
        now = self._now()
        if session.expires_at <= now:
            raise _ended()
        if now - session.last_used_at > _TOUCH:
            await self._store.touch_session(session.session_id)
        return Proven(session.principal_id, f"session:{session.session_id}", expires_at=session.expires_at)


def totp_context(user_id: uuid.UUID) -> str:
    """Return what the sealed secret of one-time codes belongs to."""
    return f"totp:{user_id}"


def refused() -> errors.Unauthenticated:
    """Return the error of wrong names, passwords and codes; it does not say which."""
    return errors.Unauthenticated("name, password or code are wrong", reason="SIGN_IN_REFUSED")


def _ended() -> errors.Unauthenticated:
    return errors.Unauthenticated("the session has ended; sign in again", reason="SESSION_ENDED")
