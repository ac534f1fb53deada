"""Searches in runs that nobody has summed up: part by part, however their records lie in time."""

from __future__ import annotations

import datetime
import random

import asyncpg
import pytest

from headrace.api.v1 import log_pb2
from headrace_harness.logs import FIRST_MOMENT, a_line, a_writer, list_all
from headrace_harness.postgres import service_database
from headrace_harness.services import RunningService
from headrace_log.queries import scanning
from headrace_log.wire.packing import MOST_RECORDS

MICROSECOND = datetime.timedelta(microseconds=1)
SURE = 40


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "SURE_RECORDS", SURE)
    monkeypatch.setattr(scanning, "_LAST_RECORDS", SURE // 4)
    monkeypatch.setattr(scanning, "_FURTHER", 3)


def moments(shape: str) -> list[int]:
    """Return when each of a run's records was written, in microseconds."""
    return {
        "steadily": [place * 1000 for place in range(900)],
        "in one moment": [7] * 300,
        "in bursts after silence": [
            0,
            1,
            2,
            *(10**9 + place for place in range(500)),
            *(3 * 10**9 for _ in range(100)),
        ],
        "ever more rarely": [place**3 for place in range(700)],
        "as many as one looks up": [place * 10 for place in range(SURE)],
    }[shape]


@pytest.mark.parametrize(
    "shape",
    ["steadily", "in one moment", "in bursts after silence", "ever more rarely", "as many as one looks up"],
)
async def test_a_search_finds_every_line_once_and_in_order(
    service: RunningService, flow_run_id: str, shape: str
) -> None:
    written = moments(shape)
    lines = [
        a_line(
            f"{place} {'needle' if place % 9 == 4 else 'hay'}",
            flow_run_id=flow_run_id,
            at=FIRST_MOMENT + moment * MICROSECOND,
        )
        for place, moment in enumerate(written)
    ]
    if len(set(written)) == len(written):
        # Records of one moment stand in the order in which they came.
        random.Random(3).shuffle(lines)
    async with a_writer(service.channel) as writer:
        for start in range(0, len(lines), MOST_RECORDS):
            await writer.write(lines[start : start + MOST_RECORDS])
    expected = [f"{place} needle" for place in range(4, len(written), 9)]
    wanted = log_pb2.LogFilter(flow_run_ids=[flow_run_id], text="NEEDLE")
    for page_size in (11, 1000):
        for sort, found in (
            (log_pb2.LOG_SORT_OCCURRED_ASC, expected),
            (log_pb2.LOG_SORT_OCCURRED_DESC, expected[::-1]),
        ):
            records = await list_all(service.channel, wanted, sort=sort, page_size=page_size)
            assert [record.message for record in records] == found
    absent = log_pb2.LogFilter(flow_run_ids=[flow_run_id], text="nosuchword")
    assert await list_all(service.channel, absent) == []


async def test_a_search_keeps_to_its_span_of_time(service: RunningService, flow_run_id: str) -> None:
    lines = [
        a_line(f"needle {place}", flow_run_id=flow_run_id, at=FIRST_MOMENT + place * 1000 * MICROSECOND)
        for place in range(600)
    ]
    async with a_writer(service.channel) as writer:
        await writer.write(lines)
    wanted = log_pb2.LogFilter(flow_run_ids=[flow_run_id], text="needle")
    getattr(wanted.occurred, "from").FromDatetime(FIRST_MOMENT + 100_000 * MICROSECOND)
    wanted.occurred.until.FromDatetime(FIRST_MOMENT + 500_000 * MICROSECOND)
    for sort, found in (
        (log_pb2.LOG_SORT_OCCURRED_ASC, range(100, 500)),
        (log_pb2.LOG_SORT_OCCURRED_DESC, range(499, 99, -1)),
    ):
        records = await list_all(service.channel, wanted, sort=sort, page_size=150)
        assert [record.message for record in records] == [f"needle {place}" for place in found]


async def test_records_come_in_through_a_table_that_nobody_can_read(
    service: RunningService, database_url: str, flow_run_id: str
) -> None:
    async with a_writer(service.channel) as writer:
        await writer.write([a_line("kept", flow_run_id=flow_run_id)])
    async with service_database(database_url, "log") as database, database.connection() as connection:
        for statement in (
            "select count(*) from record_intake",
            "update record_intake set message = ''",
            "delete from record_intake",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        assert await connection.fetchval("select message from record") == "kept"
