from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from headrace import errors
from headrace_chassis import metrics, telemetry


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    own = logging.getLogger("headrace")
    own_level = own.level
    stream = io.StringIO()
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    own.setLevel(own_level)


def logged(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_one_line_of_json_with_the_correlation_id(lines: io.StringIO) -> None:
    telemetry.configure_logging("INFO", stream=lines)
    token = telemetry.correlation_id.set("abc")
    logging.getLogger("headrace.test").info("hello %s\nworld", "ü", extra={"flow_run_id": 7})
    telemetry.correlation_id.reset(token)
    logging.getLogger("headrace.test").info("after")
    first, second = logged(lines)
    assert first["message"] == "hello ü\nworld"
    assert (first["level"], first["logger"], first["correlation_id"], first["flow_run_id"]) == (
        "INFO",
        "headrace.test",
        "abc",
        7,
    )
    assert "correlation_id" not in second


def test_an_exception_is_in_its_record(lines: io.StringIO) -> None:
    telemetry.configure_logging("INFO", stream=lines)
    try:
        raise ZeroDivisionError("why")
    except ZeroDivisionError:
        logging.getLogger("headrace.test").exception("failed")
    (line,) = logged(lines)
    assert "ZeroDivisionError: why" in str(line["exception"])


def test_a_record_that_json_cannot_hold_is_still_logged(lines: io.StringIO) -> None:
    telemetry.configure_logging("INFO", stream=lines)
    logging.getLogger("headrace.test").info("odd", extra={"thing": {object}, "surrogate": "\ud800"})
    (line,) = logged(lines)
    assert line["message"] == "odd"


def test_other_libraries_are_quiet(lines: io.StringIO) -> None:
    telemetry.configure_logging("DEBUG", stream=lines)
    logging.getLogger("somebody.else").info("chatter")
    logging.getLogger("somebody.else").warning("trouble")
    logging.getLogger("headrace.test").debug("detail")
    assert [line["message"] for line in logged(lines)] == ["trouble", "detail"]


def test_metrics_are_shown_as_prometheus_reads_them() -> None:
    for seconds in (0.003, 0.005, 99.0):
        metrics.rpc_timings.begin()
        metrics.rpc_timings.end("/a.B/C", "OK", seconds)
    metrics.loop_ticks.add(2, {"loop": "example", "outcome": "ok"})

    class Pool:
        schema = "example"

        def pool_sizes(self) -> tuple[int, int, int]:
            return 3, 1, 8

    pool = Pool()
    metrics.watch_pool(pool)
    text = metrics.metrics_text().decode()
    for line in (
        'bucket{code="OK",le="0.0025",method="/a.B/C"} 0.0',
        'bucket{code="OK",le="0.005",method="/a.B/C"} 2.0',
        'bucket{code="OK",le="30.0",method="/a.B/C"} 2.0',
        'bucket{code="OK",le="+Inf",method="/a.B/C"} 3.0',
        'count{code="OK",method="/a.B/C"} 3.0',
    ):
        assert f"headrace_rpc_duration_seconds_{line}\n" in text
    assert 'headrace_loop_ticks_total{loop="example",outcome="ok"} 2.0' in text
    assert 'headrace_database_connections{schema="example",state="used"} 2.0' in text
    assert 'headrace_database_connections_limit{schema="example"} 8.0' in text
    del pool
    assert 'schema="example"' not in metrics.metrics_text().decode()


def test_an_exporter_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "nowhere")
    with pytest.raises(errors.InvalidArgument, match="nowhere"):
        telemetry.configure_tracing("state")
