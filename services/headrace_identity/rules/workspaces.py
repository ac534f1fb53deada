"""Workspaces: what one is, and which words may name it."""

from __future__ import annotations

import dataclasses
import datetime
import re
import uuid

HANDLE_LENGTH = 100
NAME_LENGTH = 255
DESCRIPTION_LENGTH = 10_000

_HANDLE = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclasses.dataclass(frozen=True, slots=True)
class Workspace:
    """What belongs together and is kept apart from all else."""

    workspace_id: uuid.UUID
    account_id: uuid.UUID
    handle: str
    name: str
    description: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    calls_per_second: float = 0.0
    """What it may call in each process; 0 is as much as it likes."""
    concurrent_calls: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class NewWorkspace:
    """A workspace to be made."""

    workspace_id: uuid.UUID
    handle: str
    name: str
    description: str


@dataclasses.dataclass(frozen=True, slots=True)
class WorkspaceChange:
    """New values of a workspace; None leaves the old one."""

    handle: str | None = None
    name: str | None = None
    description: str | None = None
    calls_per_second: float | None = None
    concurrent_calls: int | None = None


def fault_of_handle(handle: str) -> str | None:
    """Return what is wrong with a handle, None if nothing is.

    An id names a workspace wherever a handle does, so that nothing that reads as an id may be a handle.
    """
    if not _HANDLE.fullmatch(handle):
        return "must begin with a small letter or digit, and go on with these and hyphens"
    if len(handle) > HANDLE_LENGTH:
        return f"must have at most {HANDLE_LENGTH} characters"
    if reads_as_id(handle) is not None:
        return "must not read as an id"
    return None


def fault_of_name(name: str) -> str | None:
    """Return what is wrong with a name, None if nothing is."""
    if not name.strip():
        return "must not be empty"
    if len(name) > NAME_LENGTH:
        return f"must have at most {NAME_LENGTH} characters"
    return None


def fault_of_description(description: str) -> str | None:
    """Return what is wrong with a description, None if nothing is."""
    if len(description) > DESCRIPTION_LENGTH:
        return f"must have at most {DESCRIPTION_LENGTH} characters"
    return None


def reads_as_id(word: str) -> uuid.UUID | None:
    """Return the id that `word` is, None if it is a handle."""
    try:
        return uuid.UUID(word)
    except ValueError:
        return None
