"""Create flow runs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from headrace import errors
from headrace.ids import uuid7
from headrace_state.repository.flow_runs import CreatedFlowRun, FlowRuns, NewFlowRun
from headrace_state.rules.states import StateType
from headrace_state.rules.wishes import Wish
from headrace_state.usecases.naming import run_name
from headrace_state.usecases.propose import new_attempt

_FIRST_STATES = frozenset({StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING})
_NO_PAYLOADS: dict[str, Any] = {"parameters": {}, "job_variables": {}, "context": {}}
_STARTED = frozenset({StateType.PENDING, StateType.RUNNING})


async def create_flow_runs(
    flow_runs: FlowRuns, workspace_id: uuid.UUID, wishes: Sequence[Wish]
) -> list[CreatedFlowRun]:
    """Create runs, or find those that exist by id or idempotency key; all or none, in the given order.

    A run that is created as PENDING or RUNNING begins its first attempt, which is its creator's.

    Raises:
        errors.InvalidArgument: A first state is not SCHEDULED, PENDING or RUNNING.
        errors.NotFound: A flow or parent does not exist.
        errors.AlreadyExists: An id is taken.
    """
    for wish in wishes:
        if wish.state.type not in _FIRST_STATES:
            raise errors.InvalidArgument.of_field("state.type", "must be SCHEDULED, PENDING or RUNNING")
    return await flow_runs.create(workspace_id, [_complete(wish) for wish in wishes])


def _complete(wish: Wish) -> NewFlowRun:
    attempt = None
    if wish.state.type in _STARTED:
        attempt = new_attempt(wish.own_token)
    return NewFlowRun(
        flow_run_id=wish.flow_run_id or uuid7(),
        flow_id=wish.flow_id,
        flow_name=wish.flow_name,
        name=wish.name or run_name(),
        state=wish.state,
        state_id=wish.state_id or uuid7(),
        policy=wish.policy,
        columns=wish.columns,
        payloads=_NO_PAYLOADS | dict(wish.payloads),
        attempt=attempt,
        keyed_limits=wish.keyed_limits,
    )
