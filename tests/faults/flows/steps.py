"""Flows that note each of their steps, so that a test can compare what happened with what was recorded."""

from __future__ import annotations

import os
import pathlib
import sys
import time

from headrace import flow, task
from headrace_harness.ledger import note


@task
def step(number: int, pause: float) -> int:
    note("step", number=number)
    time.sleep(pause)
    return number


@flow(name="steps", log_prints=True)
def steps(count: int, pause: float = 0.05, wait_for: str = "") -> int:
    """Take steps one after the other; with `wait_for`, wait in the middle until there is a file of that name."""
    note("started")
    total = 0
    for number in range(count):
        if wait_for and number == count // 2:
            note("half")
            while not pathlib.Path(wait_for).exists():
                time.sleep(0.02)
        total += step(number, pause)
        print(f"step {number} of {os.getpid()}")
    note("finished")
    return total


@flow(name="many-steps")
def many_steps(count: int, pause: float = 0.0) -> int:
    """Submit steps; at most as many at once as there are threads."""
    note("started")
    futures = [step.submit(number, pause) for number in range(count)]
    total = sum(future.result() for future in futures)
    note("finished")
    return total


if __name__ == "__main__":
    kind, *arguments = sys.argv[1:]
    if kind == "deploy":
        for deployed in (steps, many_steps):
            deployed.deploy("test", arguments[0])
    elif kind == "steps":
        print(steps(int(arguments[0]), float(arguments[1]), *arguments[2:]))
    else:
        print(many_steps(int(arguments[0]), float(arguments[1])))
