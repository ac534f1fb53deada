"""The service against a model of it: operations that Hypothesis chooses, the same answers, the same end.

The long form is `python -m benchmarks.model`.
"""

from __future__ import annotations

from headrace_harness.model_machine import bench_on, run_machines


def test_the_service_does_what_the_model_does(database_url: str) -> None:
    with bench_on(database_url) as bench:
        run_machines(bench, examples=12, steps=40)
        assert bench.steps > 100
        bench.check()
