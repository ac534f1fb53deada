"""Bringing a claimed run to RUNNING, by the worker or by the container that executes it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable
from typing import Protocol

from headrace import errors
from headrace.api.v1 import flow_run_pb2, state_pb2, worker_pb2
from headrace.ids import uuid7

logger = logging.getLogger("headrace.worker")

_PROPOSAL_TRIES = 5
_SHORTEST_WAIT_SECONDS = 0.05


class Proposer(Protocol):
    """Proposes states of flow runs."""

    def __call__(
        self, request: flow_run_pb2.ProposeFlowRunStateRequest, /
    ) -> Awaitable[flow_run_pb2.ProposeFlowRunStateResponse]:
        """Return the verdict.

        Raises:
            errors.HeadraceError: The call failed.
        """


async def enter_running(
    propose: Proposer, assignment: worker_pb2.Assignment, stop_early: asyncio.Event, infrastructure_id: str = ""
) -> bool:
    """Propose RUNNING and note in the assignment what the server says; False if the run is not to be executed.

    Args:
        propose: Asks the server.
        assignment: Has the run and its attempt, and gets the new state.
        stop_early: Set when the run shall not begin any more.
        infrastructure_id: What identifies the process or container.

    Raises:
        errors.Unavailable: The server keeps the run waiting.
        errors.HeadraceError: The call failed.
    """
    request = flow_run_pb2.ProposeFlowRunStateRequest(
        flow_run_id=assignment.flow_run.flow_run_id,
        attempt_token=assignment.attempt.token,
        state=state_pb2.State(state_id=str(uuid7()), type=state_pb2.STATE_TYPE_RUNNING),
        infrastructure_id=infrastructure_id,
    )
    for _ in range(_PROPOSAL_TRIES):
        response = await propose(request)
        verdict = response.verdict
        which = verdict.WhichOneof("verdict")
        if which == "accepted":
            assignment.flow_run.state.CopyFrom(verdict.accepted.state)
            assignment.flow_run.run_count += 1
            if response.HasField("attempt"):
                assignment.attempt.CopyFrom(response.attempt)
            return not stop_early.is_set()
        if which == "wait":
            delay = verdict.wait.delay.ToTimedelta().total_seconds()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop_early.wait(), max(delay, _SHORTEST_WAIT_SECONDS))
                return False
            continue
        reason = verdict.rejected.reason if which == "rejected" else verdict.aborted.reason
        logger.info("The run %s is not executed: %s", assignment.flow_run.flow_run_id, reason)
        return False
    raise errors.Unavailable("The server kept this run waiting; it goes back to its queue.")
