"""Flows that give the pages something to show."""

from __future__ import annotations

import pathlib
import sys
import time

from headrace import flow, get_run_logger, task
from headrace.artifacts import create_markdown_artifact, create_table_artifact


@task
def measure(number: int) -> int:
    get_run_logger().info("measured %d", number)
    return number


@task
def wait_for(name: str) -> None:
    while not pathlib.Path(name).exists():
        time.sleep(0.02)


@flow(name="shown", log_prints=True)
def shown(count: int = 3, gate: str = "") -> int:
    """Measure, wait for the gate, and keep artifacts."""
    total = sum(future.result() for future in [measure.submit(number) for number in range(count)])
    if gate:
        wait_for(gate)
    create_table_artifact([{"number": number, "square": number * number} for number in range(3)], key="squares")
    create_markdown_artifact("The sum is **" + str(total) + "**.", key="summary")
    print("the sum is", total)  # noqa: T201 the page shows what is printed, too
    return total


@flow(name="broken")
def broken() -> None:
    """Fail."""
    raise ValueError("nothing works today")


if __name__ == "__main__":
    match sys.argv[1]:
        case "shown":
            shown(gate="gate")
        case "broken":
            broken()
        case "served":
            shown.serve(name="shown-here")
