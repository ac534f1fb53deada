from __future__ import annotations

import csv
import datetime
import io
import json
from typing import Any

import grpc.aio
import pytest

from headrace import errors
from headrace.api.v1 import log_pb2, log_pb2_grpc, state_pb2
from headrace.ids import uuid7
from headrace.rpc.status import from_rpc_error
from headrace_harness.logs import FIRST_MOMENT, a_line, a_writer, list_all
from headrace_harness.services import RunningService
from service.log.played import PlayedRuns

SECOND = datetime.timedelta(seconds=1)
ASC, DESC = log_pb2.LOG_SORT_OCCURRED_ASC, log_pb2.LOG_SORT_OCCURRED_DESC


async def write(service: RunningService, records: list[log_pb2.LogRecord]) -> None:
    async with a_writer(service.channel) as writer:
        for start in range(0, len(records), 1000):
            await writer.write(records[start : start + 1000])


async def found(service: RunningService, **wanted: Any) -> list[str]:
    return [record.message for record in await list_all(service.channel, log_pb2.LogFilter(**wanted))]


@pytest.mark.parametrize("page_size", [1, 3, 7, 0])
async def test_pages_hold_each_record_once_in_order_both_ways(
    service: RunningService, flow_run_id: str, page_size: int
) -> None:
    # Three records a moment, so that pages break within moments; written in a mixed-up order, over two days.
    moments = [FIRST_MOMENT + datetime.timedelta(hours=6 * place) for place in (3, 1, 0, 2)]
    await write(
        service,
        [a_line(f"{moment:%d%H}-{n}", flow_run_id=flow_run_id, at=moment) for moment in moments for n in range(3)],
    )
    await write(service, [a_line("of another run", flow_run_id=str(uuid7()), at=FIRST_MOMENT)])
    wanted = log_pb2.LogFilter(flow_run_ids=[flow_run_id])
    expected = [f"{moment:%d%H}-{n}" for moment in sorted(moments) for n in range(3)]
    upwards = await list_all(service.channel, wanted, page_size=page_size, sort=ASC)
    assert [record.message for record in upwards] == expected
    downwards = await list_all(service.channel, wanted, page_size=page_size, sort=DESC)
    assert [record.message for record in downwards] == expected[::-1]


async def test_page_sizes_have_a_default_and_a_bound(service: RunningService, flow_run_id: str) -> None:
    await write(service, [a_line(str(place), flow_run_id=flow_run_id) for place in range(1001)])
    stub = log_pb2_grpc.LogServiceStub(service.channel)
    wanted = log_pb2.LogFilter(flow_run_ids=[flow_run_id])
    sizes = [
        len((await stub.ListLogs(log_pb2.ListLogsRequest(filter=wanted, page_size=size))).logs) for size in (0, 5, 5000)
    ]
    assert sizes == [200, 5, 1000]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("error", ["Error: disk full", "error in debug mode", "an ERROR 100% sure"]),
        ("error -debug", ["Error: disk full", "an ERROR 100% sure"]),
        ('"disk full"', ["Error: disk full"]),
        ('error -"disk full" -debug', ["an ERROR 100% sure"]),
        ("100%", ["an ERROR 100% sure"]),
        ("0_%", []),
        ("a_b", ["path a_b\\c"]),
        ("a\\b", []),
        ("b\\c", ["path a_b\\c"]),
        ("-e", ["ok"]),
        ("- ", ["Error: disk full", "error in debug mode", "an ERROR 100% sure", "path a_b\\c", "ok"]),
        ("nothing like it", []),
    ],
)
async def test_text_finds_words_and_phrases_and_leaves_out(
    service: RunningService, flow_run_id: str, text: str, expected: list[str]
) -> None:
    lines = ["Error: disk full", "error in debug mode", "an ERROR 100% sure", "path a_b\\c e", "ok"]
    lines[3] = "path a_b\\c" if text != "-e" else "the path"
    await write(service, [a_line(line, flow_run_id=flow_run_id) for line in lines])
    assert await found(service, flow_run_ids=[flow_run_id], text=text) == expected


@pytest.mark.parametrize(
    ("text", "more", "expected"),
    [
        ("Error", {"match_case": True}, ["Error: disk full"]),
        ("err", {}, ["Error: disk full", "errors (2)", "no terror"]),
        ("error", {"whole_words": True}, ["Error: disk full"]),
        ("error", {"whole_words": True, "match_case": True}, []),
        ('"disk full"', {"whole_words": True}, ["Error: disk full"]),
        ("(2)", {"whole_words": True}, ["errors (2)"]),
        ("-errors", {"whole_words": True}, ["Error: disk full", "no terror"]),
    ],
)
async def test_case_and_whole_words_matter_where_it_is_asked_for(
    service: RunningService, flow_run_id: str, text: str, more: dict[str, bool], expected: list[str]
) -> None:
    lines = ["Error: disk full", "errors (2)", "no terror"]
    await write(service, [a_line(line, flow_run_id=flow_run_id) for line in lines])
    assert await found(service, flow_run_ids=[flow_run_id], text=text, **more) == expected


