"""Send inputs to flow runs, and wait for them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

from headrace import errors
from headrace_state.repository.flow_runs import FlowRuns, FlowRunUnit
from headrace_state.repository.run_inputs import RunInputs
from headrace_state.rules.facts import Actor, Proposal
from headrace_state.rules.flow_run import awaited_key, resuming
from headrace_state.rules.rows import Row
from headrace_state.rules.states import StateType
from headrace_state.usecases.propose import judge_and_store

LONGEST_WAIT_SECONDS = 25.0
"""One call waits no longer; the caller then calls again."""

_POLL_SECONDS = 1.0


async def send_run_input(
    flow_runs: FlowRuns,
    workspace_id: uuid.UUID,
    flow_run_id: uuid.UUID,
    key: str,
    value: Any,
    sender: str,
    *,
    replaces: bool = False,
) -> tuple[Row, bool]:
    """Add an input, or find (or replace) the first one with its key.

    The run is resumed if it is suspended until this one comes.

    Returns:
        The input, and whether it was added by this call.

    Raises:
        errors.NotFound: There is no such flow run.
        errors.ResourceExhausted: The flow run has too many inputs.
    """
    wake = Proposal(resuming("What it waited for came."), actor=Actor.SERVER)

    async def work(unit: FlowRunUnit) -> tuple[Row, bool]:
        facts = await unit.lock(flow_run_id, wake)
        if facts is None:
            raise errors.NotFound(f"there is no flow run {flow_run_id}")
        if replaces:
            row, is_new = await unit.put_run_input(flow_run_id, key, value, sender), True
        else:
            row, is_new = await unit.add_run_input(flow_run_id, key, value, sender)
        if facts.state.type is StateType.PAUSED and awaited_key(facts.state.details) == key:
            await judge_and_store(unit, flow_run_id, wake)
        return row, is_new

    return await flow_runs.run(workspace_id, work)


async def wait_for_run_inputs(
    inputs: RunInputs,
    workspace_id: uuid.UUID,
    flow_run_id: uuid.UUID,
    prefix: str,
    known: Sequence[str],
    wait_seconds: float,
    limit: int,
    draining: asyncio.Event,
) -> list[Row]:
    """Return inputs that the caller does not know, as soon as there are any, or none after `wait_seconds`.

    Raises:
        errors.Unavailable: The server is stopping; another one goes on waiting.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + min(wait_seconds, LONGEST_WAIT_SECONDS)
    async with inputs.bell(flow_run_id) as bell:
        while True:
            rows = await inputs.list_new(workspace_id, flow_run_id, prefix, known, limit)
            left = deadline - loop.time()
            if rows or left <= 0:
                return rows
            if draining.is_set():
                raise errors.Unavailable("the server is stopping; wait at another", reason="DRAINING")
            await bell.wait(min(left, _POLL_SECONDS))
