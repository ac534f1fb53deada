"""Flows that give their process up and come back; `python suspending.py POOL` deploys them."""

from __future__ import annotations

import asyncio
import pathlib
import sys
import time

from headrace import RunInput, asleep_for, flow, pause_flow_run, sleep_for, suspend_flow_run, task, wait_for_event
from headrace_harness.ledger import note


class Approval(RunInput):
    approved: bool
    amount: int = 0


@task(persist_result=True)
def prepare(name: str) -> str:
    note("prepared", name=name)
    return f"prepared {name}"


@flow(name="approval", persist_result=True)
def approval(name: str) -> str:
    note("called")
    ready = prepare(name)
    answer = suspend_flow_run(wait_for_input=Approval.with_initial_data("Shall it go on?"))
    after = prepare.submit("after").result()
    return f"{ready}, {after}, {answer.amount if answer.approved else 0}"


@flow(name="napping", persist_result=True)
def napping(seconds: float) -> str:
    note("called")
    first = prepare("before")
    sleep_for(seconds, hold_seconds=0)
    note("woke")
    second = prepare("after")
    sleep_for(0.01)
    return f"{first}, {second}"


@flow(name="napping-together", persist_result=True)
async def napping_together(seconds: float) -> str:
    note("called")
    first = prepare("before")
    async with asyncio.TaskGroup() as group:
        group.create_task(asleep_for(seconds, key="long", hold_seconds=0))
        group.create_task(asleep_for(0.01, key="short", hold_seconds=0))
    note("woke")
    return f"{first}, {prepare('after')}"


@flow(name="nodding", persist_result=True)
def nodding(times: int) -> None:
    note("called")
    for _ in range(times):
        sleep_for(0.001, hold_seconds=0)


@flow(name="ordering", persist_result=True)
def ordering(order: str) -> str:
    note("called")
    prepare(order)
    event = wait_for_event("order.paid", resource={"headrace.resource.id": order}, timeout=120, hold_seconds=0)
    return str(event.payload["amount"])


@flow(name="asking")
def asking() -> int:
    note("called")
    return pause_flow_run(wait_for_input=int, timeout=120)


@flow(name="busy", persist_result=True)
def busy() -> None:
    note("called")
    prepare("busy")
    pause_flow_run(timeout=120, key="hold")


@task(persist_result=True)
def long_step(wait_for: str) -> str:
    note("begun")
    while not pathlib.Path(wait_for).exists():
        time.sleep(0.02)
    return "done"


@flow(name="lengthy", persist_result=True)
def lengthy(wait_for: str) -> str:
    note("called")
    prepare("lengthy")
    return long_step(wait_for)


@task(persist_result=True)
def step(name: str, before: int, fails_until: str = "") -> int:
    note("stepped", name=name)
    if fails_until and not pathlib.Path(fails_until).exists():
        raise ValueError(f"{name} cannot go on before {fails_until} is there")
    return before + 1


@flow(name="chain", persist_result=True)
def chain() -> int:
    first = step.with_options(name="first")("first", 0)
    other = step.with_options(name="other")("other", 0)
    second = step.with_options(name="second")("second", first)
    return step.with_options(name="third")("third", second, fails_until="repaired") + other


if __name__ == "__main__":
    for each in (approval, napping, napping_together, nodding, ordering, asking, busy, lengthy, chain):
        each.deploy("test", sys.argv[1])
