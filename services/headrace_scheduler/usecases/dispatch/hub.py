"""All workers whose streams stand in this process."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence

from headrace import errors
from headrace.ids import uuid7
from headrace_scheduler.repository.storage import Beat
from headrace_scheduler.rules.runs import AttemptRef
from headrace_scheduler.rules.work_pool import WorkerStatus
from headrace_scheduler.rules.worker_stream import Hello, LeasesRenewed, PoolChanged, Result
from headrace_scheduler.usecases import workers
from headrace_scheduler.usecases.dispatch.assigning import Assigner
from headrace_scheduler.usecases.dispatch.lane import LEASE_SECONDS, Lane, Place
from headrace_scheduler.usecases.dispatch.results import Results
from headrace_scheduler.usecases.dispatch.session import ACKNOWLEDGE_SECONDS, Session
from headrace_scheduler.usecases.workbench import Actor, Workbench
from headrace_scheduler.usecases.workers import SILENT_SECONDS

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 2.0
"""How often workers give a sign of life."""
POLL_SECONDS = 1.0
"""How often due runs are looked for where no signal came."""
MOST_RENEWED = 1_000
"""Leases that are renewed in one call."""
_RETREAT_STEPS = 10
_RETREAT_STEP_SECONDS = 0.03
MOST_ORPHANS = 10_000
"""Assignments of broken streams that are watched; of more, the leases run out by themselves."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Orphan:
    """An assignment whose stream broke before it was acknowledged."""

    workspace_id: uuid.UUID
    worker_id: uuid.UUID
    attempt: AttemptRef
    decide_at: float


