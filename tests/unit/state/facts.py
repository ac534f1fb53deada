"""Facts about flow runs, as tests want them."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from typing import Any

from headrace_state.rules.facts import Actor, FlowRunFacts, NewState, Progress, Proposal, RetryPolicy, State
from headrace_state.rules.states import FINAL, USUAL_NAMES, StateType

NOW = datetime.datetime(2026, 3, 5, 12, tzinfo=datetime.UTC)
TOKEN = uuid.UUID(int=1)
OTHER_TOKEN = uuid.UUID(int=2)
HELD = frozenset({StateType.PENDING, StateType.RUNNING, StateType.PAUSED, StateType.CANCELLING})


def some_facts(
    state_type: StateType,
    *,
    name: str = "",
    details: dict[str, Any] | None = None,
    result: dict[str, Any] | None = None,
    policy: RetryPolicy | None = None,
    held: bool | None = None,
    due_in: float = 0.0,
    progress: dict[str, Any] | None = None,
    **more: Any,
) -> FlowRunFacts:
    """Return facts about a run in a state; it has a deployment, and a process where its type usually has one."""
    name = name or USUAL_NAMES[state_type]
    is_held = state_type in HELD if held is None else held
    before = Progress(
        state_type,
        name,
        NOW - datetime.timedelta(seconds=10),
        policy or RetryPolicy(),
        attempt=0 if state_type is StateType.SCHEDULED else 1,
        is_held=is_held,
        next_scheduled_start_at=NOW + datetime.timedelta(seconds=due_in) if state_type is StateType.SCHEDULED else None,
    )
    fields = {"has_deployment": True, "attempt_token": TOKEN if is_held or state_type in FINAL else None} | more
    return FlowRunFacts(
        now=NOW,
        flow_run_id=uuid.UUID(int=7),
        state=State(uuid.UUID(int=8), state_type, name, "", before.at, 3, details or {}, result),
        progress=dataclasses.replace(before, **(progress or {})),
        **fields,
    )


def a_proposal(
    state_type: StateType,
    name: str = "",
    *,
    token: uuid.UUID | None = TOKEN,
    actor: Actor = Actor.PROCESS,
    force: bool = False,
    details: dict[str, Any] | None = None,
    **state: Any,
) -> Proposal:
    """Return a proposal by the attempt that holds the run."""
    new = NewState(state_type, name or USUAL_NAMES[state_type], details=details or {}, **state)
    return Proposal(new, proposal_id=uuid.UUID(int=9), token=token, actor=actor, force=force)
