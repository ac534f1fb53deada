from __future__ import annotations

import datetime
import random

import grpc.aio

from headrace.api.v1 import log_pb2, log_pb2_grpc
from headrace.ids import uuid7
from headrace_harness.logs import FIRST_MOMENT, a_line, a_writer, list_all
from headrace_harness.postgres import service_database
from headrace_harness.services import RunningService
from headrace_harness.waiting import eventually
from headrace_log.loops.stretches import WORTHWHILE
from headrace_log.queries.stretches import RECORDS
from headrace_log.wire.packing import MOST_RECORDS

MILLISECOND = datetime.timedelta(milliseconds=1)
LINES = WORTHWHILE + 2 * RECORDS


async def write_many(channel: grpc.aio.Channel, flow_run_id: str) -> None:
    """Write a long run, its lines in a mixed-up order, every 1,000th with the word needle."""
    lines = [
        a_line(
            f"{number} the {'Needle' if number % 1000 == 500 else 'hay'} of row {number}",
            flow_run_id=flow_run_id,
            at=FIRST_MOMENT + number * MILLISECOND,
        )
        for number in range(LINES)
    ]
    random.Random(7).shuffle(lines)
    async with a_writer(channel) as writer:
        for start in range(0, LINES, MOST_RECORDS):
            await writer.send(lines[start : start + MOST_RECORDS])
        await writer.acked()


async def count_stretches(database_url: str) -> int:
    async with service_database(database_url, "log") as database, database.connection() as connection:
        return int(await connection.fetchval("select count(*) from stretch"))


async def test_a_search_in_a_long_run_finds_the_same_with_stretches_and_what_came_late(
    service: RunningService, database_url: str, flow_run_id: str
) -> None:
    await write_many(service.channel, flow_run_id)

    async def is_summed_up() -> bool:
        return await count_stretches(database_url) >= LINES // RECORDS

    await eventually(is_summed_up, 60)
    expected = [f"{number} the Needle of row {number}" for number in range(500, LINES, 1000)]
    wanted = log_pb2.LogFilter(flow_run_ids=[flow_run_id], text="needle")
    logs = log_pb2_grpc.LogServiceStub(service.channel)
    histogram = await logs.GetLogHistogram(log_pb2.GetLogHistogramRequest(filter=wanted, buckets=500))
    assert sum(bucket.info for bucket in histogram.buckets) == len(expected)
    absent = log_pb2.LogFilter(flow_run_ids=[flow_run_id], text="nosuchword")
    assert not (await logs.GetLogHistogram(log_pb2.GetLogHistogramRequest(filter=absent))).buckets
    for page_size in (3, 200):
        for sort, found in (
            (log_pb2.LOG_SORT_OCCURRED_ASC, expected),
            (log_pb2.LOG_SORT_OCCURRED_DESC, expected[::-1]),
        ):
            records = await list_all(service.channel, wanted, sort=sort, page_size=page_size)
            assert [record.message for record in records] == found
    # In the middle of what is summed up, before it, and behind it.
    late = [("late", 3000.5), ("early", -1000.0), ("last", LINES + 1000.0)]
    async with a_writer(service.channel) as writer:
        await writer.write(
            [
                a_line(f"a thimble {word}", flow_run_id=flow_run_id, at=FIRST_MOMENT + place * MILLISECOND)
                for word, place in late
            ]
        )
    thimbles = log_pb2.LogFilter(flow_run_ids=[flow_run_id], text="thimble")
    assert [record.message for record in await list_all(service.channel, thimbles)] == [
        "a thimble early",
        "a thimble late",
        "a thimble last",
    ]
    span = log_pb2.LogFilter(flow_run_ids=[flow_run_id], text="needle")
    getattr(span.occurred, "from").FromDatetime(FIRST_MOMENT + 4000 * MILLISECOND)
    span.occurred.until.FromDatetime(FIRST_MOMENT + 6000 * MILLISECOND)
    assert [record.message for record in await list_all(service.channel, span)] == expected[4:6]


async def test_a_search_in_several_runs_joins_long_and_short_ones_in_the_order_of_time(
    service: RunningService, database_url: str, flow_run_id: str
) -> None:
    await write_many(service.channel, flow_run_id)
    child = str(uuid7())
    async with a_writer(service.channel) as writer:
        await writer.write([a_line("needle of a child", flow_run_id=child, at=FIRST_MOMENT + 1000.5 * MILLISECOND)])

    async def has_some() -> bool:
        return await count_stretches(database_url) > 0

    await eventually(has_some, 60)
    wanted = log_pb2.LogFilter(flow_run_ids=[flow_run_id, child], text="needle")
    found = [record.message for record in await list_all(service.channel, wanted)]
    assert found[:3] == ["500 the Needle of row 500", "needle of a child", "1500 the Needle of row 1500"]
    assert len(found) == LINES // 1000 + 1