class Hub:
    """Connects workers, keeps them supplied, and keeps their runs alive.

    Args:
        bench: What to work with.
        monotonic: Tells the monotonic time.
        now: Tells the time.
    """

    def __init__(self, bench: Workbench, monotonic: Callable[[], float], now: Callable[[], datetime.datetime]) -> None:
        self._bench = bench
        self._monotonic = monotonic
        self._now = now
        self._assigner = Assigner(bench.store, monotonic)
        self._results = Results(bench.state)
        self._sessions: dict[uuid.UUID, Session] = {}
        self._lanes: dict[Place, Lane] = {}
        self._orphans: dict[uuid.UUID, _Orphan] = {}
        self._stops: set[asyncio.Task[None]] = set()
        self._results.start()

    async def close(self) -> None:
        """Stop all tasks, after claims in progress and results that wait; give back what nobody has acknowledged."""
        await asyncio.gather(*(lane.stop() for lane in self._lanes.values()), *self._stops)
        self._lanes.clear()
        await self._results.stop()
        try:
            await self._decide(list(self._orphans.values()))
        except errors.HeadraceError as error:
            logger.warning("%d assignments go back when their leases expire: %s", len(self._orphans), error)

    @property
    def sessions(self) -> Sequence[Session]:
        """The workers whose streams stand here."""
        return list(self._sessions.values())

    async def connect(
        self, actor: Actor, hello: Hello, free: int, held: Mapping[uuid.UUID, str]
    ) -> tuple[Session, frozenset[uuid.UUID]]:
        """Take a worker in; return its session and which of the runs that it holds it may go on with.

        Raises:
            errors.NotFound, errors.FailedPrecondition, errors.AlreadyExists: See `workers.connect_worker`.
            errors.Unavailable: What it holds cannot be confirmed now.
        """
        connection_id = uuid7()
        attempts = [AttemptRef(flow_run_id, token) for flow_run_id, token in held.items()]
        welcome = await workers.connect_worker(self._bench, actor, hello, connection_id)
        session = Session(welcome.worker, welcome.pool, connection_id, self._monotonic())
        session.has_paused = hello.worker.status is WorkerStatus.PAUSED
        session.hear(free, held, self._monotonic())
        if welcome.worker.drain_reason:
            session.drain(welcome.worker.drain_reason)
        confirmed: frozenset[uuid.UUID] = frozenset()
        for start in range(0, len(attempts), MOST_RENEWED):
            confirmed |= await self._renew([session], actor.workspace_id, attempts[start : start + MOST_RENEWED])
        await self._replace(session)
        await self._claim_orphans(session, attempts)
        lane = self._lane_of(session)
        lane.sessions.add(session)
        lane.wake()
        return session, confirmed

    async def _claim_orphans(self, session: Session, attempts: Iterable[AttemptRef]) -> None:
        """Decide what becomes of assignments whose stream broke, now that their worker says what it holds."""
        missing = []
        for attempt in attempts:
            orphan = self._orphans.get(attempt.flow_run_id)
            if orphan is None or orphan.worker_id != session.worker.worker_id:
                continue
            del self._orphans[attempt.flow_run_id]
            if orphan.attempt != attempt:
                # It holds an earlier attempt, whose process still ends: the next one never reached it.
                missing.append(orphan.attempt)
        await self._give_back(session.workspace_id, missing, "the stream broke before the worker got the run")

    async def _replace(self, session: Session) -> None:
        """Put a session in the place of an older one of the same worker."""
        before = self._sessions.get(session.worker.worker_id)
        self._sessions[session.worker.worker_id] = session
        if before is None:
            return
        before.end(errors.Aborted("the worker has connected anew", reason="WORKER_REPLACED"))
        self._leave_lane(before)
        # What it does not know of never reached it, whether or not it holds an earlier attempt of the run.
        known = {one.attempt for one in session.held.values()}
        missing = [one for one in before.unacknowledged() if one not in known]
        before.held.clear()
        await self._give_back(session.workspace_id, missing, "the stream broke before the worker got the run")

    def hear(self, session: Session, free: int, held: Mapping[uuid.UUID, str], *, has_paused: bool = False) -> None:
        """Take a sign of life of a worker."""
        session.has_paused = has_paused
        before = session.can_take
        session.hear(free, held, self._monotonic())
        if session.can_take > before and session.is_open:
            self._lane_of(session).wake()

    def acknowledge(self, session: Session, flow_run_ids: Iterable[uuid.UUID]) -> None:
        """Take note that assignments have arrived."""
        session.acknowledge(flow_run_ids, self._monotonic())

    def report(self, session: Session, result: Result) -> None:
        """Have a result of a worker stored."""
        session.last_heard_at = self._monotonic()
        session.end_attempt(result.attempt)
        self._results.report(session, result)

    def retire(self, session: Session) -> None:
        """Take note that a worker takes nothing new."""
        session.last_heard_at = self._monotonic()
        session.is_draining = session.has_retired = True

    async def leave(self, session: Session, *, said_goodbye: bool) -> None:
        """Take note that a stream is over.

        Args:
            session: Whose.
            said_goodbye: Whether the worker ended it on purpose, with nothing left to do. Else it may come back, and
                keeps what it holds until the leases expire.
        """
        self._leave_lane(session)
        session.end(errors.Cancelled("the stream is over"))
        if self._sessions.get(session.worker.worker_id) is session:
            del self._sessions[session.worker.worker_id]
        decide_at = self._monotonic() + ACKNOWLEDGE_SECONDS
        for attempt in session.unacknowledged():
            if len(self._orphans) < MOST_ORPHANS:
                self._orphans[attempt.flow_run_id] = _Orphan(
                    session.workspace_id, session.worker.worker_id, attempt, decide_at
                )
        if (said_goodbye or session.has_retired) and not session.held:
            await workers.disconnect_worker(self._bench, session.worker.worker_id, session.connection_id)

    def wake(self) -> None:
        """Let all lanes look for runs: some became due, or slots became free."""
        for lane in self._lanes.values():
            if lane.can_take:
                lane.wake()

    def cancel(self, flow_run_ids: Iterable[uuid.UUID], reason: str) -> None:
        """Have runs stopped that workers here hold."""
        for flow_run_id in flow_run_ids:
            for session in self._sessions.values():
                session.cancel(flow_run_id, reason, self._monotonic())

    async def poll_due(self) -> None:
        """Find due runs where no signal came; call it every `POLL_SECONDS`."""
        by_workspace: dict[uuid.UUID, list[Lane]] = {}
        for lane in self._lanes.values():
            if lane.can_take:
                by_workspace.setdefault(lane.place.workspace_id, []).append(lane)
        for workspace_id, lanes in by_workspace.items():
            pools = [lane.place.work_pool_id for lane in lanes if lane.place.work_pool_id is not None]
            deployments = [deployment_id for lane in lanes for deployment_id in lane.place.deployment_ids]
            next_due_at = await self._bench.state.next_due(workspace_id, pools, deployments)
            if next_due_at is None:
                continue
            delay = (next_due_at - self._now()).total_seconds()
            if delay < POLL_SECONDS:
                # Before the next poll; which place it is in, the lanes find out.
                asyncio.get_running_loop().call_later(max(delay, 0.0), self.wake)

    async def renew_leases(self) -> None:
        """Renew the leases of what workers hold that were heard of."""
        now = self._monotonic()
        by_workspace: dict[uuid.UUID, list[Session]] = {}
        for session in self._sessions.values():
            if now - session.last_heard_at < SILENT_SECONDS:
                by_workspace.setdefault(session.workspace_id, []).append(session)
        for workspace_id, sessions in by_workspace.items():
            attempts = [attempt for session in sessions for attempt in session.acknowledged()]
            for start in range(0, len(attempts), MOST_RENEWED):
                await self._renew(sessions, workspace_id, attempts[start : start + MOST_RENEWED])

    async def _renew(
        self, sessions: Sequence[Session], workspace_id: uuid.UUID, attempts: Sequence[AttemptRef]
    ) -> frozenset[uuid.UUID]:
        renewed = await self._bench.state.renew(workspace_id, attempts, LEASE_SECONDS)
        tokens = {attempt.flow_run_id: attempt.token for attempt in attempts}
        for session in sessions:
            # A run may have been given to the same worker anew while the call was on its way.
            held = {
                flow_run_id for flow_run_id, one in session.held.items() if tokens.get(flow_run_id) == one.attempt.token
            }
            if kept := tuple(held & renewed.flow_run_ids):
                session.put(LeasesRenewed(renewed.lease_expires_at, kept))
            for flow_run_id in held & renewed.lost.keys():
                why = "the run is over or was given to another attempt"
                session.lose(session.held[flow_run_id].attempt, why, renewed.lost[flow_run_id])
            for flow_run_id in held & renewed.cancelling:
                session.cancel(flow_run_id, "the run is being cancelled", self._monotonic())
        return renewed.flow_run_ids

    async def beat(self) -> None:
        """Store the signs of life of the workers here, and hear what was stored for them elsewhere."""
        now = self._monotonic()
        beats = [
            Beat(
                session.worker.worker_id,
                session.connection_id,
                session.is_draining,
                session.has_paused,
                tuple(session.held),
            )
            for session in self._sessions.values()
            if now - session.last_heard_at < SILENT_SECONDS
        ]
        if not beats:
            return
        for heard in await workers.beat_workers(self._bench, beats):
            session = self._sessions.get(heard.worker_id)
            if session is None:
                continue
            if not heard.is_connected:
                session.end(errors.Aborted("the worker has connected elsewhere", reason="WORKER_REPLACED"))
            elif heard.drain_reason is not None:
                session.drain(heard.drain_reason)
            elif heard.pause_reason:
                session.pause(heard.pause_reason)
            elif session.resume():
                self._lane_of(session).wake()

    async def refresh_pools(self) -> None:
        """Tell workers whose pool has changed."""
        pool_ids = {session.pool.work_pool_id for session in self._sessions.values() if session.pool is not None}
        for pool_id in pool_ids:
            pool = await self._bench.store.read(lambda unit, pool_id=pool_id: unit.pools.load_by_id(pool_id))  # type: ignore[misc]
            for session in self._sessions.values():
                if session.pool is None or session.pool.work_pool_id != pool_id:
                    continue
                if pool is None:
                    session.end(errors.NotFound("the work pool was deleted", reason="WORK_POOL_NOT_FOUND"))
                elif pool.updated_at != session.pool.updated_at:
                    session.pool = pool
                    session.put(PoolChanged(pool))

    async def reclaim(self) -> None:
        """Give runs back that were not acknowledged in time, and end streams that are silent."""
        now = self._monotonic()
        for session in list(self._sessions.values()):
            overdue = session.overdue(now)
            for attempt in overdue:
                session.lose(attempt, "it was not acknowledged in time")
            await self._give_back(session.workspace_id, overdue, "the worker did not acknowledge the run in time")
            if now - session.last_heard_at > SILENT_SECONDS:
                session.end(
                    errors.Unavailable(
                        f"the worker was silent for more than {SILENT_SECONDS:g} s", reason="WORKER_SILENT"
                    )
                )
        await self._decide([orphan for orphan in self._orphans.values() if orphan.decide_at <= now])

    async def _decide(self, orphans: Sequence[_Orphan]) -> None:
        """Give runs back whose worker has not come back with them."""
        for orphan in orphans:
            worker = await self._bench.store.read(lambda unit, one=orphan: unit.workers.load(one.worker_id))  # type: ignore[misc]
            self._orphans.pop(orphan.attempt.flow_run_id, None)
            # A worker that came back somewhere else may well have got it.
            if worker is None or orphan.attempt.flow_run_id not in worker.flow_run_ids:
                await self._give_back(
                    orphan.workspace_id, [orphan.attempt], "the stream broke before the worker acknowledged the run"
                )

    async def retreat(self, session: Session) -> None:
        """Prepare a session for the end of this server: nothing new, and what is on its way gets a moment to arrive."""
        session.is_draining = True
        for _ in range(_RETREAT_STEPS):
            if not session.unacknowledged() or not session.is_open:
                break
            await asyncio.sleep(_RETREAT_STEP_SECONDS)
        await self._give_back(session.workspace_id, session.unacknowledged(), "the server stopped")
        for attempt in session.unacknowledged():
            session.held.pop(attempt.flow_run_id, None)
        session.end(errors.Unavailable("the server is stopping; connect to another", reason="SERVER_STOPPING"))

    async def _give_back(self, workspace_id: uuid.UUID, attempts: Sequence[AttemptRef], reason: str) -> None:
        if not attempts:
            return
        try:
            await self._bench.state.return_runs(workspace_id, attempts, reason)
        except errors.HeadraceError as error:
            logger.warning("%d assignments go back when their leases expire: %s", len(attempts), error)

    def _lane_of(self, session: Session) -> Lane:
        worker = session.worker
        place = Place(
            worker.workspace_id,
            worker.work_pool_id,
            frozenset(worker.deployment_ids) if worker.work_pool_id is None else frozenset(),
        )
        lane = self._lanes.get(place)
        if lane is None:
            lane = self._lanes[place] = Lane(place, self._bench, self._assigner, self._monotonic, self._now)
            lane.start()
        return lane

    def _leave_lane(self, session: Session) -> None:
        for place, lane in list(self._lanes.items()):
            lane.sessions.discard(session)
            if not lane.sessions:
                del self._lanes[place]
                stop = asyncio.create_task(lane.stop())
                self._stops.add(stop)
                stop.add_done_callback(self._stops.discard)
