"""A flow process is killed at each named failpoint: its run goes on elsewhere, and nothing is lost or doubled."""

from __future__ import annotations

import pathlib
import uuid
from collections import Counter

import pytest

from headrace_harness import failpoints, ledger
from headrace_harness.machine import Machine
from headrace_harness.observer import Observer, counted

FLOWS = pathlib.Path(__file__).parent / "flows"
COUNT = 6
ENDED = ["Scheduled", "Pending", "Running", "Completed"]
RETRIED = ["Scheduled", "Pending", "Running", "Crashed", "AwaitingRetry", "Pending", "Running", "Completed"]


@pytest.fixture
async def doomed(machine: Machine) -> str:
    """A pool to which the flow is deployed."""
    machine.take(FLOWS / "doomed.py")
    name = f"pool-{uuid.uuid4().hex[:8]}"
    await machine.headrace("work-pool", "create", name)
    await machine.python("doomed.py", name)
    return name


@pytest.mark.parametrize("failpoint", sorted(failpoints.FAILPOINTS))
async def test_a_flow_process_that_dies_at_a_failpoint(
    failpoint: str, machine: Machine, observer: Observer, doomed: str
) -> None:
    await machine.start_worker(doomed, **{failpoints.VARIABLE: failpoint})
    run_id = await machine.start_run("doomed/test", "-p", f"count={COUNT}")
    run = await observer.ended(run_id)
    assert [line["failpoint"] for line in ledger.read(machine.folder, "killed")] == [failpoint]
    # A run that had ended before its process died is over; every other one is tried again, once.
    is_over = failpoint == "end-accepted"
    assert await observer.flow_states(run_id) == (ENDED if is_over else RETRIED)
    assert run.attempt == (1 if is_over else 2)
    # Completed, or cached: what was kept but not recorded is found by its key.
    recorded = counted(await observer.task_runs(run_id))
    assert set(recorded) <= {("step", "Completed"), ("step", "Cached")}
    assert recorded.total() == COUNT
    # A step is taken again only where its result was not kept or not known.
    taken = Counter(line["number"] for line in ledger.read(machine.folder, "step"))
    assert sorted(taken) == list(range(COUNT))
    assert max(taken.values()) <= 2
    assert {line["total"] for line in ledger.read(machine.folder, "finished")} == {sum(range(COUNT))}


async def test_a_failpoint_is_nothing_that_the_product_knows(machine: Machine, observer: Observer, pool: str) -> None:
    # `steps.py` arms none, so the variable alone does nothing.
    await machine.start_worker(pool, **{failpoints.VARIABLE: "run-taken"})
    run_id = await machine.start_run("steps/test", "-p", "count=1", "-p", "pause=0")
    assert await observer.flow_states((await observer.ended(run_id)).flow_run_id) == ENDED
