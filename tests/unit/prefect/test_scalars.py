"""Spans and moments in Prefect's shapes."""

from __future__ import annotations

import pytest

from headrace.api.v1 import flow_run_pb2
from headrace_prefect.shapes import scalars


@pytest.mark.parametrize(("whole", "nanos", "told"), [(1, 773_051_000, 1.773051), (0, 1, 1e-9), (86_400, 0, 86_400.0)])
def test_spans_are_told_without_noise(whole: int, nanos: int, told: float) -> None:
    run = flow_run_pb2.FlowRun()
    run.total_run_time.seconds, run.total_run_time.nanos = whole, nanos
    assert repr(scalars.seconds(run, "total_run_time")) == repr(told)
    assert scalars.seconds(flow_run_pb2.FlowRun(), "total_run_time") is None
