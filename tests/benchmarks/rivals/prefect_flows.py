"""What is timed in a flow process, in Prefect. Prints one JSON line; `headrace_flows.py` does the same in Headrace."""

from __future__ import annotations

import json
import sys
import time

from prefect import flow, task


@task
def nothing(number: int) -> int:
    """Do nothing."""
    return number


@flow
def empty() -> None:
    """Do nothing."""


@flow
def sequential(count: int) -> float:
    """Call a task again and again; returns the seconds it took."""
    started = time.perf_counter()
    for number in range(count):
        nothing(number)
    return time.perf_counter() - started


@flow
def submitted(count: int) -> float:
    """Submit a task again and again and wait for all; returns the seconds it took."""
    started = time.perf_counter()
    for future in [nothing.submit(number) for number in range(count)]:
        future.result()
    return time.perf_counter() - started


def main() -> None:
    """Time what the arguments name: kind and count."""
    kind, count = sys.argv[1], int(sys.argv[2])
    if kind == "empty":
        empty()
        spans = []
        for _ in range(count):
            started = time.perf_counter()
            empty()
            spans.append(time.perf_counter() - started)
        print(json.dumps({"seconds": sorted(spans)[len(spans) // 2]}))
        return
    run = {"sequential": sequential, "submitted": submitted}[kind]
    run(10)
    started = time.perf_counter()
    run(count)
    # With the end of the flow run, at which everything is recorded.
    print(json.dumps({"per_second": count / (time.perf_counter() - started)}))


if __name__ == "__main__":
    main()
