"""Flows that are deployed; `python deployed.py POOL` hands all of them to a pool."""

from __future__ import annotations

import os
import signal
import sys
import time

from headrace import flow, get_run_logger, task
from headrace.artifacts import create_markdown_artifact, create_table_artifact
from headrace_harness.ledger import note


@task
def square(number: int) -> int:
    get_run_logger().info("squaring %d", number)
    return number * number


@flow(name="squares", log_prints=True)
def squares(count: int, offset: float = 0.0) -> float:
    note("squares", count=count)
    numbers = [square.submit(number) for number in range(count)]
    total = sum(future.result() for future in numbers) + offset
    print("printed by the flow")
    os.write(1, b"written to standard output\n")
    os.write(2, b"written to standard error\n")
    os.system("echo said by a child process")
    create_table_artifact([{"number": number, "square": number**2} for number in range(count)], key="table")
    create_markdown_artifact(f"The sum is **{total:g}**.", key="sum")
    return total


@task
def nap() -> None:
    time.sleep(600)


@flow(name="sleeper")
def sleeper() -> None:
    note("sleeping")
    nap()


@flow(name="stubborn")
def stubborn() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note("stubborn")
    end = time.monotonic() + 600
    while time.monotonic() < end:
        try:
            time.sleep(1)
        except BaseException as error:
            note("ignored", error=type(error).__name__)


@flow(name="quitter")
def quitter() -> None:
    os._exit(7)


@flow(name="tick")
def tick(kind: str) -> None:
    note("tick", kind=kind)


if __name__ == "__main__":
    for served in (squares, sleeper, stubborn, quitter):
        served.deploy("test", sys.argv[1])
