from __future__ import annotations

import datetime
import uuid

import pytest
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace.api.v1 import log_pb2
from headrace.ids import uuid7
from headrace_log.queries.pages import made_up_id
from headrace_log.rules.records import FollowToken, Key, Record, follow_behind
from headrace_log.wire import packing
from headrace_log.wire import records as wire

NOW = datetime.datetime(2026, 3, 5, 12, 30, 15, 123456, tzinfo=datetime.UTC)
WORKSPACE = uuid7()
QUESTION = b"0123456789ab"


def record_at(position: int, at: datetime.datetime = NOW) -> Record:
    return Record(position, at, None, None, uuid7(), 20, 1, "l", "m", None, None, None)


def test_a_batch_knows_its_runs_and_its_span_of_time() -> None:
    runs = [uuid7(), uuid7()]
    records = []
    for place in range(4):
        record = log_pb2.LogRecord(flow_run_id=str(runs[place % 2]), log_id=str(uuid7()))
        record.occurred_at.FromDatetime(NOW + datetime.timedelta(seconds=10 - place))
        records.append(record)
    batch = packing.batch_of(records, WORKSPACE, now=NOW, most_message_bytes=100)
    assert batch.flow_run_ids == frozenset(runs)
    assert batch.oldest_at == NOW + datetime.timedelta(seconds=7)
    assert batch.newest_at == NOW + datetime.timedelta(seconds=10)
    assert len(batch.rows) == 4
    assert batch.digest == packing.batch_of(records, WORKSPACE, now=NOW, most_message_bytes=9).digest
    assert batch.digest != packing.batch_of(records[1:], WORKSPACE, now=NOW, most_message_bytes=9).digest
    records[0].flow_run_id = records[0].log_id = ""
    batch = packing.batch_of(records, WORKSPACE, now=NOW, most_message_bytes=100)
    assert batch.flow_run_ids is None
    assert batch.digest is None


@pytest.mark.parametrize(
    "wrong",
    [
        log_pb2.LogRecord(flow_run_id="x"),
        log_pb2.LogRecord(task_run_id="x"),
        log_pb2.LogRecord(log_id="x"),
        log_pb2.LogRecord(occurred_at=Timestamp(seconds=253402300799, nanos=2**31 - 1)),
        log_pb2.LogRecord(occurred_at=Timestamp(seconds=2**50)),
        log_pb2.LogRecord(occurred_at=Timestamp(seconds=-(2**62))),
        log_pb2.LogRecord(source=70000),  # type: ignore[arg-type]
        log_pb2.LogRecord(fields=Struct(fields={"x": Value(string_value="y" * packing.MOST_FIELDS_BYTES)})),
    ],
)
def test_a_wrong_record_is_refused_with_its_place(wrong: log_pb2.LogRecord) -> None:
    with pytest.raises(errors.InvalidArgument) as caught:
        packing.batch_of([log_pb2.LogRecord(), wrong], WORKSPACE, now=NOW, most_message_bytes=100)
    assert caught.value.violations[0].field in ("records[1]", "records")


def in_columns(records: list[log_pb2.LogRecord]) -> log_pb2.LogColumns:
    columns = log_pb2.LogColumns()
    for place, record in enumerate(records):
        shared = columns.shared.add()
        shared.CopyFrom(record)
        for field in ("message", "occurred_at"):
            shared.ClearField(field)
        columns.kinds.append(place)
        columns.messages.append(record.message)
        columns.occurred_us.append(record.occurred_at.ToMicroseconds())
    return columns


def test_records_in_columns_become_the_same_rows() -> None:
    run = str(uuid7())
    records = [
        log_pb2.LogRecord(flow_run_id=run, message="plain", level=20, logger="l", occurred_at=Timestamp(seconds=7)),
        log_pb2.LogRecord(flow_run_id=run, message="\0" * 200, level=99999, source=log_pb2.LOG_SOURCE_STDERR),
        log_pb2.LogRecord(
            flow_run_id=run,
            task_run_id=str(uuid7()),
            worker_id="w",
            fields=Struct(fields={"x": Value(bool_value=True)}),
        ),
    ]
    one_by_one = packing.batch_of(records, WORKSPACE, now=NOW, most_message_bytes=100, process_id="p")
    columns = in_columns(records)
    batch = packing.batch_of([], WORKSPACE, now=NOW, most_message_bytes=100, process_id="p", columns=columns)
    assert batch == one_by_one
    both = packing.batch_of(records, WORKSPACE, now=NOW, most_message_bytes=100, process_id="p", columns=columns)
    assert both.rows == one_by_one.rows * 2


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("columns.shared[0]", {"shared": [log_pb2.LogRecord(flow_run_id="x")]}),
        ("columns.kinds", {"kinds": [1]}),
        ("columns.kinds", {"shared": []}),
        ("columns", {"messages": ["one", "two"]}),
        ("columns", {"occurred_us": []}),
        ("columns.occurred_us", {"occurred_us": [-(2**63)]}),
        ("records", {"occurred_us": [2**63 - 1]}),
    ],
)
def test_wrong_columns_are_refused(field: str, change: dict[str, list[object]]) -> None:
    right: dict[str, list[object]] = {
        "shared": [log_pb2.LogRecord()],
        "kinds": [0],
        "messages": ["one"],
        "occurred_us": [1],
    }
    columns = log_pb2.LogColumns(**{**right, **change})  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidArgument) as caught:
        packing.batch_of([], WORKSPACE, now=NOW, most_message_bytes=100, columns=columns)
    assert caught.value.violations[0].field == field


def test_tokens_come_back_as_they_went() -> None:
    key = Key(NOW, 7 << 20 | 3)
    assert wire.key_from_token(wire.key_to_token(key, QUESTION), QUESTION) == key
    assert wire.key_from_token("", QUESTION) is None
    assert wire.key_to_token(None, QUESTION) == ""
    for token in (FollowToken(0, 0), FollowToken(3, 9, key, frozenset({11, 12})), FollowToken(9, 9)):
        assert wire.follow_token_from_wire(wire.follow_token_to_wire(token, QUESTION), QUESTION) == token
    assert wire.follow_token_from_wire("", QUESTION) is None


def test_damaged_and_foreign_tokens_are_refused() -> None:
    good = wire.follow_token_to_wire(FollowToken(3, 9), QUESTION)
    for token, question in (
        (good, b"another one!"),
        (good[:-3], QUESTION),
        ("%%%", QUESTION),
        ("x" * 70_000, QUESTION),
    ):
        with pytest.raises(errors.InvalidArgument) as caught:
            wire.follow_token_from_wire(token, question)
        assert caught.value.violations[0].field == "follow_token"


def test_a_follower_goes_on_behind_the_newest_of_a_page() -> None:
    earlier, later = record_at(5, NOW - datetime.timedelta(seconds=1)), record_at(9)
    assert follow_behind([later, earlier], 7) == FollowToken(0, 7, Key(NOW, 9), frozenset({9}))
    assert follow_behind([], 7) == FollowToken(7, 7)


def test_ids_made_up_are_uuids_of_their_time_and_differ() -> None:
    ids = {made_up_id(NOW, position) for position in (0, 1, 2**20, 2**62, 2**63 - 1)}
    assert len(ids) == 5
    for made_up in ids:
        assert made_up.version == 7
        assert made_up.variant == uuid.RFC_4122
        assert made_up.int >> 80 == int(NOW.timestamp() * 1000)
