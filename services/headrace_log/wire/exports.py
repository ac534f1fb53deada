"""Records as sinks take them."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Sequence
from typing import Any

from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2

from headrace.api.v1 import log_pb2
from headrace_chassis.codecs import dump_json
from headrace_log.rules.records import Record
from headrace_log.wire.documents import Document

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
# First number of each severity of OpenTelemetry, for levels from there on.
_SEVERITIES = ((50, 21), (40, 17), (30, 13), (20, 9), (10, 5), (0, 1))
_TRACEPARENT_PARTS = 4


def lines(records: Sequence[Record]) -> bytes:
    """Return a JSON object a line."""
    return Document(log_pb2.LOG_FORMAT_JSON_LINES, strip_codes=False).lines(records)


def batch(records: Sequence[Record]) -> bytes:
    """Return one JSON object with all records."""
    return b'{"records":[' + lines(records).rstrip(b"\n").replace(b"\n", b",") + b"]}"


def otlp(records: Sequence[Record]) -> bytes:
    """Return an ExportLogsServiceRequest."""
    request = logs_service_pb2.ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.append(_text("service.name", "headrace"))
    scopes: dict[str, Any] = {}
    for record in records:
        scope = scopes.get(record.logger)
        if scope is None:
            scope = scopes[record.logger] = resource.scope_logs.add()
            scope.scope.name = record.logger
        scope.log_records.append(_otlp_record(record))
    return request.SerializeToString()


def _otlp_record(record: Record) -> logs_pb2.LogRecord:
    severity = next(number for level, number in _SEVERITIES if record.level >= level)
    made = logs_pb2.LogRecord(
        time_unix_nano=max(0, (record.occurred_at - _EPOCH) // _MICROSECOND * 1000),
        severity_number=logs_pb2.SeverityNumber.ValueType(severity),
        severity_text=logging.getLevelName(record.level),
        body=common_pb2.AnyValue(string_value=record.message),
        attributes=[_text("headrace.log.id", str(record.log_id))],
    )
    for name, value in (
        ("headrace.flow_run.id", record.flow_run_id),
        ("headrace.task_run.id", record.task_run_id),
        ("headrace.worker.id", record.worker_id),
        ("headrace.fields", dump_json(record.fields).decode() if record.fields is not None else None),
    ):
        if value is not None:
            made.attributes.append(_text(name, str(value)))
    parts = (record.traceparent or "").split("-")
    if len(parts) == _TRACEPARENT_PARTS:
        try:
            made.trace_id, made.span_id = bytes.fromhex(parts[1]), bytes.fromhex(parts[2])
        except ValueError:
            made.trace_id = made.span_id = b""
    return made


def _text(name: str, value: str) -> common_pb2.KeyValue:
    return common_pb2.KeyValue(key=name, value=common_pb2.AnyValue(string_value=value))
