"""A flow whose process may be told to die at a failpoint; its results are kept, so that no step is taken twice."""

from __future__ import annotations

import sys

from headrace import flow, task
from headrace_harness import failpoints
from headrace_harness.ledger import note

failpoints.arm()


@task(persist_result=True)
def step(number: int) -> int:
    note("step", number=number)
    return number


@flow(name="doomed", persist_result=True)
def doomed(count: int) -> int:
    """Take half of the steps one after the other, and submit the others."""
    first = [step(number) for number in range(count // 2)]
    futures = [step.submit(number) for number in range(count // 2, count)]
    total = sum(first) + sum(future.result() for future in futures)
    note("finished", total=total)
    return total


if __name__ == "__main__":
    doomed.deploy("test", sys.argv[1])