async def test_children_are_found_at_any_depth(service: RunningService, flow_run_id: str, runs: PlayedRuns) -> None:
    child, grandchild, stranger = str(uuid7()), str(uuid7()), str(uuid7())
    runs.parents.update({child: flow_run_id, grandchild: child})
    await write(
        service,
        [
            a_line(str(place), flow_run_id=run, at=FIRST_MOMENT + place * SECOND)
            for place, run in enumerate((flow_run_id, grandchild, child, stranger))
        ],
    )
    assert await found(service, flow_run_ids=[flow_run_id], with_children=True) == ["0", "1", "2"]
    assert await found(service, flow_run_ids=[child], with_children=True, text="1") == ["1"]
    assert await found(service, flow_run_ids=[flow_run_id]) == ["0"]


async def test_a_histogram_counts_levels_over_time(service: RunningService, flow_run_id: str) -> None:
    stub = log_pb2_grpc.LogServiceStub(service.channel)
    wanted = log_pb2.LogFilter(flow_run_ids=[flow_run_id])
    assert not (await stub.GetLogHistogram(log_pb2.GetLogHistogramRequest(filter=wanted))).buckets
    levels = (5, 20, 25, 30, 40, 99)
    await write(
        service,
        [
            a_line("x", flow_run_id=flow_run_id, level=level, at=FIRST_MOMENT + place * 30 * SECOND)
            for place, level in enumerate(levels)
        ],
    )
    told = await stub.GetLogHistogram(log_pb2.GetLogHistogramRequest(filter=wanted, buckets=3))
    assert (told.width.seconds, told.total, len(told.buckets)) == (60, 6, 3)
    assert [(each.debug, each.info, each.warning, each.error, each.critical) for each in told.buckets] == [
        (1, 1, 0, 0, 0),
        (0, 1, 1, 0, 0),
        (0, 0, 0, 1, 1),
    ]
    assert told.buckets[1].start_at.ToDatetime(datetime.UTC) == FIRST_MOMENT + 60 * SECOND
    getattr(wanted.occurred, "from").FromDatetime(FIRST_MOMENT - 60 * SECOND)
    wanted.occurred.until.FromDatetime(FIRST_MOMENT + 60 * SECOND)
    wanted.level_at_least = 20
    told = await stub.GetLogHistogram(log_pb2.GetLogHistogramRequest(filter=wanted, buckets=2))
    assert [each.info for each in told.buckets] == [0, 1]


async def download(service: RunningService, flow_run_id: str, **request: Any) -> tuple[str, str]:
    """Return the name of the file and its content."""
    call = log_pb2_grpc.LogServiceStub(service.channel).DownloadLogs(
        log_pb2.DownloadLogsRequest(filter=log_pb2.LogFilter(flow_run_ids=[flow_run_id]), **request)
    )
    content = b"".join([part.data async for part in call])
    said = dict(tuple(await call.initial_metadata()))
    return str(said["content-disposition"]), content.decode()


async def test_a_log_is_downloaded_whole_in_each_form(service: RunningService, flow_run_id: str) -> None:
    lines = [
        a_line(f"line {place}", flow_run_id=flow_run_id, at=FIRST_MOMENT + place * SECOND) for place in range(1203)
    ]
    lines[0].message = '\x1b[31mred\x1b[0m, "quoted"\nand more'
    lines[0].fields.update({"rows": 3})
    await write(service, lines)
    name, text = await download(service, flow_run_id)
    assert name == f'attachment; filename="log-{flow_run_id}.log"'
    assert text.splitlines()[:3] == [
        '2026-03-05T12:00:00.000Z INFO     test: \x1b[31mred\x1b[0m, "quoted"',
        "    and more",
        "2026-03-05T12:00:01.000Z INFO     test: line 1",
    ]
    assert len(text.splitlines()) == 1204
    name, text = await download(service, flow_run_id, format=log_pb2.LOG_FORMAT_CSV, strip_ansi=True)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert name.endswith('.csv"')
    assert (len(rows), rows[0]["message"], rows[0]["fields"]) == (1203, 'red, "quoted"\nand more', '{"rows":3}')
    assert rows[-1]["occurred_at"] == "2026-03-05T12:20:02Z"
    name, text = await download(service, flow_run_id, format=log_pb2.LOG_FORMAT_JSON_LINES)
    objects = [json.loads(line) for line in text.splitlines()]
    assert name.endswith('.jsonl"')
    assert [each["message"] for each in objects] == [line.message for line in lines]
    assert (objects[0]["fields"], objects[0]["level"], objects[0]["log_id"]) == ({"rows": 3}, 20, lines[0].log_id)


async def test_a_download_has_to_name_runs_or_a_beginning(service: RunningService) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await log_pb2_grpc.LogServiceStub(service.channel).DownloadLogs(log_pb2.DownloadLogsRequest()).read()
    assert isinstance(from_rpc_error(caught.value), errors.InvalidArgument)


