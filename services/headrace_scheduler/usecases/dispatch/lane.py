"""The workers of one place, and the task that claims runs for all of them at once."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import datetime
import heapq
import itertools
import logging
import random
import uuid
from collections.abc import Callable, Sequence

from headrace import errors
from headrace_scheduler.repository.storage import Unit
from headrace_scheduler.rules import fair_shares
from headrace_scheduler.rules.fair_shares import Quota
from headrace_scheduler.rules.runs import Claim, Claimed, ClaimedRun, ClaimFor
from headrace_scheduler.rules.work_pool import WorkPool, WorkQueue
from headrace_scheduler.usecases.dispatch.assigning import Assigner
from headrace_scheduler.usecases.dispatch.session import Session
from headrace_scheduler.usecases.workbench import Workbench

logger = logging.getLogger(__name__)

LEASE_SECONDS = 10.0
"""How long a run stays with a worker that is not heard of."""
MOST_CLAIMED = 200
"""Runs that are claimed at once."""
_LONGEST_WAIT_SECONDS = 30.0
_SHORTEST_WAIT_SECONDS = 0.005
_LEAST_AFTER_NOTHING_SECONDS = 0.05
_FIRST_BACKOFF_SECONDS = 0.1
_MOST_BACKOFF_SECONDS = 2.0


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where workers take runs from."""

    workspace_id: uuid.UUID
    work_pool_id: uuid.UUID | None
    deployment_ids: frozenset[uuid.UUID]
    """Without a pool: the deployments that are served."""


