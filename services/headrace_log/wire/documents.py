"""Log records as documents to download: text, comma-separated values, lines of JSON."""

from __future__ import annotations

import csv
import datetime
import io
import logging
from collections.abc import Sequence
from typing import Any

from headrace.api.v1 import log_pb2
from headrace_chassis.codecs import dump_json
from headrace_log.rules.records import Record, RecordFilter
from headrace_log.rules.text import strip_ansi

_COLUMNS = (
    "occurred_at",
    "level",
    "logger",
    "message",
    "flow_run_id",
    "task_run_id",
    "worker_id",
    "source",
    "log_id",
    "fields",
)
_INDENT = "\n    "


class Document:
    """One form of a log.

    Args:
        form: Which one; unspecified is text.
        strip_codes: Whether ANSI codes are left out of messages.
    """

    def __init__(self, form: log_pb2.LogFormat.ValueType, *, strip_codes: bool) -> None:
        self._strip_codes = strip_codes
        self.head = b""
        """What stands before the first record."""
        if form == log_pb2.LOG_FORMAT_CSV:
            self.media_type, self.suffix, self._write = "text/csv; charset=utf-8", "csv", self._as_values
            self.head = ",".join(_COLUMNS).encode() + b"\r\n"
        elif form == log_pb2.LOG_FORMAT_JSON_LINES:
            self.media_type, self.suffix, self._write = "application/x-ndjson", "jsonl", self._as_json
        else:
            self.media_type, self.suffix, self._write = "text/plain; charset=utf-8", "log", self._as_text

    def lines(self, records: Sequence[Record]) -> bytes:
        """Return records in the form of the document."""
        return self._write(records)

    def _message(self, record: Record) -> str:
        return strip_ansi(record.message) if self._strip_codes else record.message

    def _as_text(self, records: Sequence[Record]) -> bytes:
        lines = []
        for record in records:
            moment = (
                record.occurred_at.astimezone(datetime.UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
            )
            message = _INDENT.join(self._message(record).splitlines())
            lines.append(f"{moment}Z {logging.getLevelName(record.level):<8} {record.logger or '-'}: {message}\n")
        return "".join(lines).encode(errors="replace")

    def _as_values(self, records: Sequence[Record]) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text)
        for record in records:
            fields = self._fields(record)
            document = dump_json(fields["fields"]).decode() if "fields" in fields else ""
            writer.writerow([*(fields.get(name, "") for name in _COLUMNS[:-1]), document])
        return text.getvalue().encode(errors="replace")

    def _as_json(self, records: Sequence[Record]) -> bytes:
        return b"".join(dump_json(self._fields(record)) + b"\n" for record in records)

    def _fields(self, record: Record) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "log_id": str(record.log_id),
            "flow_run_id": str(record.flow_run_id) if record.flow_run_id is not None else "",
            "task_run_id": str(record.task_run_id) if record.task_run_id is not None else "",
            "worker_id": record.worker_id or "",
            "logger": record.logger,
            "level": record.level,
            "message": self._message(record),
            "occurred_at": record.occurred_at.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z"),
            "source": log_pb2.LogSource.Name(log_pb2.LogSource.ValueType(record.source)),
        }
        if record.fields is not None:
            fields["fields"] = record.fields
        return {name: value for name, value in fields.items() if value != ""}


def file_name(wanted: RecordFilter, suffix: str, *, is_of_one: bool) -> str:
    """Return a name for a document: that of the run where it is of one."""
    runs = [*wanted.flow_run_ids, *wanted.task_run_ids]
    return f"log-{runs[0]}.{suffix}" if is_of_one else f"logs.{suffix}"
