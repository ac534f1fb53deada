"""Prints log records."""

from __future__ import annotations

import logging
import pathlib
import sys
import time
from collections import deque
from collections.abc import Iterable

from rich.text import Text

from headrace import errors
from headrace.api.v1 import log_pb2
from headrace.cli import lookup, output, watching

_LEVEL_STYLES = {logging.DEBUG: "dim", logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "bold red"}


def show(records: Iterable[log_pb2.LogRecord]) -> None:
    """Print records, one after the other."""
    for record in records:
        local = output.moment(record.occurred_at)
        level = logging.getLevelName(record.level)
        line = Text.assemble(
            (local, "dim"),
            (f" {level:<8} ", _LEVEL_STYLES.get(record.level, "")),
            (f"{record.logger} ", "dim") if record.logger else "",
        )
        line.append_text(Text.from_ansi(record.message))
        output.console.print(line, soft_wrap=True)


def read(chosen: log_pb2.LogFilter, *, head: int | None, tail: int | None) -> list[log_pb2.LogRecord]:
    """Return records, oldest first: the first, the last, or all."""
    stub = lookup.client().logs
    sort = log_pb2.LOG_SORT_OCCURRED_DESC if tail is not None else log_pb2.LOG_SORT_OCCURRED_ASC

    def page(token: str, size: int) -> log_pb2.ListLogsResponse:
        return stub.ListLogs(log_pb2.ListLogsRequest(filter=chosen, sort=sort, page_size=size, page_token=token))

    records: deque[log_pb2.LogRecord] = deque()
    for record in lookup.pages(page, "logs", tail if tail is not None else head or 0):
        if tail is not None:
            records.appendleft(record)
        else:
            records.append(record)
    return list(records)


def follow(chosen: log_pb2.LogFilter, *, tail: int) -> None:
    """Print records as they come until the runs are final; survives restarts of the server."""
    stub = lookup.client().logs
    request = log_pb2.FollowLogsRequest(filter=chosen, tail=tail, until_final=True)
    while True:
        try:
            for response in stub.FollowLogs(request):
                show(response.logs)
                request.follow_token = response.follow_token or request.follow_token
            return
        except errors.Unavailable as error:
            output.note(f"{error} Trying again.")
            time.sleep(watching.RETRY_SECONDS)


FORMATS = {
    "text": log_pb2.LOG_FORMAT_TEXT,
    "csv": log_pb2.LOG_FORMAT_CSV,
    "jsonl": log_pb2.LOG_FORMAT_JSON_LINES,
}


def download(chosen: log_pb2.LogFilter, *, form: str, strip_ansi: bool, file: pathlib.Path | None) -> None:
    """Write all records as one document to a file, or to the standard output; a file appears only once it is whole."""
    request = log_pb2.DownloadLogsRequest(filter=chosen, format=FORMATS[form], strip_ansi=strip_ansi)
    parts = lookup.client().logs.DownloadLogs(request)
    if file is None:
        for part in parts:
            sys.stdout.buffer.write(part.data)
        sys.stdout.buffer.flush()
        return
    partly = file.with_name(f"{file.name}.part")
    try:
        with partly.open("wb") as out:
            for part in parts:
                out.write(part.data)
        partly.replace(file)
    finally:
        partly.unlink(missing_ok=True)
    output.note(f"Wrote {file}.")