class Lane:
    """Claims runs for the sessions of one place. `start` it, then wake it whenever there may be something to do.

    Args:
        place: Which place.
        bench: What to work with.
        assigner: Makes assignments.
        monotonic: Tells the monotonic time.
        now: Tells the time.
    """

    def __init__(
        self,
        place: Place,
        bench: Workbench,
        assigner: Assigner,
        monotonic: Callable[[], float],
        now: Callable[[], datetime.datetime],
    ) -> None:
        self.place = place
        self.sessions: set[Session] = set()
        self.next_due_at: datetime.datetime | None = None
        """When the next run is due that is not due yet, as far as is known."""
        self._bench = bench
        self._assigner = assigner
        self._monotonic = monotonic
        self._now = now
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._served: dict[uuid.UUID, float] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def can_take(self) -> int:
        """How many runs its workers can be given."""
        return sum(session.can_take for session in self.sessions)

    def start(self) -> None:
        """Start the task."""
        self._task = asyncio.get_running_loop().create_task(
            self._run(), name=f"lane {self.place.work_pool_id or 'of deployments'}", context=contextvars.Context()
        )

    def wake(self) -> None:
        """Look for runs now."""
        self._wake.set()

    async def stop(self) -> None:
        """Stop; a claim in progress is finished first, so that its runs reach somebody or go back."""
        if self._task is not None:
            task, self._task = self._task, None
            self._stopping.set()
            self._wake.set()
            await asyncio.wait([task])

    async def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                taken = await self._turn()
                failures = 0
                delay = 0.0 if taken else self._wait_seconds()
            except Exception as error:
                failures += 1
                delay = min(_FIRST_BACKOFF_SECONDS * 2.0 ** min(failures, 10), _MOST_BACKOFF_SECONDS)
                delay *= random.uniform(0.5, 1.0)
                if isinstance(error, errors.Unavailable | errors.DeadlineExceeded):
                    logger.warning("runs cannot be claimed now: %s", error)
                else:
                    logger.exception("claiming runs failed")
            if delay == 0.0:
                await asyncio.sleep(0)
            elif failures:
                # After a failure only time helps.
                await _wait(self._stopping, delay)
            elif await _wait(self._wake, delay):
                self._wake.clear()

    def _wait_seconds(self) -> float:
        """Return how long to sleep unless woken; the hub polls beside that."""
        if self.next_due_at is None or not self.can_take:
            return _LONGEST_WAIT_SECONDS
        left = (self.next_due_at - self._now()).total_seconds()
        if left <= 0:
            # It was due by our clock and not by the database's, or a limit holds it back.
            return _LEAST_AFTER_NOTHING_SECONDS
        return min(max(left, _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)

    async def _turn(self) -> bool:
        """Claim for all free workers once; return whether it is worth doing so again at once."""
        if not self.can_take:
            return False
        pool_id = self.place.work_pool_id
        if pool_id is None:
            members = [session for session in self.sessions if session.can_take]
            claimed = await self._claim(None, members, (), min(self.can_take, MOST_CLAIMED))
            self._note_due([claimed])
            return bool(claimed.runs)

        async def load(unit: Unit) -> tuple[WorkPool | None, list[WorkQueue]]:
            return await unit.pools.load_by_id(pool_id), await unit.pools.list_queues(pool_id)

        pool, queues = await self._bench.store.read(load)
        if pool is None:
            for session in self.sessions:
                session.end(errors.NotFound("the work pool was deleted", reason="WORK_POOL_NOT_FOUND"))
            return False
        if pool.paused:
            self.next_due_at = None
            return False
        by_queues: dict[tuple[str, ...], list[Session]] = {}
        for session in self.sessions:
            if session.can_take:
                by_queues.setdefault(tuple(sorted(session.worker.work_queue_names)), []).append(session)
        results = []
        for names, members in by_queues.items():
            open_queues = [queue for queue in queues if not queue.paused and (not names or queue.name in names)]
            if open_queues:
                results.extend(await self._claim_fairly(pool, open_queues, members))
        self._note_due(results)
        return any(claimed.runs for claimed in results)

    def _note_due(self, results: Sequence[Claimed]) -> None:
        self.next_due_at = min((one.next_due_at for one in results if one.next_due_at is not None), default=None)

    async def _claim_fairly(
        self, pool: WorkPool, queues: Sequence[WorkQueue], members: Sequence[Session]
    ) -> list[Claimed]:
        """Claim by the shares of the queues, and what some of them leave over for the others."""
        count = min(sum(session.can_take for session in members), MOST_CLAIMED)
        offered = fair_shares.quotas(pool.queue_policy, queues, self._served, count)
        claimed = await self._claim(pool, members, offered, count)
        results = [claimed]
        left = count - len(claimed.runs)
        hungry = self._book(queues, offered, claimed)
        if claimed.runs and left > 0 and hungry:
            again = [Quota(queue.work_queue_id, left) for queue in queues if queue.work_queue_id in hungry]
            more = await self._claim(pool, members, again, left)
            self._book(queues, again, more)
            results.append(more)
        return results

    def _book(self, queues: Sequence[WorkQueue], offered: Sequence[Quota], claimed: Claimed) -> set[uuid.UUID]:
        numbers: dict[uuid.UUID, int] = {}
        for run in claimed.runs:
            if run.work_queue_id is not None:
                numbers[run.work_queue_id] = numbers.get(run.work_queue_id, 0) + 1
        self._served = fair_shares.advance(self._served, queues, offered, numbers)
        return fair_shares.hungry(offered, numbers)

    async def _claim(
        self, pool: WorkPool | None, members: Sequence[Session], quotas: Sequence[Quota], count: int
    ) -> Claimed:
        """Claim up to `count` runs for `members` and hand them out."""
        workers = _in_order(members, count)
        count = sum(worker.count for worker in workers)
        if count == 0:
            return Claimed((), None)
        claim = Claim(
            work_pool_id=self.place.work_pool_id,
            quotas=tuple(quotas),
            deployment_ids=tuple(sorted(self.place.deployment_ids)),
            count=count,
            workers=workers,
            lease_seconds=LEASE_SECONDS,
            start_timeout_seconds=pool.start_timeout_seconds if pool is not None else None,
        )
        claimed = await self._bench.state.claim(self.place.workspace_id, claim)
        if claimed.runs:
            await self._hand_out(pool, claimed.runs)
        return claimed

    async def _hand_out(self, pool: WorkPool | None, runs: Sequence[ClaimedRun]) -> None:
        try:
            assigned, impossible = await self._assigner.assign(pool, runs, self._now())
        except Exception:
            await self._give_back(runs, "the assignment could not be made")
            raise
        now = self._monotonic()
        given: dict[Session, list[int]] = {}
        homeless: list[ClaimedRun] = []
        by_worker = {session.worker.worker_id: session for session in self.sessions if session.is_open}
        for place, (run, _) in enumerate(assigned):
            session = by_worker.get(run.worker_id) if run.worker_id is not None else None
            # Since the claim the worker may have gone or have become full.
            if session is None or session.can_take - len(given.get(session, ())) <= 0:
                homeless.append(run)
            else:
                given.setdefault(session, []).append(place)
        for session, places in given.items():
            session.give([assigned[place] for place in places], now)
        if homeless:
            await self._give_back(homeless, "the worker was gone before it got the run")
        if impossible:
            await self._bench.state.end_attempts(self.place.workspace_id, impossible)

    async def _give_back(self, runs: Sequence[ClaimedRun], reason: str) -> None:
        """Return runs; where that fails their leases run out and bring them back."""
        try:
            await self._bench.state.return_runs(self.place.workspace_id, [run.attempt for run in runs], reason)
        except errors.HeadraceError as error:
            logger.warning("%d claimed runs go back when their leases expire: %s", len(runs), error)


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event; return whether it came in time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _in_order(members: Sequence[Session], count: int) -> tuple[ClaimFor, ...]:
    """Return who takes the next `count` runs one after the other, each time the least loaded."""
    numbers = itertools.count()
    heap = [
        (session.load, next(numbers), session, session.can_take)
        for session in sorted(members, key=lambda session: session.worker.worker_id)
        if session.can_take
    ]
    heapq.heapify(heap)
    order: list[ClaimFor] = []
    while heap and count > 0:
        load, number, session, left = heapq.heappop(heap)
        worker = session.worker
        last = order[-1] if order else None
        if last is not None and last.worker_id == worker.worker_id:
            order[-1] = dataclasses.replace(last, count=last.count + 1)
        else:
            order.append(ClaimFor(worker.worker_id, worker.name, worker.labels, 1))
        count -= 1
        if left > 1:
            heapq.heappush(heap, (load + 1 / max(worker.capacity, 1), number, session, left - 1))
    return tuple(order)
