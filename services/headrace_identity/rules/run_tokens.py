"""What a flow run proves itself with, in place of the key of the worker that executes it."""

from __future__ import annotations

import dataclasses
import datetime
import json
import uuid

PREFIX = "hrr_"
CREDENTIAL = "run:"
"""How guards know that a run calls; see `headrace_chassis.caller.RUN_CREDENTIAL`."""
CONTEXT = "a run token"
"""What the sealed part of a token belongs to."""
GRACE_SECONDS = 900.0
"""So long after the end of its run a token works: for hooks, and what is still to be told."""


@dataclasses.dataclass(frozen=True, slots=True)
class RunToken:
    """What a token says; it is sealed, so that only the server can write one."""

    principal_id: uuid.UUID
    workspace_id: uuid.UUID
    credential_id: str
    """Which key or session of the worker it was made with; it ends with a key."""
    flow_run_id: uuid.UUID
    attempt_token: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """How an attempt of a run stands."""

    is_current: bool
    ended_at: datetime.datetime | None


def write(token: RunToken) -> str:
    """Return what is sealed."""
    return json.dumps([str(each) for each in dataclasses.astuple(token)])


def read(text: str) -> RunToken:
    """Return what was sealed."""
    principal, workspace, credential, flow_run, attempt = json.loads(text)
    return RunToken(uuid.UUID(principal), uuid.UUID(workspace), credential, uuid.UUID(flow_run), uuid.UUID(attempt))


def is_good(attempt: Attempt, now: datetime.datetime) -> bool:
    """Return whether a token of an attempt works now."""
    if not attempt.is_current:
        return False
    return attempt.ended_at is None or (now - attempt.ended_at).total_seconds() < GRACE_SECONDS
