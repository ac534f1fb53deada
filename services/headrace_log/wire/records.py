"""Log records between the wire and the service's own words."""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import struct
import uuid
from collections.abc import Sequence
from typing import Any

import orjson
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace.api.v1 import log_pb2, state_pb2
from headrace_chassis.codecs import dump_json, parse_uuid
from headrace_chassis.paging import decode_page_token, encode_page_token
from headrace_log.rules.histogram import Counts, Spans
from headrace_log.rules.records import Batch, FollowToken, Key, PackedRow, Record, RecordFilter
from headrace_log.rules.text import cut_text, parse_text

MOST_RECORDS = 1000
MOST_WORDS = 20
MOST_FILTER_VALUES = 1000
MOST_SHORT_TEXT = 1024
"""Characters of loggers, worker ids and trace contexts."""

MOST_FIELDS_BYTES = 64 * 1024
DEFAULT_PAGE_SIZE = 200
MAX_PAGE_SIZE = 1000

_HIGHEST_LEVEL = 32767

# Rows as COPY takes them in its binary form: each field is its length and its bytes, NULL is the length -1.
_NULL = b"\xff\xff\xff\xff"
_UUID_LENGTH = b"\0\0\0\x10"
_NO_MORE_FIELDS = _NULL * 3
_REPLACEMENT = "\ufffd".encode()
_pack_start = struct.Struct("!iqihih").pack
_pack_length = struct.Struct("!i").pack
_ROW_OVERHEAD_BYTES = 64

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
# Postgres counts microseconds from here.
_POSTGRES_EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_POSTGRES_SECONDS = int(_POSTGRES_EPOCH.timestamp())
_MICROSECOND = datetime.timedelta(microseconds=1)
_FIRST_MICROS = (datetime.datetime(1, 1, 1, tzinfo=datetime.UTC) - _POSTGRES_EPOCH) // _MICROSECOND
_LAST_MICROS = (datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC) - _POSTGRES_EPOCH) // _MICROSECOND
_DIGEST_BYTES = 12
_MOST_TOKEN_LENGTH = 64 * 1024


