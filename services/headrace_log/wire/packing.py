"""Records off the wire as rows for COPY in its binary form, by the hundred thousand a second.

What records share is packed once for all of them; of each only its time, id and text are looked at.
"""

from __future__ import annotations

import datetime
import hashlib
import struct
import uuid
from collections.abc import Sequence
from itertools import repeat
from typing import Any

from google.protobuf.struct_pb2 import Struct

from headrace import errors
from headrace.api.v1 import log_pb2
from headrace_chassis.codecs import dump_json, parse_uuid
from headrace_log.rules.records import Batch, PackedRow
from headrace_log.rules.text import cut_text

MOST_RECORDS = 1000
MOST_SHORT_TEXT = 1024
"""Characters of loggers, worker ids and trace contexts."""

MOST_FIELDS_BYTES = 64 * 1024
HIGHEST_LEVEL = 32767

# Each field is its length and its bytes, NULL is the length -1.
_NULL = b"\xff\xff\xff\xff"
_UUID_LENGTH = b"\0\0\0\x10"
_REPLACEMENT = "\ufffd".encode()
_pack_start = struct.Struct("!iqi16si").pack
_pack_start_without_id = struct.Struct("!iqii").pack
_pack_kind = struct.Struct("!ihih").pack
_pack_length = struct.Struct("!i").pack
_ROW_OVERHEAD_BYTES = 64

# Postgres counts microseconds from here.
_POSTGRES_EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_POSTGRES_SECONDS = int(_POSTGRES_EPOCH.timestamp())
_POSTGRES_MICROS = _POSTGRES_SECONDS * 1_000_000
_MICROSECOND = datetime.timedelta(microseconds=1)
_FIRST_MICROS = (datetime.datetime(1, 1, 1, tzinfo=datetime.UTC) - _POSTGRES_EPOCH) // _MICROSECOND
_LAST_MICROS = (datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC) - _POSTGRES_EPOCH) // _MICROSECOND


