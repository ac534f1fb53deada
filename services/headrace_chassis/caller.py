"""Who makes the call in progress, and on which workspace."""

from __future__ import annotations

import contextvars
import dataclasses
import uuid
from collections.abc import Mapping
from typing import Literal

from headrace import errors

PrincipalKind = Literal["user", "service_account", "service", "local", "anonymous"]
"""What a principal is; `service` is another part of the server, `local` a server without sign-in."""

ALL_PERMISSIONS = "*"

RUN_CREDENTIAL = "run:"
"""How the credentials of flow runs begin: what is behind it is the run."""

OTHER_RUNS = "PERMISSION_OTHER_RUNS_EDIT"
"""With it the token of a flow run may change what other runs did, too."""


@dataclasses.dataclass(slots=True)
class Proof:
    """What a caller is told to other services with; renewed while a long call goes on."""

    token: str
    """Signed by the identity service, see `access_token`."""
    expires_at: float
    """Unix time."""


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """The principal behind a call.

    `workspace_id` is the only workspace that the call may read or change.
    """

    workspace_id: uuid.UUID
    principal_id: str
    principal_kind: PrincipalKind
    display_name: str
    permissions: frozenset[str]
    correlation_id: str
    grants: Mapping[tuple[int, str], frozenset[str]] = dataclasses.field(default_factory=dict)
    """Permissions on single objects: by (kind, name as `ObjectOfCall` tells it)."""
    proof: Proof | None = None
    """None for callers that nobody had to prove: the local one, and parts of the server itself."""
    credential_id: str = ""
    """Which key or session the caller proved itself with."""
    account_id: uuid.UUID | None = None

    @property
    def is_run(self) -> bool:
        """Whether a flow run calls, with the token that was made for it."""
        return self.credential_id.startswith(RUN_CREDENTIAL)

    @property
    def run_id(self) -> str:
        """The flow run that calls, "" if none does."""
        return self.credential_id.removeprefix(RUN_CREDENTIAL) if self.is_run else ""

    @property
    def run_uuid(self) -> uuid.UUID | None:
        """The flow run that calls, None if none does."""
        return uuid.UUID(self.run_id) if self.is_run else None

    def may(self, permission: str) -> bool:
        """Return whether the caller holds `permission`, named as in the enum `headrace.api.v1.Permission`."""
        return permission in self.permissions or ALL_PERMISSIONS in self.permissions

    def may_on(self, permission: str, kind: int, name: str) -> bool:
        """Return whether the caller holds `permission` on one object, if not in the whole workspace."""
        return self.may(permission) or permission in self.grants.get((kind, name), ())

    def require(self, permission: str) -> None:
        """Return if the caller holds `permission`.

        Raises:
            errors.PermissionDenied: It does not.
        """
        if not self.may(permission):
            raise errors.PermissionDenied(
                f"{self.display_name} lacks the permission {permission_word(permission)}",
                metadata={"permission": permission},
            )


def permission_word(permission: str) -> str:
    """Return a permission as people read and type it: `runs-view` for `PERMISSION_RUNS_VIEW`."""
    return permission.removeprefix("PERMISSION_").replace("_", "-").lower()


_current: contextvars.ContextVar[Caller] = contextvars.ContextVar("headrace_caller")


def current_caller() -> Caller:
    """Return the caller of the call in progress.

    Raises:
        LookupError: No call is in progress: background loops act for the workspace in the row, not for a caller.
    """
    return _current.get()


def maybe_caller() -> Caller | None:
    """Return the caller of the call in progress, None outside of any."""
    return _current.get(None)


def set_caller(caller: Caller) -> contextvars.Token[Caller]:
    """Make `caller` the current one in this task; for the auth guard and for tests."""
    return _current.set(caller)
