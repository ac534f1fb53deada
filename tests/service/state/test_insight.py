"""What many runs look like together: histograms, samples, lateness, last runs."""

from __future__ import annotations

import datetime
import uuid
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from headrace.api.v1 import flow_run_pb2, run_insight_pb2, run_insight_pb2_grpc, state_pb2, task_run_pb2
from headrace.ids import DEFAULT_WORKSPACE_ID, uuid7
from headrace_chassis.database import Database
from headrace_harness.recording import START, a_frame, a_life, attempt_of, record
from headrace_harness.services import RunningService
from headrace_harness.state import COMPLETED, FAILED, RUNNING, SCHEDULED, StateClient, a_state, new_id

if TYPE_CHECKING:
    Insight = run_insight_pb2_grpc.RunInsightServiceAsyncStub

DAY = datetime.datetime.now(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0) - datetime.timedelta(
    days=3
)

_INSERT = """
insert into flow_run (
       flow_run_id, workspace_id, flow_id, flow_name, name, state_id, state_type, state_name, state_at, state_version,
       root_flow_run_id, expected_start_at, started_at, ended_at, run_seconds, start_delay_seconds
)
values ($1, $2, $3, 'etl', $4, gen_random_uuid(), $5, $6, $7, 3, $1, $7, $8, $9, $10, $11)
"""


def a_span(hours: float, since: datetime.datetime = DAY) -> state_pb2.TimeRange:
    """Return the span of so many hours from a time on."""
    span = state_pb2.TimeRange()
    getattr(span, "from").FromDatetime(since)
    span.until.FromDatetime(since + datetime.timedelta(hours=hours))
    return span


async def keep(
    database: Database, flow_id: uuid.UUID, minute: float, *, state: str = "COMPLETED", seconds: float = 1.0,
    delay: float | None = 2.0,
) -> uuid.UUID:  # fmt: skip
    """Store a run that was expected so many minutes after the day began."""
    expected = DAY + datetime.timedelta(minutes=minute)
    started = None if delay is None else expected + datetime.timedelta(seconds=delay)
    ended = None if started is None else started + datetime.timedelta(seconds=seconds)
    run_id = uuid7()
    async with database.connection() as connection:
        await connection.execute(
            _INSERT, run_id, DEFAULT_WORKSPACE_ID, flow_id, f"at {minute}", state, state.title(), expected, started,
            ended, seconds, delay,
        )  # fmt: skip
    return run_id


@pytest.fixture
def insight(service: RunningService) -> Insight:
    """The service that sums runs up."""
    stub: Any = run_insight_pb2_grpc.RunInsightServiceStub(service.channel)
    return stub  # type: ignore[no-any-return]


@pytest.mark.usefixtures("breaks_invariants")
async def test_flow_runs_are_counted_by_time_and_state(insight: Insight, database: Database) -> None:
    flow_id = uuid7()
    for minute in (0, 59.9, 60, 61, 300):
        await keep(database, flow_id, minute)
    await keep(database, flow_id, 62, state="FAILED", seconds=9, delay=4)
    await keep(database, flow_id, 24 * 60)
    response = await insight.GetFlowRunHistogram(
        run_insight_pb2.GetFlowRunHistogramRequest(span=a_span(24), bucket_count=24)
    )
    assert not response.capped
    assert len(response.buckets) == 24
    found = {
        place: {(count.name, count.count) for count in bucket.counts}
        for place, bucket in enumerate(response.buckets)
        if bucket.counts
    }
    assert found == {0: {("Completed", 2)}, 1: {("Completed", 2), ("Failed", 1)}, 5: {("Completed", 1)}}
    failed = next(count for count in response.buckets[1].counts if count.type == FAILED)
    assert (failed.average_run_time.seconds, failed.average_start_delay.seconds) == (9, 4)
    starts = [getattr(bucket, "from").seconds for bucket in response.buckets]
    assert starts == [int(DAY.timestamp()) + 3600 * hour for hour in range(24)]
    only = run_insight_pb2.GetFlowRunHistogramRequest(
        span=a_span(24), bucket_count=1, moment=run_insight_pb2.RUN_MOMENT_ENDED,
        filter=flow_run_pb2.FlowRunFilter(state_types=[FAILED]),
    )  # fmt: skip
    [bucket] = (await insight.GetFlowRunHistogram(only)).buckets
    assert [count.count for count in bucket.counts] == [1]


