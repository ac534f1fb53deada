"""What servicers of the identity service ask of the call in progress."""

from __future__ import annotations

import uuid
from typing import Any, TypeAlias

import grpc.aio

from headrace_chassis.caller import ALL_PERMISSIONS, Caller, current_caller

ACCOUNT_ADMIN = "PERMISSION_ACCOUNT_ADMIN"
MEMBERS_VIEW = "PERMISSION_MEMBERS_VIEW"
MEMBERS_EDIT = "PERMISSION_MEMBERS_EDIT"

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


def administers_account() -> bool:
    """Return whether the caller administers the account, and so sees all workspaces."""
    return current_caller().may(ACCOUNT_ADMIN)


def held(caller: Caller) -> frozenset[str] | None:
    """Return what a caller may do, None for everything."""
    return None if caller.may(ALL_PERMISSIONS) else caller.permissions


def principal_id(caller: Caller) -> uuid.UUID | None:
    """Return the id of a caller that is kept here, None for the local one."""
    try:
        return uuid.UUID(caller.principal_id)
    except ValueError:
        return None
