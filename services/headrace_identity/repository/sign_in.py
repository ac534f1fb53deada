"""What storage, and those who vouch for people, offer to signing in."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from headrace_identity.rules.sign_in import (
    DeviceSignIn,
    DirectorySettings,
    Password,
    ProvenIdentity,
    Provider,
    Session,
)


class Secrets(Protocol):
    """Seals what must be read again; see `headrace_chassis.secrets.SecretBox`."""

    def seal(self, text: str, context: str) -> str:
        """Return `text` encrypted, bound to what it belongs to."""
        ...

    def open(self, sealed: str, context: str) -> str:
        """Return the text that was sealed."""
        ...

    def is_newest(self, sealed: str) -> bool:
        """Return whether a text was sealed with the key that seals now."""
        ...

    def sign(self, text: str, purpose: str) -> str:
        """Return a signature of a text for a purpose."""
        ...

    @property
    def can_sign(self) -> bool:
        """Whether there is a key."""
        ...


class SignIns(Protocol):
    """Passwords and sessions. Every method is one transaction."""

    async def load_password(self, principal_id: uuid.UUID) -> Password | None:
        """Return what is kept of a user's password."""
        ...

    async def save_password(self, principal_id: uuid.UUID, hashed: str, *, keep_session: uuid.UUID | None) -> None:
        """Store a password, and end all sessions of the user but one."""
        ...

    async def replace_hash(self, principal_id: uuid.UUID, hashed: str) -> None:
        """Store the same password with newer parameters."""
        ...

    async def save_totp(self, principal_id: uuid.UUID, sealed: str) -> None:
        """Store a secret that has not been confirmed."""
        ...

    async def confirm_totp(self, principal_id: uuid.UUID, step: int, recovery_hashes: Sequence[bytes]) -> None:
        """Ask for codes from now on."""
        ...

    async def remove_totp(self, principal_id: uuid.UUID) -> None:
        """Forget the secret and the recovery codes."""
        ...

    async def take_totp_step(self, principal_id: uuid.UUID, step: int) -> bool:
        """Use up the code of a step; False if it, or a later one, was used."""
        ...

    async def take_recovery_code(self, principal_id: uuid.UUID, code_hash: bytes) -> bool:
        """Use up a recovery code; False if there is none."""
        ...

    async def list_totp(self) -> Sequence[tuple[uuid.UUID, str]]:
        """Return all sealed secrets with their users."""
        ...

    async def replace_totp(self, principal_id: uuid.UUID, old: str, new: str) -> None:
        """Store a secret that was sealed anew, unless it has changed."""
        ...

    async def insert_session(self, session: Session) -> None:
        """Store a session; those that have ended go."""
        ...

    async def load_session(self, session_id: uuid.UUID) -> Session | None:
        """Return a session."""
        ...

    async def touch_session(self, session_id: uuid.UUID) -> None:
        """Write down that a session was just used."""
        ...

    async def list_sessions(
        self, principal_id: uuid.UUID, *, before: uuid.UUID | None, limit: int
    ) -> Sequence[Session]:
        """Return sessions of a user that go on, the newest first."""
        ...

    async def end_sessions(self, principal_id: uuid.UUID, session_id: uuid.UUID | None) -> int:
        """End one session of a user, or all; returns how many."""
        ...


class SignInTries(Protocol):
    """How often names were tried with something wrong. Every method is one transaction."""

    async def begin(
        self, provider: str, name_digest: str, now: datetime.datetime, lock_seconds: Callable[[int], float]
    ) -> float | None:
        """Count a try, as a wrong one until it is known to be right.

        Args:
            provider: Who knows the name; "" is this server.
            name_digest: Stands for the name.
            now: The time.
            lock_seconds: Tells for how long so many wrong ones lock the name for further ones.

        Returns:
            None if it may be tried; for how many seconds more it may not, otherwise.
        """
        ...

    async def give_back(self, provider: str, name_digest: str) -> None:
        """Take the last try back: it was not wrong."""
        ...

    async def forget(self, provider: str, name_digest: str) -> None:
        """Begin to count anew."""
        ...


class Providers(Protocol):
    """Identity providers, and who is known from them. Every method is one transaction."""

    async def save(self, provider: Provider) -> Provider:
        """Store a provider; an empty secret keeps the one that is there."""
        ...

    async def load(self, handle: str) -> Provider | None:
        """Return a provider."""
        ...

    async def list_page(self, *, after: str, limit: int) -> Sequence[Provider]:
        """Return providers in order of their handles."""
        ...

    async def delete(self, handle: str) -> bool:
        """Delete a provider; False if there is none."""
        ...

    async def replace_secret(self, handle: str, old: str, new: str) -> None:
        """Store a secret that was sealed anew, unless it has changed."""
        ...

    async def find_known(self, provider: str, subject: str) -> uuid.UUID | None:
        """Return the user that a provider knows as `subject`, and write down that they sign in."""
        ...

    async def link(self, provider: str, subject: str, principal_id: uuid.UUID) -> None:
        """Store that a provider knows a user as `subject`."""
        ...

    async def sync_roles(
        self,
        principal_id: uuid.UUID,
        held: Sequence[tuple[str, uuid.UUID | None]],
        given_up: Sequence[tuple[str, uuid.UUID | None]],
    ) -> None:
        """Give a user some roles in workspaces or the account, and take others away."""
        ...


class Devices(Protocol):
    """Programs that wait to be signed in. Every method is one transaction."""

    async def insert(self, device: DeviceSignIn, device_hash: bytes) -> bool:
        """Store one; False if its code is taken. Those that are out of date go."""
        ...

    async def load(self, user_code: str) -> DeviceSignIn | None:
        """Return one that waits, by its code."""
        ...

    async def decide(self, user_code: str, principal_id: uuid.UUID, *, approve: bool) -> DeviceSignIn | None:
        """Approve or refuse one; None if there is none that waits."""
        ...

    async def collect(self, device_hash: bytes) -> DeviceSignIn | None:
        """Return one by its secret, and delete it if it is decided; None if there is none."""
        ...


class Tokens(Protocol):
    """What a provider gave for a code."""

    @property
    def id_token(self) -> str:
        """Return what it says of the person."""
        ...

    @property
    def access_token(self) -> str:
        """Return what its further pages are read with."""
        ...


class OpenIdProviders(Protocol):
    """Speaks with providers; see `neighbours.openid`."""

    async def metadata(self, issuer: str) -> Mapping[str, Any]:
        """Return what a provider says of itself."""
        ...

    async def authorization_url(self, issuer: str, parameters: Mapping[str, str]) -> str:
        """Return where to send a browser."""
        ...

    async def redeem(
        self, issuer: str, client_id: str, client_secret: str, *, code: str, verifier: str, redirect_uri: str
    ) -> Tokens:
        """Return tokens for a code."""
        ...

    async def user_info(self, issuer: str, access_token: str) -> Mapping[str, Any]:
        """Return what a provider tells of the holder of a token."""
        ...

    async def claims(self, token: str, *, issuer: str, audience: str, keys_url: str = "") -> Mapping[str, Any]:
        """Return what a token claims, if it is to be believed."""
        ...


class PasswordDirectories(Protocol):
    """Directories that know people and their passwords; see `neighbours.ldap`."""

    async def prove(
        self, settings: DirectorySettings, bind_password: str, name: str, password: str
    ) -> ProvenIdentity | None:
        """Return who has a name and a password; None if nobody has both."""
        ...
