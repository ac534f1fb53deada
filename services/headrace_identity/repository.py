"""What storage offers to the identity service."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from headrace_identity.rules.audit import Entry, Note
from headrace_identity.rules.keys import StoredKey
from headrace_identity.rules.principals import ApiKey, Invitation, Principal, Role, RoleAssignment, Team
from headrace_identity.rules.roles import Assignment, BuiltIn
from headrace_identity.rules.sign_in import DeviceSignIn, Password, Provider, Session
from headrace_identity.rules.workspaces import NewWorkspace, Workspace, WorkspaceChange


class Workspaces(Protocol):
    """The workspaces of an installation. Every method is one transaction."""

    async def insert(self, new: NewWorkspace) -> Workspace | None:
        """Store a workspace in the account of the installation.

        Returns:
            It, or None if its id or handle is taken.
        """
        ...

    async def load(self, workspace_id: uuid.UUID) -> Workspace | None:
        """Return the workspace with an id, None if there is none."""
        ...

    async def load_by_handle(self, handle: str) -> Workspace | None:
        """Return the workspace with a handle, None if there is none."""
        ...

    async def list_page(
        self, *, after_handle: str, limit: int, only: Sequence[uuid.UUID] | None
    ) -> Sequence[Workspace]:
        """Return workspaces in order of their handles.

        Args:
            after_handle: Begin behind it; "" is the beginning.
            limit: Most to return.
            only: The workspaces that may be seen; None for all.
        """
        ...

    async def update(self, workspace_id: uuid.UUID, change: WorkspaceChange) -> Workspace | None:
        """Change a workspace.

        Returns:
            It with its new values, or None if there is none.

        Raises:
            errors.AlreadyExists: The new handle is taken.
        """
        ...

    async def load_installation_id(self) -> uuid.UUID:
        """Return the id that was made with the database."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries of the audit log are asked for; what is empty asks for all."""

    principal_id: str = ""
    action_contains: str = ""
    object_kind: str = ""
    object_id: str = ""
    outcome: str = ""
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None


