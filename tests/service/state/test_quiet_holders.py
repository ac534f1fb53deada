"""Holders of runs that keep no tokens, and give signs of life at a pace of their own or not at all."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

from google.protobuf.duration_pb2 import Duration

from headrace.api.v1 import flow_run_pb2, state_pb2, task_run_pb2
from headrace_chassis.clock import SystemClock
from headrace_chassis.database import Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_harness.state import CRASHED, FAILED, RUNNING, SCHEDULED, StateClient, a_state
from headrace_state.loops.reaper import LeaseReaper
from headrace_state.queries.flow_runs import PostgresFlowRuns
from headrace_state.queries.limits import PostgresLimits
from headrace_state.queries.upkeep import PostgresUpkeep

YEAR = 365 * 86_400


class Quiet:
    """A client that holds a run under a token made of the run's id."""

    def __init__(self, state: StateClient, database: Database) -> None:
        self._state = state
        self._database = database
        self.flow_run_id = ""
        self.token = str(uuid.uuid4())

    async def begin(self, **fields: Any) -> None:
        """Create a run that this client executes."""
        made = await self._state.create_run(a_state(RUNNING), own_token=self.token, **fields)
        self.flow_run_id = made.flow_run.flow_run_id

    async def live(self, seconds: float) -> None:
        """Give a sign of life that is good for so long."""
        attempt = task_run_pb2.RecordAttempt(flow_run_id=self.flow_run_id, token=self.token)
        duration = Duration()
        duration.FromTimedelta(datetime.timedelta(seconds=seconds))
        answer = await self._state.record.RenewAttempts(
            task_run_pb2.RenewAttemptsRequest(attempts=[attempt], lease_duration=duration)
        )
        assert not answer.lost

    async def propose(self, wanted: state_pb2.State) -> flow_run_pb2.ProposeFlowRunStateResponse:
        """Propose a state."""
        return await self._state.runs.ProposeFlowRunState(
            flow_run_pb2.ProposeFlowRunStateRequest(flow_run_id=self.flow_run_id, state=wanted, own_token=self.token)
        )

    async def seconds_left(self) -> float:
        """Return how long the lease still holds."""
        async with self._database.connection() as connection:
            left: float = await connection.fetchval(
                "select extract(epoch from expires_at - now())::float8 from lease where flow_run_id = $1",
                uuid.UUID(self.flow_run_id),
            )
        return left

    async def be_silent(self, seconds: float) -> None:
        """Let time pass for the lease."""
        async with self._database.connection() as connection:
            await connection.execute(
                "update lease set expires_at = expires_at - make_interval(secs => $2) where flow_run_id = $1",
                uuid.UUID(self.flow_run_id),
                seconds,
            )


async def reap(database: Database, watched: datetime.timedelta) -> None:
    """End what expired, as a server that has watched for so long."""
    wakeups = Wakeups(None)
    outbox = Outbox(database, wakeups)
    reaper = LeaseReaper(
        PostgresUpkeep(database, outbox, wakeups),
        PostgresFlowRuns(database, outbox, wakeups),
        PostgresLimits(database, outbox, wakeups),
        SystemClock(),
    )
    await reaper.tick()
    reaper._since = datetime.datetime.now(datetime.UTC) - watched
    await reaper.tick()


async def test_a_run_that_has_given_a_sign_of_life_crashes_when_none_follows(
    state: StateClient, database: Database
) -> None:
    quiet, never_heard_of = Quiet(state, database), Quiet(state, database)
    await quiet.begin()
    await never_heard_of.begin()
    assert await quiet.seconds_left() > YEAR
    await quiet.live(540)
    assert 500 < await quiet.seconds_left() <= 540
    await quiet.be_silent(541)
    await never_heard_of.be_silent(541)
    # Whoever was away himself gives everybody the whole span again.
    await reap(database, datetime.timedelta(seconds=500))
    assert (await state.get_run(quiet.flow_run_id)).state.type == RUNNING
    await reap(database, datetime.timedelta(seconds=700))
    crashed = (await state.get_run(quiet.flow_run_id)).state
    assert (crashed.type, crashed.details.reason) == (CRASHED, "LEASE_LOST")
    assert (await state.get_run(never_heard_of.flow_run_id)).state.type == RUNNING


async def test_the_wait_for_a_retry_is_no_silence(state: StateClient, database: Database) -> None:
    retries = flow_run_pb2.RetryPolicy(
        retries=2, delay_seconds=[7200], kind=flow_run_pb2.RETRY_KIND_IN_PROCESS, infrastructure_retries=-1
    )
    quiet = Quiet(state, database)
    await quiet.begin(retry_policy=retries)
    await quiet.live(540)
    assert (await quiet.propose(a_state(FAILED))).verdict.rejected.state.type == SCHEDULED
    assert 7200 < await quiet.seconds_left() <= 7740
    assert (await quiet.propose(a_state(RUNNING))).verdict.WhichOneof("verdict") != "aborted"
    await quiet.live(540)
    assert await quiet.seconds_left() <= 540


async def test_the_wait_of_one_that_gives_no_signs_of_life_ends_no_lease(
    state: StateClient, database: Database
) -> None:
    retries = flow_run_pb2.RetryPolicy(retries=1, delay_seconds=[60], kind=flow_run_pb2.RETRY_KIND_IN_PROCESS)
    quiet = Quiet(state, database)
    await quiet.begin(retry_policy=retries)
    await quiet.propose(a_state(FAILED))
    assert await quiet.seconds_left() > YEAR
