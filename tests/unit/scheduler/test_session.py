"""What the scheduler knows of a worker that holds one attempt of a run while the next one is on its way to it."""

from __future__ import annotations

import contextlib
import datetime
import uuid
from typing import Any

import pytest

from headrace import errors
from headrace_scheduler.rules.deployment import Concurrency, Content
from headrace_scheduler.rules.runs import AttemptRef, ClaimedRun
from headrace_scheduler.rules.work_pool import Worker, WorkerStatus
from headrace_scheduler.rules.worker_stream import Assignment, Cancel, Lost
from headrace_scheduler.usecases.dispatch.session import ACKNOWLEDGE_SECONDS, Session

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
RUN = uuid.UUID(int=1)
EARLIER, LATER = AttemptRef(RUN, "earlier"), AttemptRef(RUN, "later")


def a_claim(attempt: AttemptRef) -> tuple[ClaimedRun, Assignment]:
    """Return a run that was claimed and its assignment; who gets it does not look into them."""
    nothing: Any = None
    run = ClaimedRun(attempt, None, None, None, None, {}, nothing, nothing)
    return run, Assignment(nothing, nothing, Content(), Concurrency(), {}, NOW)


@pytest.fixture
def session() -> Session:
    """A worker with room for two runs that holds the earlier attempt of one."""
    worker = Worker(
        worker_id=uuid.UUID(int=2), workspace_id=uuid.UUID(int=3), name="one", work_pool_id=None, work_pool_name="pool",
        work_queue_names=(), deployment_ids=(), type="process", status=WorkerStatus.ONLINE, capacity=2, flow_run_ids=(),
        labels={}, client_version="", host="", started_at=NOW, last_heartbeat_at=NOW,
    )  # fmt: skip
    session = Session(worker, None, uuid.UUID(int=4), 0.0)
    session.hear(1, {RUN: EARLIER.token}, 0.0)
    assert session.acknowledged() == [EARLIER]
    return session


def test_a_heartbeat_with_the_earlier_attempt_takes_nothing_from_the_next_one(session: Session) -> None:
    session.give([a_claim(LATER)], 1.0)
    session.hear(1, {RUN: EARLIER.token}, 1.1)
    assert session.unacknowledged() == [LATER]
    # The room that the worker spoke of is for the run that is on its way.
    assert session.can_take == 0
    session.acknowledge([RUN], 1.2)
    assert session.acknowledged() == [LATER]
    session.hear(1, {RUN: LATER.token}, 1.3)
    assert session.acknowledged() == [LATER]
    assert session.can_take == 1


def test_the_end_of_the_earlier_attempt_leaves_the_next_one(session: Session) -> None:
    session.give([a_claim(LATER)], 1.0)
    session.end_attempt(EARLIER)
    assert session.unacknowledged() == [LATER]
    session.acknowledge([RUN], 1.1)
    session.end_attempt(EARLIER)
    assert session.acknowledged() == [LATER]
    session.end_attempt(LATER)
    assert not session.held


async def test_an_earlier_attempt_that_is_lost_leaves_the_next_one(session: Session) -> None:
    session.give([a_claim(LATER)], 1.0)
    session.lose(EARLIER, "it is over")
    assert session.unacknowledged() == [LATER]
    assert [one.attempt for one in await told(session) if isinstance(one, Lost)] == [EARLIER]


def test_a_next_attempt_that_is_never_acknowledged_is_overdue_whatever_heartbeats_say(session: Session) -> None:
    session.give([a_claim(LATER)], 1.0)
    session.hear(1, {RUN: EARLIER.token}, 2.0)
    assert session.overdue(1.0 + ACKNOWLEDGE_SECONDS) == [LATER]


async def test_what_is_cancelled_is_the_newest_attempt(session: Session) -> None:
    session.give([a_claim(LATER)], 1.0)
    session.cancel(RUN, "somebody asked", 1.1)
    assert [one.attempt for one in await told(session) if isinstance(one, Cancel)] == [LATER]


async def told(session: Session) -> list[object]:
    """End the stream and return what the worker is told before."""
    session.end(errors.Cancelled("the test is over"))
    said: list[object] = []
    with contextlib.suppress(errors.Cancelled):
        async for message in session.outgoing():
            said.append(message)
    return said