def batch_of(
    records: Sequence[log_pb2.LogRecord],
    workspace_id: uuid.UUID,
    *,
    now: datetime.datetime,
    most_message_bytes: int,
    process_id: str = "",
    sequence: int = 0,
    columns: log_pb2.LogColumns | None = None,
    writer_run_id: str = "",
) -> Batch:
    """Return records as a batch. Long messages are cut with a marker; a record without a time gets `now`.

    Args:
        records: In the order in which they were written.
        workspace_id: Whose they are.
        now: The time of records that have none.
        most_message_bytes: Where a message is cut.
        process_id: The writing process, if it numbers its batches; else repeated batches are told by the ids.
        sequence: The number of the batch.
        columns: Further records.
        writer_run_id: The flow run that writes; records that name none are of it.

    Raises:
        errors.InvalidArgument: A record is not valid; the field is named.
    """
    packer = _Packer(workspace_id, (now - _POSTGRES_EPOCH) // _MICROSECOND, most_message_bytes, writer_run_id)
    packer.add_records(records)
    if columns is not None:
        packer.add_columns(columns)
    rows, times = packer.rows, packer.times
    oldest, newest = (min(times), max(times)) if times else (0, 0)
    if not _FIRST_MICROS <= oldest <= newest <= _LAST_MICROS:
        raise errors.InvalidArgument.of_field("records", "occurred_at must be in the years 1 to 9999")
    return Batch(
        workspace_id=workspace_id,
        rows=rows,
        flow_run_ids=frozenset(map(parse_uuid, packer.runs)) if "" not in packer.runs else None,
        oldest_at=_POSTGRES_EPOCH + oldest * _MICROSECOND if rows else now,
        newest_at=_POSTGRES_EPOCH + newest * _MICROSECOND if rows else now,
        size_bytes=sum(map(len, rows)) + len(rows) * _ROW_OVERHEAD_BYTES,
        process_id=process_id,
        sequence=sequence,
        digest=None if process_id else _digest(records),
    )


def note(workspace_id: uuid.UUID, flow_run_id: str, message: str, now: datetime.datetime) -> Batch:
    """Return a batch with one line of the log service about a run."""
    record = log_pb2.LogRecord(
        flow_run_id=flow_run_id,
        logger="headrace.logs",
        level=30,
        message=message,
        source=log_pb2.LOG_SOURCE_INFRASTRUCTURE,
    )
    return batch_of([record], workspace_id, now=now, most_message_bytes=len(message.encode()))


class _Packer:
    def __init__(self, workspace_id: uuid.UUID, now_micros: int, most_message_bytes: int, writer_run_id: str) -> None:
        self._writer_run_id = writer_run_id
        self._workspace = _UUID_LENGTH + workspace_id.bytes
        self._now_micros = now_micros
        self._most_message_bytes = most_message_bytes
        self.rows: list[PackedRow] = []
        self.times: list[int] = []
        """Microseconds, as Postgres counts them."""
        self.runs: set[str] = set()

    def add_records(self, records: Sequence[log_pb2.LogRecord]) -> None:
        rows, times, now_micros = self.rows, self.times, self._now_micros
        kinds: dict[tuple[str, str, str, int, int], bytes] = {}
        try:
            for record in records:
                occurred = record.occurred_at
                seconds, nanos = occurred.seconds, occurred.nanos
                micros = (seconds - _POSTGRES_SECONDS) * 1_000_000 + nanos // 1000 if seconds or nanos else now_micros
                if record.worker_id or record.traceparent or record.HasField("fields"):
                    kind = self._kind_of(record)
                else:
                    key = (record.flow_run_id, record.task_run_id, record.logger, record.level, record.source)
                    kind = kinds.get(key) or b""
                    if not kind:
                        kind = kinds[key] = self._kind_of(record)
                message = self._message_of(record.message)
                log_id = record.log_id
                start = (
                    _pack_start(8, micros, 16, parse_uuid(log_id).bytes, len(message))
                    if log_id
                    else _pack_start_without_id(8, micros, -1, len(message))
                )
                times.append(micros)
                rows.append(start + message + kind)
        except (ValueError, struct.error) as error:
            raise errors.InvalidArgument.of_field(f"records[{len(rows)}]", f"{error}") from error

    def add_columns(self, columns: log_pb2.LogColumns) -> None:
        kinds: list[bytes] = []
        try:
            for record in columns.shared:
                kinds.append(self._kind_of(record))
        except (ValueError, struct.error) as error:
            raise errors.InvalidArgument.of_field(f"columns.shared[{len(kinds)}]", f"{error}") from error
        if not len(columns.messages) == len(columns.kinds) == len(columns.occurred_us):
            raise errors.InvalidArgument.of_field("columns", "must have as many messages as kinds and times")
        if max(columns.kinds, default=-1) >= len(kinds):
            raise errors.InvalidArgument.of_field("columns.kinds", "must count places in `shared`")
        now_micros = self._now_micros
        times = [each - _POSTGRES_MICROS if each else now_micros for each in columns.occurred_us]
        messages = list(map(str.encode, columns.messages))
        if max(map(len, messages), default=0) > self._most_message_bytes or b"\0" in b"".join(messages):
            messages = list(map(self._message_of, columns.messages))
        # Line by line nothing is done here but what is written in C: there are hundreds of thousands a second.
        starts = map(_pack_start_without_id, repeat(8), times, repeat(-1), map(len, messages))
        try:
            self.rows += map(b"".join, zip(starts, messages, map(kinds.__getitem__, columns.kinds), strict=True))
        except struct.error as error:
            raise errors.InvalidArgument.of_field("columns.occurred_us", "must be in the years 1 to 9999") from error
        self.times += times

    def _message_of(self, text: str) -> bytes:
        message = text.encode()
        if len(message) > self._most_message_bytes:
            message = cut_text(message, self._most_message_bytes)
        return message.replace(b"\0", _REPLACEMENT) if b"\0" in message else message

    def _kind_of(self, record: log_pb2.LogRecord) -> bytes:
        """Return what the record may share with others: all but its time, id and text."""
        flow_run_id = record.flow_run_id or self._writer_run_id
        self.runs.add(flow_run_id)
        level = record.level
        return b"".join(
            (
                # A level beyond smallint is a mistake that must not cost the line.
                _pack_kind(2, level if 0 <= level < HIGHEST_LEVEL else HIGHEST_LEVEL, 2, record.source),
                self._workspace,
                _uuid_field(flow_run_id),
                _uuid_field(record.task_run_id),
                _text_field(record.logger),
                _text_field(record.worker_id) if record.worker_id else _NULL,
                _text_field(record.traceparent) if record.traceparent else _NULL,
                _json_field(record.fields) if record.HasField("fields") else _NULL,
            )
        )


def _uuid_field(text: str) -> bytes:
    return _UUID_LENGTH + parse_uuid(text).bytes if text else _NULL


def _text_field(text: str) -> bytes:
    data = text[:MOST_SHORT_TEXT].replace("\0", "\ufffd").encode()
    return _pack_length(len(data)) + data


def _json_field(fields: Struct) -> bytes:
    if fields.ByteSize() > MOST_FIELDS_BYTES:
        raise ValueError(f"fields are larger than {MOST_FIELDS_BYTES} bytes")
    document = b"\x01" + dump_json(_plain_struct(fields))
    return _pack_length(len(document)) + document


def _digest(records: Sequence[log_pb2.LogRecord]) -> bytes | None:
    """Return what tells a repeated batch, None if a record has no id."""
    ids = [record.log_id for record in records]
    return hashlib.blake2b("".join(ids).encode(), digest_size=16).digest() if all(ids) else None


def _plain_struct(struct: Struct) -> dict[str, Any]:
    return {storable(name): _plain(value) for name, value in struct.fields.items()}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _plain_struct(value.struct_value)
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    if kind == "string_value":
        return storable(value.string_value)
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return value.bool_value if kind == "bool_value" else None


def storable(text: str) -> str:
    """Return a text without the character that Postgres has neither in text nor in JSON."""
    return text.replace("\0", "\ufffd") if "\0" in text else text
