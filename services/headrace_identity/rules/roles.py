"""The roles that come with the server, and what assignments of roles amount to."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Mapping, Sequence

ACCOUNT_ADMIN = "PERMISSION_ACCOUNT_ADMIN"
"""Held only through roles that were given in the whole account."""

OWNER, ADMIN, DEVELOPER, RUNNER, VIEWER, WORKER = "owner", "admin", "developer", "runner", "viewer", "worker"

_OPEN = frozenset({"PERMISSION_UNSPECIFIED", "PERMISSION_PUBLIC", "PERMISSION_AUTHENTICATED", "PERMISSION_INTERNAL"})
_MANAGING = frozenset(
    {
        ACCOUNT_ADMIN,
        "PERMISSION_AUDIT_VIEW",
        "PERMISSION_MEMBERS_EDIT",
        "PERMISSION_OTHER_RUNS_EDIT",
        "PERMISSION_RUNS_IMPORT",
        "PERMISSION_WORKSPACE_DELETE",
        "PERMISSION_WORKSPACE_EDIT",
    }
)
_SEEING = frozenset(
    {
        "PERMISSION_AUTOMATIONS_VIEW",
        "PERMISSION_BLOCKS_VIEW",
        "PERMISSION_CONCURRENCY_VIEW",
        "PERMISSION_DEPLOYMENTS_VIEW",
        "PERMISSION_EVENTS_VIEW",
        "PERMISSION_FLOWS_VIEW",
        "PERMISSION_MEMBERS_VIEW",
        "PERMISSION_RUNS_VIEW",
        "PERMISSION_WORKSPACE_VIEW",
        "PERMISSION_WORK_POOLS_VIEW",
    }
)
PAYLOADS = frozenset(
    {
        "PERMISSION_ARTIFACTS_VIEW",
        "PERMISSION_LOGS_VIEW",
        "PERMISSION_RUN_PAYLOADS_VIEW",
        "PERMISSION_VARIABLES_VIEW",
    }
)
"""What shows the data of flows: parameters and results, logs, artifacts, variables."""

_WORKING = frozenset(
    {
        "PERMISSION_ARTIFACTS_EDIT",
        "PERMISSION_ARTIFACTS_VIEW",
        "PERMISSION_BLOCKS_EDIT",
        "PERMISSION_BLOCKS_VIEW",
        "PERMISSION_BLOCK_SECRETS_VIEW",
        "PERMISSION_CONCURRENCY_ACQUIRE",
        "PERMISSION_CONCURRENCY_VIEW",
        "PERMISSION_DEPLOYMENTS_RUN",
        "PERMISSION_DEPLOYMENTS_VIEW",
        "PERMISSION_EVENTS_EMIT",
        "PERMISSION_EVENTS_VIEW",
        "PERMISSION_FLOWS_EDIT",
        "PERMISSION_FLOWS_VIEW",
        "PERMISSION_LOGS_VIEW",
        "PERMISSION_LOGS_WRITE",
        "PERMISSION_RUNS_EDIT",
        "PERMISSION_RUNS_VIEW",
        "PERMISSION_RUN_PAYLOADS_VIEW",
        "PERMISSION_VARIABLES_EDIT",
        "PERMISSION_VARIABLES_VIEW",
        "PERMISSION_WORKERS_CONNECT",
        "PERMISSION_WORKSPACE_VIEW",
        "PERMISSION_WORK_POOLS_EDIT",
        "PERMISSION_WORK_POOLS_VIEW",
    }
)

RUN_PERMISSIONS = (
    _WORKING
    - {
        "PERMISSION_WORKERS_CONNECT",
        "PERMISSION_WORK_POOLS_EDIT",
        "PERMISSION_WORK_POOLS_VIEW",
    }
) | {"PERMISSION_OTHER_RUNS_EDIT"}
"""The most that a flow run can do which a worker executes: what workers need for themselves is not among it."""


def word(permission: str) -> str:
    """Return a permission as people read and type it: `runs-view`."""
    return permission.removeprefix("PERMISSION_").replace("_", "-").lower()


@dataclasses.dataclass(frozen=True, slots=True)
class BuiltIn:
    """A role that comes with the server."""

    handle: str
    name: str
    description: str
    permissions: frozenset[str]


def built_in_roles(known: Iterable[str]) -> Mapping[str, BuiltIn]:
    """Return the roles that come with the server by handle, the mightiest first.

    Args:
        known: Names of all permissions of the contract.
    """
    all_held = frozenset(known) - _OPEN
    roles = (
        BuiltIn(OWNER, "Owner", "May do everything, also administer the account where it is held there.", all_held),
        BuiltIn(ADMIN, "Admin", "May do everything in a workspace.", all_held - {ACCOUNT_ADMIN}),
        BuiltIn(DEVELOPER, "Developer", "Builds, deploys and runs flows; manages no people.", all_held - _MANAGING),
        BuiltIn(
            RUNNER,
            "Runner",
            "Runs what is deployed, and sees what came of it.",
            _SEEING | PAYLOADS | {"PERMISSION_DEPLOYMENTS_RUN", "PERMISSION_RUNS_EDIT"},
        ),
        BuiltIn(VIEWER, "Viewer", "Sees what is there and how it goes, but no data of flows.", _SEEING),
        BuiltIn(WORKER, "Worker", "Takes work and runs it: for workers and what they start.", _WORKING),
    )
    return {role.handle: role for role in roles}


@dataclasses.dataclass(frozen=True, slots=True)
class Assignment:
    """That a principal holds a role somewhere."""

    workspace_id: uuid.UUID | None
    """None is the whole account."""
    permissions: frozenset[str]
    object_kind: str = ""
    """"" is the whole workspace or account."""
    object: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Rights:
    """What a principal may do in one workspace."""

    permissions: frozenset[str]
    objects: Mapping[tuple[str, str], frozenset[str]]
    is_member: bool
    """Whether the workspace is there at all for the principal."""


def judge_rights(
    assignments: Sequence[Assignment], workspace_id: uuid.UUID, most: frozenset[str] | None = None
) -> Rights:
    """Return what assignments amount to in a workspace.

    Args:
        assignments: All that the principal holds, by itself and through teams.
        workspace_id: Where.
        most: What the credential is limited to; None is nothing.
    """
    held: set[str] = set()
    objects: dict[tuple[str, str], frozenset[str]] = {}
    is_member = False
    for each in assignments:
        if each.workspace_id not in (None, workspace_id):
            continue
        is_member = True
        permissions = each.permissions if each.workspace_id is None else each.permissions - {ACCOUNT_ADMIN}
        if most is not None:
            permissions &= most
        if each.object_kind:
            place = (each.object_kind, each.object)
            objects[place] = objects.get(place, frozenset()) | permissions
        else:
            held |= permissions
    return Rights(frozenset(held), objects, is_member)


def choose_workspace(assignments: Sequence[Assignment], home: uuid.UUID | None, default: uuid.UUID) -> uuid.UUID | None:
    """Return the workspace that a caller means who names none; None where it has no role in any.

    Args:
        assignments: All that the principal holds.
        home: The only workspace of the credential, or the one that a service account belongs to.
        default: The one that is there from the start.
    """
    if home is not None:
        return home
    places = {each.workspace_id for each in assignments}
    if default in places or None in places:
        return default
    return min((place for place in places if place is not None), default=None)
