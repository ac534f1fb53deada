"""Log records."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import urllib.parse
from collections.abc import Sequence
from typing import Any

from headrace import errors
from headrace.api.v1 import log_pb2
from headrace_chassis.values import fill_time
from headrace_prefect.answers import Answer, Fault, Invalid, ok
from headrace_prefect.bodies import fields
from headrace_prefect.bodies.fields import Body, Field, Fields, Wrong
from headrace_prefect.filters.runs import LOGS, log_filters
from headrace_prefect.paging import window
from headrace_prefect.request import Request
from headrace_prefect.resources.flow_runs import load
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes.logs import log_json
from headrace_prefect.shapes.scalars import of_timestamp

_LOG = fields.nested(
    {
        "name": Field(fields.string, required=True),
        "level": Field(fields.integer, required=True),
        "message": Field(fields.string, required=True),
        "timestamp": Field(fields.moment, required=True),
        "flow_run_id": Field(fields.identifier),
        "task_run_id": Field(fields.identifier),
        "worker_id": Field(fields.identifier),
    }
)
_SORTS = {
    "TIMESTAMP_ASC": log_pb2.LOG_SORT_OCCURRED_ASC,
    "TIMESTAMP_DESC": log_pb2.LOG_SORT_OCCURRED_DESC,
}
_LIST: Fields = {
    "logs": Field(LOGS),
    "sort": Field(fields.one_of(_SORTS), default="TIMESTAMP_ASC"),
    "limit": Field(fields.integer),
    "offset": Field(fields.at_least(0), default=0),
}
_MOST_TOGETHER = 1_000
_DOWNLOADED = 1_000
_MOST_DOWNLOADED = 1_000_000


async def create_logs(request: Request) -> Answer:
    """Store log records; the answer comes after the commit."""
    if not isinstance(request.json, list):
        raise Invalid([Fault(("body",), "Input should be a valid list", "list_type")])
    try:
        bodies = fields.list_of(_LOG)(request.json)
    except Wrong as wrong:
        raise fields.invalid(wrong, "body") from None
    ids = _ids(request.raw, bodies)
    records = [_record(body, log_id) for body, log_id in zip(bodies, ids, strict=True)]
    for start in range(0, len(records), _MOST_TOGETHER):
        asked = log_pb2.AppendLogsRequest(records=records[start : start + _MOST_TOGETHER])
        await request.call(request.services.logs.AppendLogs, asked)
    return ok(None, 201)


def _ids(content: bytes, bodies: Sequence[Body]) -> list[str]:
    """Return ids of version 7 for records, the same ones when a client that got no answer sends them again."""
    if not bodies:
        return []
    stamp = f"{int(max(0.0, bodies[0]['timestamp'].timestamp()) * 1000):012x}"[-12:]
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    start = f"{stamp[:8]}-{stamp[8:]}-7{digest[:3]}-8{digest[3:6]}-{digest[6:12]}"
    return [f"{start}{place:06x}" for place in range(len(bodies))]


def _record(body: Body, log_id: str) -> log_pb2.LogRecord:
    # Field by field, which costs a fifth of handing them to the constructor.
    record = log_pb2.LogRecord()
    record.log_id = log_id
    record.logger = body["name"]
    record.level = body["level"]
    record.message = body["message"]
    record.source = log_pb2.LOG_SOURCE_LOGGER
    fill_time(record.occurred_at, body["timestamp"])
    for name in ("flow_run_id", "task_run_id", "worker_id"):
        if value := body[name]:
            setattr(record, name, value)
    return record


async def filter_logs(request: Request) -> Answer:
    """Return the log records that a filter chooses."""
    body = request.body(_LIST)
    limit = request.limit(body)
    chosen = log_filters(body["logs"])
    if chosen is None:
        return ok([])
    sort = _SORTS[body["sort"]]
    if len(chosen) == 1:
        found = await _window(request, chosen[0], sort, body["offset"], limit)
    else:
        found = await _merged(request, chosen, sort, body["offset"], limit)
    return ok([log_json(record) for record in found])


async def _merged(
    request: Request, chosen: list[log_pb2.LogFilter], sort: int, offset: int, limit: int
) -> list[log_pb2.LogRecord]:
    lists = await asyncio.gather(*(_window(request, each, sort, 0, offset + limit) for each in chosen))
    once = {record.log_id: record for records in lists for record in records}
    is_latest_first = sort == log_pb2.LOG_SORT_OCCURRED_DESC
    ordered = sorted(
        once.values(),
        key=lambda record: (record.occurred_at.seconds, record.occurred_at.nanos, record.log_id),
        reverse=is_latest_first,
    )
    return ordered[offset : offset + limit]


async def _window(
    request: Request, chosen: log_pb2.LogFilter, sort: int, offset: int, limit: int
) -> list[log_pb2.LogRecord]:
    asked = log_pb2.ListLogsRequest(filter=chosen, sort=log_pb2.LogSort.ValueType(sort))

    async def ask(size: int, token: str) -> tuple[list[Any], str]:
        asked.page_size, asked.page_token = size, token
        page = await request.call(request.services.logs.ListLogs, asked)
        return list(page.logs), page.next_page_token

    return await window(ask, offset, limit)


async def download_logs(request: Request) -> Answer:
    """Return all log records of a flow run as comma-separated values."""
    run = await load(request)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["timestamp", "level", "flow_run_id", "task_run_id", "message"])
    asked = log_pb2.ListLogsRequest(filter=log_pb2.LogFilter(flow_run_ids=[run.flow_run_id]), page_size=_DOWNLOADED)
    written = 0
    while True:
        page = await request.call(request.services.logs.ListLogs, asked)
        for record in page.logs:
            at = of_timestamp(record.occurred_at)
            writer.writerow([at, record.level, record.flow_run_id, record.task_run_id, record.message])
        written += len(page.logs)
        if not page.next_page_token:
            break
        if written >= _MOST_DOWNLOADED:
            raise errors.ResourceExhausted(f"the run has more than {_MOST_DOWNLOADED} log records")
        asked.page_token = page.next_page_token
    name = urllib.parse.quote(f"{run.name}-logs.csv", safe="")
    disposition = f"attachment; filename=\"flow-run-logs.csv\"; filename*=UTF-8''{name}"
    headers = ((b"content-type", b"text/csv; charset=utf-8"), (b"content-disposition", disposition.encode()))
    return Answer(200, text.getvalue().encode(), headers)


ROUTES = (
    Route("POST", "/logs/", create_logs),
    Route("POST", "/logs/filter", filter_logs, only_asks=True),
    Route("GET", "/flow_runs/{id:uuid}/logs/download", download_logs),
)
