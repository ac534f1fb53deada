"""One worker on its stream: what it holds, what it can take, what it is to be told."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping

from headrace import errors
from headrace_scheduler.rules.runs import AttemptRef, ClaimedRun
from headrace_scheduler.rules.work_pool import Worker, WorkPool
from headrace_scheduler.rules.worker_stream import Assigned, Assignment, Cancel, Drain, Lost, Outgoing, Pause, Resume

MOST_MESSAGES = 1_000
"""Messages that wait for the stream. A worker that reads too slowly loses its stream and comes back."""
ACKNOWLEDGE_SECONDS = 5.0
"""An assignment that is not acknowledged within this time goes back to its queue."""
CANCEL_GRACE_SECONDS = 30.0
"""How long a process may take to stop by itself."""
_CANCEL_AGAIN_SECONDS = 10.0


@dataclasses.dataclass(slots=True)
class Held:
    """A run that a worker holds, or was given and has not acknowledged yet."""

    attempt: AttemptRef
    is_acknowledged: bool
    acknowledge_by: float
    """By the monotonic clock."""
    cancelled_at: float | None = None


class Session:
    """A worker on a stream. All methods are quick and belong to one event loop.

    Args:
        worker: The worker, as it is stored.
        pool: Its pool; None if it serves deployments.
        connection_id: Names the stream.
        now: The monotonic time.
    """

    def __init__(self, worker: Worker, pool: WorkPool | None, connection_id: uuid.UUID, now: float) -> None:
        self.worker = worker
        self.pool = pool
        self.connection_id = connection_id
        self.free = 0
        """How many more runs it can be given."""
        self.held: dict[uuid.UUID, Held] = {}
        self.last_heard_at = now
        self.is_draining = False
        self.pause_reason = worker.pause_reason
        """Why the server has it take nothing new; empty if it may."""
        self.has_paused = False
        """Whether it was paused where it runs."""
        self.has_retired = False
        """Whether the worker itself has said that it takes nothing new."""
        self.ended: errors.HeadraceError | None = None
        """Why the stream is ended from this side."""
        self._waiting: collections.deque[Outgoing] = collections.deque()
        self._wake = asyncio.Event()

    @property
    def workspace_id(self) -> uuid.UUID:
        """The workspace."""
        return self.worker.workspace_id

    @property
    def is_open(self) -> bool:
        """Whether the stream stands."""
        return self.ended is None

    @property
    def can_take(self) -> int:
        """How many runs it can be given now."""
        return self.free if self.is_open and not self.is_draining and not self.pause_reason else 0

    @property
    def load(self) -> float:
        """How full it is."""
        return len(self.held) / max(self.worker.capacity, 1)

    def hear(self, free: int, held: Mapping[uuid.UUID, str], now: float) -> None:
        """Take a sign of life.

        Args:
            free: How many more runs the worker takes, as it knew when it sent this.
            held: What it holds: tokens of attempts by flow run.
            now: The monotonic time.
        """
        self.last_heard_at = now
        for flow_run_id, token in held.items():
            known = self.held.get(flow_run_id)
            if known is not None and known.attempt.token != token and not known.is_acknowledged:
                # The worker still has an earlier attempt, and the next one is on its way to it.
                continue
            if known is None or known.attempt.token != token:
                # From before a reconnection; renewing its lease tells whether the worker still has it.
                self.held[flow_run_id] = Held(AttemptRef(flow_run_id, token), True, now)
            else:
                known.is_acknowledged = True
        for flow_run_id in [key for key, one in self.held.items() if one.is_acknowledged and key not in held]:
            del self.held[flow_run_id]
        # What is on its way to the worker it could not count.
        on_the_way = sum(1 for one in self.held.values() if not one.is_acknowledged)
        self.free = max(0, min(free - on_the_way, self.worker.capacity - len(self.held)))

    def acknowledge(self, flow_run_ids: Iterable[uuid.UUID], now: float) -> None:
        """Take note that assignments have arrived."""
        self.last_heard_at = now
        for flow_run_id in flow_run_ids:
            if flow_run_id in self.held:
                self.held[flow_run_id].is_acknowledged = True

    def end_attempt(self, attempt: AttemptRef) -> None:
        """Take note that the worker has no process of an attempt any more; a later attempt of the run stays its."""
        held = self.held.get(attempt.flow_run_id)
        if held is not None and held.attempt == attempt:
            del self.held[attempt.flow_run_id]

    def give(self, given: Iterable[tuple[ClaimedRun, Assignment]], now: float) -> None:
        """Send assignments."""
        assignments = []
        for run, assignment in given:
            self.held[run.attempt.flow_run_id] = Held(run.attempt, False, now + ACKNOWLEDGE_SECONDS)
            self.free -= 1
            assignments.append(assignment)
        self.put(Assigned(tuple(assignments)))

    def cancel(self, flow_run_id: uuid.UUID, reason: str, now: float) -> None:
        """Have a run stopped, if the worker holds it; said again only after a while."""
        held = self.held.get(flow_run_id)
        if held is None or (held.cancelled_at is not None and now - held.cancelled_at < _CANCEL_AGAIN_SECONDS):
            return
        held.cancelled_at = now
        self.put(Cancel(held.attempt, CANCEL_GRACE_SECONDS, reason))

    def lose(self, attempt: AttemptRef, reason: str, state: object | None = None) -> None:
        """Take an attempt away from the worker; a later attempt of the run stays its."""
        self.end_attempt(attempt)
        self.put(Lost(attempt, reason, state))

    def drain(self, reason: str) -> None:
        """Have the worker finish what it runs and take nothing new."""
        if not self.is_draining:
            self.is_draining = True
            self.put(Drain(reason))

    def pause(self, reason: str) -> None:
        """Have the worker take nothing new until it is resumed."""
        if self.pause_reason != reason:
            self.pause_reason = reason
            self.put(Pause(reason))

    def resume(self) -> bool:
        """Let the worker take runs again; return whether it was paused."""
        was_paused = bool(self.pause_reason)
        if was_paused:
            self.pause_reason = ""
            self.put(Resume())
        return was_paused

    def overdue(self, now: float) -> list[AttemptRef]:
        """Return assignments that were not acknowledged in time."""
        return [one.attempt for one in self.held.values() if not one.is_acknowledged and one.acknowledge_by <= now]

    def unacknowledged(self) -> list[AttemptRef]:
        """Return assignments that are not acknowledged yet."""
        return [one.attempt for one in self.held.values() if not one.is_acknowledged]

    def acknowledged(self) -> list[AttemptRef]:
        """Return what the worker is known to hold."""
        return [one.attempt for one in self.held.values() if one.is_acknowledged]

    def put(self, message: Outgoing) -> None:
        """Send a message; a worker that does not read loses its stream."""
        if self.ended is not None:
            return
        if len(self._waiting) >= MOST_MESSAGES:
            self.end(errors.Unavailable("the worker does not read what it is sent", reason="WORKER_TOO_SLOW"))
            return
        self._waiting.append(message)
        self._wake.set()

    def end(self, error: errors.HeadraceError) -> None:
        """End the stream with a status."""
        if self.ended is None:
            self.ended = error
            self._wake.set()

    async def outgoing(self) -> AsyncIterator[Outgoing]:
        """Yield what the worker is to be told, until the stream is ended from this side.

        Raises:
            errors.HeadraceError: Why it is ended.
        """
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self.ended is not None:
                raise self.ended
            self._wake.clear()
            await self._wake.wait()
