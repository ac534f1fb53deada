"""Results that workers report, stored in batches; a worker repeats a result until it is stored."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import uuid

from headrace import errors
from headrace_scheduler.repository.state import StateService
from headrace_scheduler.rules.runs import AttemptEnd, AttemptRef, EndedAttempt
from headrace_scheduler.rules.worker_stream import Result, ResultStored
from headrace_scheduler.usecases.dispatch.session import Session

logger = logging.getLogger(__name__)

MOST_WAITING = 10_000
"""Results that wait to be stored. Further ones are passed over: their workers repeat them."""
MOST_STORED = 100
"""Results that are stored at once: few enough for the deadline of a call also on a busy machine."""
_AGAIN_SECONDS = 0.5


def to_end(result: Result) -> EndedAttempt:
    """Return what a result means for the run, if it is not final yet.

    A process that ended well has brought its run into a final state before, so a run that is not final then has
    crashed; where it was given to another attempt, the token no longer fits and nothing happens.
    """
    match result.outcome:
        case "CANCELLED":
            return EndedAttempt(result.attempt, AttemptEnd.CANCELLED, result.message, "CANCELLED")
        case "RETURNED":
            return EndedAttempt(result.attempt, AttemptEnd.SCHEDULED, result.message, "RETURNED_BY_WORKER")
        case "NOT_STARTED":
            message = result.message or "The infrastructure of the run could not be started."
            return EndedAttempt(result.attempt, AttemptEnd.CRASHED, message, "NOT_STARTED")
        case _:
            return EndedAttempt(result.attempt, AttemptEnd.CRASHED, result.message or _exit(result), "PROCESS_ENDED")


def _exit(result: Result) -> str:
    code = result.exit_code
    if code is None:
        return "The process of the run ended without bringing it to an end."
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return f"The process of the run {how} without bringing it to an end."


class Results:
    """Stores results and tells their workers. `start`, then `report`; `stop` stores what is left.

    Args:
        state: Where to.
    """

    def __init__(self, state: StateService) -> None:
        self._state = state
        self._waiting: dict[AttemptRef, tuple[Session, Result]] = {}
        self._wake = asyncio.Event()
        self._passed_over = 0
        self._is_stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the task."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="results", context=contextvars.Context())

    async def stop(self) -> None:
        """Stop, after one try to store what is left."""
        self._is_stopping = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    def report(self, session: Session, result: Result) -> None:
        """Have a result stored; the worker is told on its stream then."""
        if len(self._waiting) >= MOST_WAITING and result.attempt not in self._waiting:
            if not self._passed_over:
                logger.warning("results are passed over since %d wait to be stored; workers repeat them", MOST_WAITING)
            self._passed_over += 1
            return
        if self._passed_over and len(self._waiting) <= MOST_WAITING // 2:
            logger.warning("%d results were passed over, and are taken again", self._passed_over)
            self._passed_over = 0
        self._waiting[result.attempt] = (session, result)
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            try:
                await self._store_some()
            except Exception as error:
                if isinstance(error, errors.Unavailable | errors.DeadlineExceeded):
                    logger.warning("results cannot be stored now: %s", error)
                else:
                    logger.exception("storing results failed")
                if not self._is_stopping:
                    await asyncio.sleep(_AGAIN_SECONDS)
            if self._is_stopping:
                return
            if not self._waiting:
                self._wake.clear()

    async def _store_some(self) -> None:
        by_workspace: dict[uuid.UUID, list[tuple[Session, Result]]] = {}
        for session, result in list(self._waiting.values())[:MOST_STORED]:
            by_workspace.setdefault(session.workspace_id, []).append((session, result))
        for workspace_id, found in by_workspace.items():
            ended = [to_end(result) for _, result in found]
            try:
                await self._state.end_attempts(workspace_id, ended)
            except (errors.InvalidArgument, errors.NotFound, errors.FailedPrecondition) as error:
                # Repeating would change nothing, and the others of the batch must not wait for it.
                await self._store_singly(workspace_id, found, error)
            for session, result in found:
                self._waiting.pop(result.attempt, None)
                session.put(ResultStored(result.attempt))

    async def _store_singly(
        self, workspace_id: uuid.UUID, found: list[tuple[Session, Result]], cause: errors.HeadraceError
    ) -> None:
        if len(found) == 1:
            logger.warning("the result of flow run %s is refused: %s", found[0][1].attempt.flow_run_id, cause)
            return
        for session, result in found:
            try:
                await self._state.end_attempts(workspace_id, [to_end(result)])
            except (errors.InvalidArgument, errors.NotFound, errors.FailedPrecondition) as error:
                await self._store_singly(workspace_id, [(session, result)], error)