def batch_of(
    records: Sequence[log_pb2.LogRecord],
    workspace_id: uuid.UUID,
    *,
    now: datetime.datetime,
    most_message_bytes: int,
    process_id: str = "",
    sequence: int = 0,
) -> Batch:
    """Return records as a batch. Long messages are cut with a marker; a record without a time gets `now`.

    Args:
        records: In the order in which they were written.
        workspace_id: Whose they are.
        now: The time of records that have none.
        most_message_bytes: Where a message is cut.
        process_id: The writing process, if it numbers its batches; else repeated batches are told by the ids.
        sequence: The number of the batch.

    Raises:
        errors.InvalidArgument: A record is not valid; the field is named.
    """
    rows: list[PackedRow] = []
    workspace = _UUID_LENGTH + workspace_id.bytes
    owners: dict[tuple[str, str], bytes] = {}
    loggers: dict[str, bytes] = {}
    now_micros = (now - _POSTGRES_EPOCH) // _MICROSECOND
    oldest, newest = _LAST_MICROS, _FIRST_MICROS
    size = 0
    try:
        for record in records:
            owner = (record.flow_run_id, record.task_run_id)
            ids = owners.get(owner)
            if ids is None:
                ids = owners[owner] = workspace + _uuid_field(owner[0]) + _uuid_field(owner[1])
            name = record.logger
            logger = loggers.get(name)
            if logger is None:
                logger = loggers[name] = _text_field(name)
            occurred = record.occurred_at
            seconds, nanos = occurred.seconds, occurred.nanos
            micros = (seconds - _POSTGRES_SECONDS) * 1_000_000 + nanos // 1000 if seconds or nanos else now_micros
            if micros < oldest:
                oldest = micros
            if micros > newest:
                newest = micros
            message = record.message.encode()
            if len(message) > most_message_bytes:
                message = cut_text(message, most_message_bytes)
            if b"\0" in message:
                message = message.replace(b"\0", _REPLACEMENT)
            worker_id, traceparent = record.worker_id, record.traceparent
            has_more = worker_id or traceparent or record.HasField("fields")
            level = record.level
            row = b"".join(
                (
                    # A level beyond smallint is a mistake that must not cost the line.
                    _pack_start(
                        8, micros, 2, level if 0 <= level < _HIGHEST_LEVEL else _HIGHEST_LEVEL, 2, record.source
                    ),
                    ids,
                    _uuid_field(record.log_id),
                    logger,
                    _pack_length(len(message)),
                    message,
                    _more_fields(record) if has_more else _NO_MORE_FIELDS,
                )
            )
            size += len(row)
            rows.append(row)
    except (ValueError, struct.error) as error:
        raise errors.InvalidArgument.of_field(f"records[{len(rows)}]", f"{error}") from error
    if rows and not _FIRST_MICROS <= oldest <= newest <= _LAST_MICROS:
        raise errors.InvalidArgument.of_field("records", "occurred_at must be in the years 1 to 9999")
    runs = {run for run, _ in owners}
    return Batch(
        workspace_id=workspace_id,
        rows=rows,
        flow_run_ids=frozenset(map(parse_uuid, runs)) if "" not in runs else None,
        oldest_at=_POSTGRES_EPOCH + oldest * _MICROSECOND if rows else now,
        newest_at=_POSTGRES_EPOCH + newest * _MICROSECOND if rows else now,
        size_bytes=size + len(rows) * _ROW_OVERHEAD_BYTES,
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


def _uuid_field(text: str) -> bytes:
    return _UUID_LENGTH + parse_uuid(text).bytes if text else _NULL


def _text_field(text: str) -> bytes:
    data = text[:MOST_SHORT_TEXT].replace("\0", "\ufffd").encode()
    return _pack_length(len(data)) + data


def _more_fields(record: log_pb2.LogRecord) -> bytes:
    parts = [
        _text_field(record.worker_id) if record.worker_id else _NULL,
        _text_field(record.traceparent) if record.traceparent else _NULL,
    ]
    if record.HasField("fields"):
        if record.fields.ByteSize() > MOST_FIELDS_BYTES:
            raise ValueError(f"fields are larger than {MOST_FIELDS_BYTES} bytes")
        document = b"\x01" + dump_json(_plain_struct(record.fields))
        parts.append(_pack_length(len(document)) + document)
    else:
        parts.append(_NULL)
    return b"".join(parts)


def _digest(records: Sequence[log_pb2.LogRecord]) -> bytes | None:
    """Return what tells a repeated batch, None if a record has no id."""
    ids = [record.log_id for record in records]
    return hashlib.blake2b("".join(ids).encode(), digest_size=16).digest() if all(ids) else None


def _plain_struct(struct: Struct) -> dict[str, Any]:
    return {_storable(name): _plain(value) for name, value in struct.fields.items()}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _plain_struct(value.struct_value)
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    if kind == "string_value":
        return _storable(value.string_value)
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return value.bool_value if kind == "bool_value" else None


def _storable(text: str) -> str:
    # Postgres has no NUL in text, and none in JSON either.
    return text.replace("\0", "\ufffd") if "\0" in text else text


def record_to_proto(record: Record) -> log_pb2.LogRecord:
    """Return a record as it goes over the wire."""
    message = log_pb2.LogRecord(
        log_id=str(record.log_id),
        flow_run_id=str(record.flow_run_id) if record.flow_run_id is not None else "",
        task_run_id=str(record.task_run_id) if record.task_run_id is not None else "",
        worker_id=record.worker_id or "",
        logger=record.logger,
        level=record.level,
        message=record.message,
        occurred_at=timestamp(record.occurred_at),
        source=log_pb2.LogSource.ValueType(record.source),
        traceparent=record.traceparent or "",
    )
    if record.fields is not None:
        message.fields.update(record.fields)
    return message


def timestamp(moment: datetime.datetime) -> Timestamp:
    """Return a moment as it goes over the wire."""
    elapsed = moment - _EPOCH
    return Timestamp(seconds=elapsed.days * 86400 + elapsed.seconds, nanos=elapsed.microseconds * 1000)


def histogram_to_proto(spans: Spans | None, counts: Sequence[Counts]) -> log_pb2.GetLogHistogramResponse:
    """Return counts as they go over the wire, the spans without records among them."""
    response = log_pb2.GetLogHistogramResponse()
    if spans is None:
        return response
    response.width.FromTimedelta(spans.width)
    by_place = {each.place: each for each in counts}
    for place in range(spans.count):
        bucket = response.buckets.add(start_at=timestamp(spans.start + place * spans.width))
        each = by_place.get(place)
        if each is not None:
            for level in ("debug", "info", "warning", "error", "critical"):
                setattr(bucket, level, getattr(each, level))
                response.total += getattr(each, level)
    return response


def filter_from_proto(wanted: log_pb2.LogFilter) -> RecordFilter:
    """Return a filter in the service's words.

    Raises:
        errors.InvalidArgument: An id is none, or there are too many values or words.
    """
    text = parse_text(wanted.text, match_case=wanted.match_case, whole_words=wanted.whole_words)
    if len(text) > MOST_WORDS:
        raise errors.InvalidArgument.of_field("filter.text", f"must have at most {MOST_WORDS} words")
    if wanted.with_children and not wanted.flow_run_ids:
        raise errors.InvalidArgument.of_field("filter.flow_run_ids", "must name the runs whose children are meant")
    for name in ("worker_ids", "loggers", "sources"):
        if len(getattr(wanted, name)) > MOST_FILTER_VALUES:
            raise errors.InvalidArgument.of_field(f"filter.{name}", f"must have at most {MOST_FILTER_VALUES} values")
    return RecordFilter(
        flow_run_ids=_ids("flow_run_ids", wanted.flow_run_ids),
        task_run_ids=_ids("task_run_ids", wanted.task_run_ids),
        worker_ids=tuple(map(_storable, wanted.worker_ids)),
        level_at_least=min(max(wanted.level_at_least, 0), _HIGHEST_LEVEL),
        level_at_most=min(max(wanted.level_at_most, 0), _HIGHEST_LEVEL),
        occurred_from=_moment(wanted.occurred, "from"),
        occurred_until=_moment(wanted.occurred, "until"),
        text=text,
        loggers=tuple(map(_storable, wanted.loggers)),
        sources=_sources(wanted.sources),
        without_task_runs=wanted.without_task_runs,
        with_children=wanted.with_children,
    )


def _ids(name: str, values: Sequence[str]) -> tuple[uuid.UUID, ...]:
    found: dict[uuid.UUID, None] = {}
    for place, value in enumerate(values):
        try:
            found[parse_uuid(value)] = None
        except ValueError:
            raise errors.InvalidArgument.of_field(f"filter.{name}[{place}]", "must be a UUID") from None
    return tuple(found)


def _sources(values: Sequence[int]) -> tuple[int, ...]:
    sources = dict.fromkeys(values)
    # A record whose writer did not say comes from a logger.
    loggers = {log_pb2.LOG_SOURCE_UNSPECIFIED, log_pb2.LOG_SOURCE_LOGGER}
    return tuple({*sources, *(loggers if loggers & sources.keys() else ())})


def _moment(span: state_pb2.TimeRange, end: str) -> datetime.datetime | None:
    if not span.HasField(end):  # type: ignore[arg-type]
        return None
    moment: Timestamp = getattr(span, end)
    try:
        return moment.ToDatetime(tzinfo=datetime.UTC)
    except (ValueError, OverflowError):
        raise errors.InvalidArgument.of_field(f"filter.occurred.{end}", "must be a time") from None


def page_size(requested: int) -> int:
    """Return the size of a page: 200 for 0, never more than 1,000.

    Raises:
        errors.InvalidArgument: `requested` is negative.
    """
    if requested < 0:
        raise errors.InvalidArgument.of_field("page_size", "must not be negative")
    return min(requested, MAX_PAGE_SIZE) if requested else DEFAULT_PAGE_SIZE


def key_from_token(token: str, question: bytes) -> Key | None:
    """Return where a page begins, None at the first.

    Raises:
        errors.InvalidArgument: The token is not one of this question.
    """
    match decode_page_token(token, question):
        case None:
            return None
        case (datetime.datetime() as occurred_at, int(position)):
            return Key(occurred_at, position)
    raise errors.InvalidArgument.of_field("page_token", "must be a token that this call returned")


def key_to_token(key: Key | None, question: bytes) -> str:
    """Return the token of the page behind `key`; "" at the end."""
    return encode_page_token((key.occurred_at, key.position), question) if key is not None else ""


def follow_token_to_wire(token: FollowToken, question: bytes) -> str:
    """Return a follower's token, opaque to clients."""
    after = [token.after.occurred_at.isoformat(), token.after.position] if token.after is not None else None
    body = orjson.dumps([token.floor, token.horizon, after, sorted(token.seen)])
    return base64.urlsafe_b64encode(question + body).rstrip(b"=").decode()


def follow_token_from_wire(token: str, question: bytes) -> FollowToken | None:
    """Return a follower's token, None if there is none.

    Raises:
        errors.InvalidArgument: It is damaged, or of another filter.
    """
    if not token:
        return None
    try:
        if len(token) > _MOST_TOKEN_LENGTH:
            raise ValueError("too long")
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        floor, horizon, after, seen = orjson.loads(data[_DIGEST_BYTES:])
        parsed = FollowToken(
            _natural(floor),
            _natural(horizon),
            Key(datetime.datetime.fromisoformat(after[0]), _natural(after[1])) if after is not None else None,
            frozenset(_natural(position) for position in seen),
        )
    except (ValueError, TypeError, IndexError, binascii.Error):
        raise errors.InvalidArgument.of_field(
            "follow_token", "must be a token that a list or follow returned"
        ) from None
    if data[:_DIGEST_BYTES] != question:
        raise errors.InvalidArgument.of_field("follow_token", "belongs to another filter; start again without it")
    return parsed


def _natural(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError("not a position")
    return value
