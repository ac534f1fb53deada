"""Batches of log records as they go to the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pydantic_core

from headrace.api.v1 import log_pb2
from headrace.recording.identifiers import new_id
from headrace.recording.text import storable

_FIELD_CHARACTERS = 4000
_CUT = "... cut"


class LogLine(NamedTuple):
    """One record, as it waits."""

    flow_run_id: str
    task_run_id: str
    logger: str
    level: int
    message: str
    occurred_ns: int
    source: log_pb2.LogSource.ValueType = log_pb2.LOG_SOURCE_LOGGER
    fields: Mapping[str, object] | None = None
    worker_id: str = ""


def request_of(
    sequence: int, lines: Sequence[LogLine], *, max_message_bytes: int, in_columns: bool
) -> log_pb2.WriteLogsRequest:
    """Return lines as a batch; texts that are too long are cut.

    Args:
        sequence: The number of the batch.
        lines: In the order in which they were written.
        max_message_bytes: What the server said.
        in_columns: Whether it takes columns.
    """
    request = log_pb2.WriteLogsRequest()
    request.batch.sequence = sequence
    if in_columns:
        _fill_columns(request.batch.columns, lines, max_message_bytes)
        return request
    records = request.batch.records
    for line in lines:
        record = records.add()
        _fill_shared(record, line)
        record.log_id = new_id()
        record.message = _text(line.message, max_message_bytes)
        record.occurred_at.seconds, record.occurred_at.nanos = divmod(line.occurred_ns, 1_000_000_000)
    return request


def without_columns(payload: bytes) -> bytes:
    """Return a serialized request for a server that takes no columns, with the same records in the same order."""
    request = log_pb2.WriteLogsRequest.FromString(payload)
    columns = request.batch.columns
    for kind, text, occurred_us in zip(columns.kinds, columns.messages, columns.occurred_us, strict=True):
        record = request.batch.records.add()
        record.CopyFrom(columns.shared[kind])
        record.log_id = new_id()
        record.message = text
        record.occurred_at.FromMicroseconds(occurred_us)
    request.batch.ClearField("columns")
    return request.SerializeToString()


def _fill_columns(columns: log_pb2.LogColumns, lines: Sequence[LogLine], max_message_bytes: int) -> None:
    known: dict[tuple[object, ...], int] = {}
    kinds: list[int] = []
    shared = columns.shared
    for line in lines:
        key = (line.flow_run_id, line.task_run_id, line.logger, line.level, line.source, line.worker_id)
        kind = known.get(key) if not line.fields else None
        if kind is None:
            kind = len(shared)
            _fill_shared(shared.add(), line)
            if not line.fields:
                known[key] = kind
        kinds.append(kind)
    columns.kinds.extend(kinds)
    columns.occurred_us.extend([line.occurred_ns // 1000 for line in lines])
    columns.messages.extend([_text(line.message, max_message_bytes) for line in lines])


def _fill_shared(record: log_pb2.LogRecord, line: LogLine) -> None:
    record.flow_run_id = line.flow_run_id
    record.level = line.level
    record.logger = line.logger
    record.source = line.source
    if line.task_run_id:
        record.task_run_id = line.task_run_id
    if line.worker_id:
        record.worker_id = line.worker_id
    if line.fields:
        for key, value in line.fields.items():
            record.fields.update({key: _plain(value)})


def _text(text: str, max_message_bytes: int) -> str:
    """Return a text that is not too long, and that can be encoded."""
    # A character takes up to four bytes; most have one, so that the exact count is seldom needed.
    if len(text) * 4 > max_message_bytes:
        encoded = text.encode(errors="replace")
        if len(encoded) > max_message_bytes:
            keep = max(0, max_message_bytes - len(_CUT))
            return encoded[:keep].decode(errors="ignore") + _CUT
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def _plain(value: object) -> Any:
    """Return a field as JSON would hold it; what is large, or cannot be held, becomes a text."""
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, dict | list | tuple):
        try:
            plain: object = pydantic_core.to_jsonable_python(value)
            if len(str(plain)) <= _FIELD_CHARACTERS:
                return plain
        except (pydantic_core.PydanticSerializationError, RecursionError, ValueError):
            pass
    return storable(str(value)[:_FIELD_CHARACTERS])
