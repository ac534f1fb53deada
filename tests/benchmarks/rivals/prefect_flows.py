"""What is timed in a flow process, in Prefect. Prints one JSON line; `headrace_flows.py` does the same in Headrace."""

from __future__ import annotations

import json
import sys
import time
import uuid

from prefect import flow, get_client, task
from prefect.client.schemas.filters import FlowRunFilter, TaskRunFilter

PATIENCE_SECONDS = 30.0
"""What a server has not recorded when it recorded nothing for so long is lost."""


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


def recorded(flow_run_id: uuid.UUID) -> int:
    """Return how many task runs of a flow run the server shows as COMPLETED."""
    chosen = {
        "flow_runs": FlowRunFilter(id={"any_": [flow_run_id]}).model_dump(mode="json"),
        "task_runs": TaskRunFilter(state={"type": {"any_": ["COMPLETED"]}}).model_dump(mode="json"),
    }
    with get_client(sync_client=True) as client:
        return int(client.request("POST", "/task_runs/count", json=chosen).json())


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
    began = time.perf_counter()
    state = run(count, return_state=True)
    ended = time.perf_counter()
    # The client goes on when the flow run has ended; what it told of its task runs is recorded some time later.
    found, known = recorded(state.state_details.flow_run_id), time.perf_counter()
    while found < count and time.perf_counter() - known < PATIENCE_SECONDS:
        time.sleep(0.05)
        if (now_found := recorded(state.state_details.flow_run_id)) > found:
            found, known = now_found, time.perf_counter()
    told = {
        "per_second": count / (ended - began),
        "recorded_per_second": found / (known - began),
        "lost": count - found,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
