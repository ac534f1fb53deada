"""The oldest and the newest client of Prefect that are served, in a few words."""

from __future__ import annotations

import pathlib
from collections import Counter

import pytest

from headrace_harness.machine import only
from headrace_harness.observer import Observer, counted
from headrace_harness.prefect_client import NEWEST_PYTHON, OLDEST_PYTHON, PrefectMachine

FLOWS = pathlib.Path(__file__).parent / "flows"


@pytest.fixture(params=[OLDEST_PYTHON, NEWEST_PYTHON], ids=["oldest", "newest"])
def python(request: pytest.FixtureRequest) -> str:
    """The interpreter that has the client."""
    found: pathlib.Path = request.param
    if not found.exists():
        pytest.skip("there is no environment with it (make prefect)")
    return str(found)


async def test_it_runs_flows(stock: PrefectMachine, observer: Observer, python: str) -> None:
    stock.take(FLOWS / "orders.py")
    done = await stock.run(python, "orders.py", "1", "2", seconds=300)
    assert done.out.splitlines()[-1] == "third time lucky, confirmed 300"
    run = only(await observer.runs_of("stock-orders"))
    assert run.state.name == "Completed"
    states = Counter(state for _, state in counted(await observer.task_runs(run.flow_run_id)))
    assert states == {"Completed": 3, "Failed": 1}
    assert "the total is 30" in [record.message for record in await observer.logs(run.flow_run_id)]


async def test_its_command_line_lists_them(stock: PrefectMachine, observer: Observer, python: str) -> None:
    stock.take(FLOWS / "ends.py")
    await stock.run(python, "ends.py", seconds=300)
    run = only(await observer.runs_of("stock-named"))
    shown = await stock.run(python, "-m", "prefect", "flow-run", "ls", seconds=300, COLUMNS="200")
    assert run.name in shown.out


async def test_its_blocks_are_of_types_that_are_there(stock: PrefectMachine, python: str) -> None:
    listed = await stock.run(python, "-m", "prefect", "block", "type", "ls", seconds=300, COLUMNS="200")
    assert {"secret", "webhook", "slack-webhook"} <= set(listed.out.split())
    (stock.folder / "keeping.py").write_text(
        "from prefect.blocks.system import Secret\n\n"
        "Secret(value='kept').save('of-this-client', overwrite=True)\n"
        "print(Secret.load('of-this-client').get())\n"
    )
    done = await stock.run(python, "keeping.py", seconds=300)
    assert done.out.splitlines()[-1] == "kept"
