from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.json_format import MessageToDict

from headrace.api.v1 import log_pb2
from headrace.ids import uuid7
from headrace.recording.log_batches import LogLine, request_of, without_columns

RUN, TASK = str(uuid7()), str(uuid7())
LINES = [
    LogLine(RUN, "", "flow", 20, "one", 1_700_000_000_123_456_000),
    LogLine(RUN, TASK, "task", 30, "two", 1_700_000_000_123_457_000, log_pb2.LOG_SOURCE_PRINT),
    LogLine(RUN, "", "flow", 20, "three", 1_700_000_001_000_000_000),
    LogLine(RUN, TASK, "task", 20, "with fields", 1_700_000_002_000_000_000, fields={"rows": 3, "names": ["a"]}),
    LogLine(RUN, TASK, "task", 20, "with others", 1_700_000_002_000_000_000, fields={"rows": 4}),
    LogLine(RUN, "", "worker", 40, "x" * 50 + "ü" * 50, 1_700_000_003_000_000_000, worker_id="w"),
    LogLine(RUN, "", "flow", 20, "\ud800 half", 1_700_000_004_000_000_000),
]


def as_dicts(records: Sequence[log_pb2.LogRecord]) -> list[dict[str, object]]:
    return [{**MessageToDict(record), "logId": ""} for record in records]


def test_what_lines_share_is_sent_once() -> None:
    columns = request_of(7, LINES, max_message_bytes=100, in_columns=True).batch.columns
    assert list(columns.kinds) == [0, 1, 0, 2, 3, 4, 0]
    assert len(columns.shared) == 5
    assert columns.messages[5].endswith("... cut")
    assert len(columns.messages[5].encode()) <= 100
    assert columns.messages[6] == "? half"


def test_a_server_that_takes_no_columns_is_sent_the_same_records() -> None:
    in_columns = request_of(7, LINES, max_message_bytes=100, in_columns=True)
    one_by_one = request_of(7, LINES, max_message_bytes=100, in_columns=False)
    changed = log_pb2.WriteLogsRequest.FromString(without_columns(in_columns.SerializeToString()))
    assert changed.batch.sequence == 7
    assert not changed.batch.HasField("columns")
    assert as_dicts(changed.batch.records) == as_dicts(one_by_one.batch.records)
    assert len({record.log_id for record in changed.batch.records}) == len(LINES)


def test_batches_without_columns_stay_as_they_are() -> None:
    payload = request_of(1, LINES, max_message_bytes=100, in_columns=False).SerializeToString()
    assert log_pb2.WriteLogsRequest.FromString(without_columns(payload)) == log_pb2.WriteLogsRequest.FromString(payload)