class AuditLog(Protocol):
    """The audit log. Nothing in it can be changed."""

    async def append(self, workspace_id: uuid.UUID, notes: Sequence[Note]) -> int:
        """Add notes to the chain of a workspace, those that are in it already left out.

        Returns:
            How many were added.
        """
        ...

    async def list_page(
        self, workspace_id: uuid.UUID, wanted: AuditFilter, *, before_sequence: int | None, limit: int
    ) -> Sequence[Entry]:
        """Return entries of a workspace, the newest first."""
        ...

    async def list_after(self, workspace_id: uuid.UUID, sequence: int, limit: int) -> Sequence[Entry]:
        """Return the entries of a workspace behind one, in their order."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key to be stored."""

    api_key_id: str
    principal_id: uuid.UUID
    workspace_id: uuid.UUID | None
    name: str
    secret_hash: bytes
    permissions: tuple[str, ...]
    lifetime_seconds: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs tokens."""

    key_id: str
    public_key: bytes
    private_key: str
    """Sealed."""
    created_at: datetime.datetime


class Directory(Protocol):
    """Users, service accounts and teams. Every method is one transaction."""

    async def insert_principal(
        self,
        principal_id: uuid.UUID,
        handle: str,
        display_name: str,
        *,
        kind: str = "user",
        workspace_id: uuid.UUID | None = None,
    ) -> Principal | None:
        """Store a user or service account; None where the handle is taken."""
        ...

    async def load_principal(self, principal_id: uuid.UUID) -> Principal | None:
        """Return a user or service account by id."""
        ...

    async def load_user(self, handle: str) -> Principal | None:
        """Return a user by e-mail address in small letters."""
        ...

    async def load_service_account(self, workspace_id: uuid.UUID, handle: str) -> Principal | None:
        """Return a service account of a workspace by handle."""
        ...

    async def list_users(
        self, *, after: str, limit: int, in_workspace: uuid.UUID | None, pattern: str
    ) -> Sequence[Principal]:
        """Return users in order of their addresses."""
        ...

    async def list_service_accounts(self, workspace_id: uuid.UUID, *, after: str, limit: int) -> Sequence[Principal]:
        """Return service accounts of a workspace in order of their handles."""
        ...

    async def update_principal(
        self, principal_id: uuid.UUID, *, handle: str | None, display_name: str | None, is_active: bool | None
    ) -> Principal | None:
        """Change a principal; None if there is none."""
        ...

    async def delete_principal(self, principal_id: uuid.UUID, kind: str, workspace_id: uuid.UUID | None = None) -> bool:
        """Delete a principal with all keys, sessions and roles; False if there is none."""
        ...

    async def count_users(self) -> int:
        """Return how many users there are."""
        ...

    async def insert_team(self, team_id: uuid.UUID, handle: str, name: str, description: str) -> Team | None:
        """Store a team; None where the handle is taken."""
        ...

    async def load_team(self, team_id: uuid.UUID | None, handle: str) -> Team | None:
        """Return a team by id or handle."""
        ...

    async def list_teams(self, *, after: str, limit: int) -> Sequence[Team]:
        """Return teams in order of their handles."""
        ...

    async def update_team(
        self, team_id: uuid.UUID, *, handle: str | None, name: str | None, description: str | None
    ) -> Team | None:
        """Change a team; None if there is none."""
        ...

    async def delete_team(self, team_id: uuid.UUID) -> bool:
        """Delete a team with the roles that it holds; False if there is none."""
        ...

    async def list_team_members(self, team_id: uuid.UUID, *, after: str, limit: int) -> Sequence[Principal]:
        """Return the users of a team in order of their addresses."""
        ...

    async def change_team_members(
        self, team_id: uuid.UUID, added: Sequence[uuid.UUID], removed: Sequence[uuid.UUID]
    ) -> None:
        """Put users into a team and take others out."""
        ...


class Roles(Protocol):
    """Roles and who holds them. Every method is one transaction."""

    @property
    def built_in(self) -> Mapping[str, BuiltIn]:
        """Return the roles that come with the server, the mightiest first."""
        ...

    async def insert(self, handle: str, name: str, description: str, permissions: Sequence[str]) -> Role | None:
        """Store a role; None where the handle is taken."""
        ...

    async def load(self, handle: str) -> Role | None:
        """Return a role by its handle."""
        ...

    async def list_page(self, *, after: str, limit: int) -> Sequence[Role]:
        """Return roles that users made, in order of their handles."""
        ...

    async def update(
        self, handle: str, *, name: str | None, description: str | None, permissions: Sequence[str] | None
    ) -> Role | None:
        """Change a role; None if there is none."""
        ...

    async def delete(self, handle: str) -> bool:
        """Delete a role, also from those who hold it; False if there is none."""
        ...

    async def assign(
        self,
        assignment_id: uuid.UUID,
        role: str,
        *,
        workspace_id: uuid.UUID | None,
        principal_id: uuid.UUID | None,
        team_id: uuid.UUID | None,
        object_kind: str = "",
        object_name: str = "",
    ) -> RoleAssignment:
        """Give a role; what was given before is returned as it is."""
        ...

    async def load_assignment(self, assignment_id: uuid.UUID) -> RoleAssignment | None:
        """Return one assignment."""
        ...

    async def list_assignments(
        self,
        workspace_id: uuid.UUID,
        *,
        with_account: bool,
        principal_id: uuid.UUID | None,
        team_id: uuid.UUID | None,
        after: uuid.UUID | None,
        limit: int,
    ) -> Sequence[RoleAssignment]:
        """Return who holds which roles."""
        ...

    async def unassign(self, assignment_id: uuid.UUID) -> None:
        """Take a role away.

        Raises:
            errors.FailedPrecondition: It is what the last owner of the account owns it by.
        """
        ...

    async def list_owners(self) -> Sequence[uuid.UUID]:
        """Return the users that own the account by themselves."""
        ...

    async def list_rights(self, principal_id: uuid.UUID) -> Sequence[Assignment]:
        """Return all that a principal may do, by itself and through teams."""
        ...

    async def list_member_workspaces(self, principal_id: uuid.UUID) -> Sequence[uuid.UUID | None]:
        """Return the workspaces in which a principal has a role; None stands for all of the account."""
        ...


class ApiKeys(Protocol):
    """API keys. Every method is one transaction."""

    async def insert(self, new: NewApiKey) -> ApiKey:
        """Store a key."""
        ...

    async def load(self, api_key_id: str) -> ApiKey | None:
        """Return a key by its id."""
        ...

    async def load_proof(self, api_key_id: str) -> StoredKey | None:
        """Return what a key is checked by."""
        ...

    async def note_use(self, api_key_id: str, principal_id: uuid.UUID) -> None:
        """Write down that a key was just used, to about a minute."""
        ...

    async def list_page(
        self,
        *,
        principal_id: uuid.UUID | None,
        workspace_id: uuid.UUID | None,
        with_dead: bool,
        after: tuple[datetime.datetime, str] | None,
        limit: int,
    ) -> Sequence[ApiKey]:
        """Return keys, newest first."""
        ...

    async def rotate(self, old_id: str, new: NewApiKey, overlap_seconds: float) -> ApiKey:
        """Store a key in place of another, which ends after the overlap.

        Raises:
            errors.FailedPrecondition: The other does not work any more.
        """
        ...

    async def revoke(self, api_key_id: str) -> None:
        """Make a key useless."""
        ...


class Invitations(Protocol):
    """Invitations and what the first administrator gets in with."""

    async def insert(
        self,
        workspace_id: uuid.UUID,
        invitation_id: uuid.UUID,
        *,
        email: str,
        role: str,
        secret_hash: bytes,
        invited_by: str,
        lifetime_seconds: float,
    ) -> Invitation:
        """Store an invitation."""
        ...

    async def list_page(
        self, workspace_id: uuid.UUID, *, after: tuple[datetime.datetime, uuid.UUID] | None, limit: int
    ) -> Sequence[Invitation]:
        """Return open invitations, newest first."""
        ...

    async def delete(self, workspace_id: uuid.UUID, invitation_id: uuid.UUID) -> bool:
        """Take an open invitation back; False if there is none."""
        ...

    async def load(self, secret_hash: bytes) -> Invitation | None:
        """Return an open invitation; None for one that there is not, or not any more."""
        ...

    async def take(self, secret_hash: bytes) -> Invitation | None:
        """Take an open invitation up; None for one that there is not, or not any more."""
        ...

    async def set_setup_token(self, secret_hash: bytes, lifetime_seconds: float) -> None:
        """Store what the first administrator gets in with."""
        ...

    async def take_setup_token(self, secret_hash: bytes) -> bool:
        """Take up what the first administrator gets in with; only one can."""
        ...


class SigningKeys(Protocol):
    """Keys that sign tokens, and how often rights have changed."""

    async def list_all(self) -> Sequence[SigningKey]:
        """Return the keys that tokens may be signed with, newest first."""
        ...

    async def insert(self, key_id: str, public_key: bytes, private_key: str) -> None:
        """Store a key; its private half is sealed."""
        ...

    async def retire(self, after_seconds: float) -> None:
        """Forget keys that were replaced so long ago."""
        ...

    async def load_version(self) -> int:
        """Return how often rights have changed."""
        ...

    async def load_limits(self, workspace_id: uuid.UUID) -> tuple[float, int]:
        """Return what a workspace may call in each process: per second, and at once; 0 is as much as it likes."""
        ...


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

    async def note_failure(self, principal_id: uuid.UUID, locked_until: datetime.datetime | None) -> None:
        """Count a wrong password."""
        ...

    async def forget_failures(self, principal_id: uuid.UUID) -> None:
        """Begin to count anew."""
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