async def test_filters_are_joined_by_and(service: RunningService, flow_run_id: str) -> None:
    task, other_task = str(uuid7()), str(uuid7())
    lines = [
        a_line("flow", flow_run_id=flow_run_id, level=20, at=FIRST_MOMENT),
        a_line("task", flow_run_id=flow_run_id, task_run_id=task, level=30, at=FIRST_MOMENT + SECOND),
        a_line("other", flow_run_id=flow_run_id, task_run_id=other_task, level=40, at=FIRST_MOMENT + 2 * SECOND),
        a_line("out", flow_run_id=flow_run_id, level=10, source=log_pb2.LOG_SOURCE_STDOUT, worker_id="w1"),
    ]
    lines[1].logger = "special"
    await write(service, lines)

    def span(start: int, end: int) -> state_pb2.TimeRange:
        span = state_pb2.TimeRange()
        getattr(span, "from").FromDatetime(FIRST_MOMENT + start * SECOND)
        span.until.FromDatetime(FIRST_MOMENT + end * SECOND)
        return span

    runs: dict[str, Any] = {"flow_run_ids": [flow_run_id]}
    assert await found(service, task_run_ids=[task]) == ["task"]
    assert await found(service, task_run_ids=[task, other_task]) == ["task", "other"]
    assert await found(service, **runs, task_run_ids=[task, str(uuid7())]) == ["task"]
    assert await found(service, flow_run_ids=[str(uuid7()), flow_run_id], task_run_ids=[task]) == ["task"]
    assert await found(service, **runs, without_task_runs=True) == ["flow", "out"]
    assert await found(service, **runs, level_at_least=30) == ["task", "other"]
    assert await found(service, **runs, level_at_least=20, level_at_most=30) == ["flow", "task"]
    assert await found(service, **runs, loggers=["special", "nope"]) == ["task"]
    assert await found(service, **runs, worker_ids=["w1"]) == ["out"]
    assert await found(service, **runs, sources=[log_pb2.LOG_SOURCE_STDOUT]) == ["out"]
    assert await found(service, **runs, sources=[log_pb2.LOG_SOURCE_LOGGER]) == ["flow", "task", "other"]
    assert await found(service, **runs, occurred=span(1, 2)) == ["task"]
    assert await found(service, occurred=span(0, 3), text="-other") == ["flow", "task"]


async def test_records_of_many_runs_come_in_the_order_of_time(service: RunningService) -> None:
    runs = [str(uuid7()) for _ in range(5)]
    lines = [a_line(f"{n}", flow_run_id=runs[n % 5], at=FIRST_MOMENT + n * SECOND) for n in range(50)]
    await write(service, lines[::-1])
    expected = [str(n) for n in range(50) if n % 5 != 4]
    assert await found(service, flow_run_ids=runs[:4] + runs[:1]) == expected
    few = await list_all(service.channel, log_pb2.LogFilter(flow_run_ids=runs[:4]), page_size=7, sort=DESC)
    assert [record.message for record in few] == expected[::-1]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (log_pb2.ListLogsRequest(filter=log_pb2.LogFilter(flow_run_ids=["x"])), "filter.flow_run_ids[0]"),
        (log_pb2.ListLogsRequest(filter=log_pb2.LogFilter(task_run_ids=["x"])), "filter.task_run_ids[0]"),
        (log_pb2.ListLogsRequest(filter=log_pb2.LogFilter(text=" ".join("abcdefghijklmnopqrstu"))), "filter.text"),
        (log_pb2.ListLogsRequest(filter=log_pb2.LogFilter(loggers=["x"] * 1001)), "filter.loggers"),
        (log_pb2.ListLogsRequest(page_size=-1), "page_size"),
        (log_pb2.ListLogsRequest(page_token="nonsense"), "page_token"),
    ],
)
async def test_what_is_asked_wrongly_is_named(
    service: RunningService, request_: log_pb2.ListLogsRequest, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await log_pb2_grpc.LogServiceStub(service.channel).ListLogs(request_)
    error = from_rpc_error(caught.value)
    assert isinstance(error, errors.InvalidArgument)
    assert [violation.field for violation in error.violations] == [field]


async def test_a_token_belongs_to_its_question(service: RunningService, flow_run_id: str) -> None:
    await write(service, [a_line(str(place), flow_run_id=flow_run_id) for place in range(3)])
    stub = log_pb2_grpc.LogServiceStub(service.channel)
    wanted = log_pb2.LogFilter(flow_run_ids=[flow_run_id])
    page = await stub.ListLogs(log_pb2.ListLogsRequest(filter=wanted, page_size=1))
    for changed in (
        log_pb2.ListLogsRequest(filter=wanted, page_token=page.next_page_token, sort=DESC),
        log_pb2.ListLogsRequest(page_token=page.next_page_token),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ListLogs(changed)
        assert isinstance(from_rpc_error(caught.value), errors.InvalidArgument)
