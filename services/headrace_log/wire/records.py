"""Log records between the wire and the service's own words."""

from __future__ import annotations

import base64
import binascii
import datetime
import uuid
from collections.abc import Sequence

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace.api.v1 import log_pb2, state_pb2
from headrace_chassis.codecs import parse_uuid
from headrace_chassis.paging import decode_page_token, encode_page_token
from headrace_log.rules.histogram import Counts, Spans
from headrace_log.rules.records import FollowToken, Key, Record, RecordFilter
from headrace_log.rules.text import parse_text
from headrace_log.wire.packing import HIGHEST_LEVEL, storable

MOST_WORDS = 20
MOST_FILTER_VALUES = 1000
DEFAULT_PAGE_SIZE = 200
MAX_PAGE_SIZE = 1000

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_DIGEST_BYTES = 12
_MOST_TOKEN_LENGTH = 64 * 1024


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
        worker_ids=tuple(map(storable, wanted.worker_ids)),
        level_at_least=min(max(wanted.level_at_least, 0), HIGHEST_LEVEL),
        level_at_most=min(max(wanted.level_at_most, 0), HIGHEST_LEVEL),
        occurred_from=_moment(wanted.occurred, "from"),
        occurred_until=_moment(wanted.occurred, "until"),
        text=text,
        loggers=tuple(map(storable, wanted.loggers)),
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
