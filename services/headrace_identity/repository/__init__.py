"""What storage offers to the identity service."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Protocol

from headrace_identity.rules.keys import StoredKey
from headrace_identity.rules.principals import ApiKey, Invitation, Principal, Role, RoleAssignment, Team
from headrace_identity.rules.roles import Assignment, BuiltIn
from headrace_identity.rules.run_tokens import Attempt
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
        external_id: str = "",
    ) -> Principal | None:
        """Store a user or service account; None where the handle or external id is taken."""
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
        self, *, after: str, limit: int, in_workspace: uuid.UUID | None, pattern: str, external_id: str = ""
    ) -> Sequence[Principal]:
        """Return users in order of their addresses."""
        ...

    async def list_service_accounts(self, workspace_id: uuid.UUID, *, after: str, limit: int) -> Sequence[Principal]:
        """Return service accounts of a workspace in order of their handles."""
        ...

    async def update_principal(
        self,
        principal_id: uuid.UUID,
        *,
        handle: str | None,
        display_name: str | None,
        is_active: bool | None,
        external_id: str | None = None,
        if_updated_at: datetime.datetime | None = None,
    ) -> Principal | None:
        """Change a principal, only one that last changed then if that is given; None if there is none."""
        ...

    async def delete_principal(
        self,
        principal_id: uuid.UUID,
        kind: str,
        workspace_id: uuid.UUID | None = None,
        *,
        if_updated_at: datetime.datetime | None = None,
    ) -> bool:
        """Delete a principal with all keys, sessions and roles, only one that last changed then if that is given; False
        if there is none."""
        ...

    async def count_users(self) -> int:
        """Return how many users there are."""
        ...

    async def insert_team(
        self, team_id: uuid.UUID, handle: str, name: str, description: str, external_id: str = ""
    ) -> Team | None:
        """Store a team; None where the handle or external id is taken."""
        ...

    async def load_team(self, team_id: uuid.UUID | None, handle: str) -> Team | None:
        """Return a team by id or handle."""
        ...

    async def list_teams(self, *, after: str, limit: int, external_id: str = "") -> Sequence[Team]:
        """Return teams in order of their handles."""
        ...

    async def update_team(
        self,
        team_id: uuid.UUID,
        *,
        handle: str | None,
        name: str | None,
        description: str | None,
        external_id: str | None = None,
        added: Sequence[uuid.UUID] = (),
        removed: Sequence[uuid.UUID] = (),
        if_updated_at: datetime.datetime | None = None,
    ) -> Team | None:
        """Change a team and who is in it, only one that last changed then if that is given; None if there is none."""
        ...

    async def delete_team(self, team_id: uuid.UUID, *, if_updated_at: datetime.datetime | None = None) -> bool:
        """Delete a team with the roles that it holds, only one that last changed then if that is given; False if there
        is none."""
        ...

    async def list_team_members(self, team_id: uuid.UUID, *, after: str, limit: int) -> Sequence[Principal]:
        """Return the users of a team in order of their addresses."""
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


class Attempts(Protocol):
    """Attempts of flow runs; see `neighbours.attempts`."""

    async def load(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, attempt_token: uuid.UUID) -> Attempt:
        """Return how an attempt stands."""
        ...