async def test_task_runs_are_counted_by_time_and_state(insight: Insight, state: StateClient) -> None:
    attempt = attempt_of(await state.running_run())
    await record(state, a_frame([attempt], [*a_life(new_id()), *a_life(new_id(), FAILED)]))
    request = run_insight_pb2.GetTaskRunHistogramRequest(
        span=a_span(1, START), bucket_count=10,
        filter=task_run_pb2.TaskRunFilter(flow_run_ids=[attempt.flow_run_id]),
    )  # fmt: skip
    counts = [[(count.type, count.count) for count in bucket.counts] for bucket in
              (await insight.GetTaskRunHistogram(request)).buckets]  # fmt: skip
    assert counts == [[(COMPLETED, 1), (FAILED, 1)], *([[]] * 9)]
    request.moment = run_insight_pb2.RUN_MOMENT_EXPECTED_START
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await insight.GetTaskRunHistogram(request)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_a_span_must_begin_before_it_ends(insight: Insight) -> None:
    for span in (a_span(0), a_span(-1), state_pb2.TimeRange(until=Timestamp(seconds=-(10**11)))):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await insight.GetFlowRunHistogram(run_insight_pb2.GetFlowRunHistogramRequest(span=span))
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.usefixtures("breaks_invariants")
async def test_of_many_runs_the_longest_and_shortest_are_picked(insight: Insight, database: Database) -> None:
    flow_id = uuid7()
    for minute in range(60):
        await keep(database, flow_id, minute, seconds=100 if minute == 7 else 1 + minute % 5)
    everything = await insight.SampleFlowRuns(run_insight_pb2.SampleFlowRunsRequest(span=a_span(1)))
    assert [point.name for point in everything.points] == [f"at {minute}" for minute in range(60)]
    some = await insight.SampleFlowRuns(run_insight_pb2.SampleFlowRunsRequest(span=a_span(1), max_points=12))
    assert some.run_count == 60
    assert not some.capped
    assert len(some.points) == 12
    times = [point.run_time.seconds for point in some.points]
    assert 100 in times
    assert min(times) == 1
    assert [point.at.seconds for point in some.points] == sorted(point.at.seconds for point in some.points)


@pytest.mark.usefixtures("breaks_invariants")
async def test_lateness_tells_how_long_runs_waited(insight: Insight, database: Database, state: StateClient) -> None:
    flow_id = uuid7()
    for minute in range(100):
        await keep(database, flow_id, minute, delay=float(minute))
    found = await insight.GetFlowRunLateness(run_insight_pb2.GetFlowRunLatenessRequest(span=a_span(24)))
    assert (found.started_count, found.waiting_count, found.longest.seconds) == (100, 0, 99)
    assert found.average.seconds == found.median.seconds == 49
    assert found.percentile_95.seconds == 94
    past = Timestamp()
    past.FromDatetime(datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=90))
    await state.create_run(a_state(SCHEDULED, scheduled_at=past))
    waiting = await insight.GetFlowRunLateness(run_insight_pb2.GetFlowRunLatenessRequest())
    assert (waiting.started_count, waiting.waiting_count) == (0, 1)
    assert waiting.longest_waiting.seconds >= 89
    assert not waiting.HasField("average")


@pytest.mark.usefixtures("breaks_invariants")
async def test_each_flow_shows_its_last_runs_and_the_next(
    insight: Insight, database: Database, state: StateClient
) -> None:
    first, second = uuid7(), uuid7()
    for minute in range(5):
        await keep(database, first, minute)
    await keep(database, second, 1, state="FAILED")
    soon = Timestamp()
    soon.FromDatetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1))
    flow = (await state.create_run(a_state(SCHEDULED, scheduled_at=soon), name="soon")).flow_run.flow_id
    response = await insight.GetLastFlowRuns(
        run_insight_pb2.GetLastFlowRunsRequest(
            flow_ids=[str(second), str(first), flow], deployment_ids=[new_id()], run_count=3
        )
    )
    assert [owner.flow_id for owner in response.owners] == [str(second), str(first), flow, ""]
    assert [[run.name for run in owner.runs] for owner in response.owners] == [
        ["at 1"], ["at 2", "at 3", "at 4"], [], [],
    ]  # fmt: skip
    assert [owner.next.name for owner in response.owners] == ["", "", "soon", ""]
    assert response.owners[2].next.at == soon
    assert response.owners[0].runs[0].state_type == FAILED


async def test_running_runs_are_among_the_last(insight: Insight, state: StateClient) -> None:
    run = (await state.running_run(name="now")).flow_run
    [owner] = (await insight.GetLastFlowRuns(run_insight_pb2.GetLastFlowRunsRequest(flow_ids=[run.flow_id]))).owners
    assert [(point.name, point.state_type) for point in owner.runs] == [("now", RUNNING)]
