"""The oldest client of Prefect that is served, in a few words."""

from __future__ import annotations

import pathlib
from collections import Counter

import pytest

from headrace_harness.machine import only
from headrace_harness.observer import Observer, counted
from headrace_harness.prefect_client import OLDEST_PYTHON, PrefectMachine

FLOWS = pathlib.Path(__file__).parent / "flows"

pytestmark = pytest.mark.skipif(not OLDEST_PYTHON.exists(), reason="there is no environment with it (make prefect)")


async def test_the_oldest_client_runs_flows(stock: PrefectMachine, observer: Observer) -> None:
    stock.take(FLOWS / "orders.py")
    done = await stock.run(str(OLDEST_PYTHON), "orders.py", "1", "2", seconds=300)
    assert done.out.splitlines()[-1] == "third time lucky, confirmed 300"
    run = only(await observer.runs_of("stock-orders"))
    assert run.state.name == "Completed"
    states = Counter(state for _, state in counted(await observer.task_runs(run.flow_run_id)))
    assert states == {"Completed": 3, "Failed": 1}
    assert "the total is 30" in [record.message for record in await observer.logs(run.flow_run_id)]


async def test_the_command_line_of_the_oldest_client_lists_them(stock: PrefectMachine, observer: Observer) -> None:
    stock.take(FLOWS / "ends.py")
    await stock.run(str(OLDEST_PYTHON), "ends.py", seconds=300)
    run = only(await observer.runs_of("stock-named"))
    shown = await stock.run(str(OLDEST_PYTHON), "-m", "prefect", "flow-run", "ls", seconds=300, COLUMNS="200")
    assert run.name in shown.out
