"""Scripts that call flows: what is recorded is what happened."""

from __future__ import annotations

import pathlib
import signal
from collections import Counter

import psutil
import pytest

from headrace.api.v1 import state_pb2, task_run_pb2
from headrace_harness import ledger
from headrace_harness.machine import Machine, only
from headrace_harness.observer import Observer, counted
from headrace_harness.servers import until

FLOWS = pathlib.Path(__file__).parent / "flows"


async def run_of(observer: Observer, name: str) -> str:
    """Return the id of the only run of a flow."""
    return str(only(await observer.runs_of(name)).flow_run_id)


async def test_what_a_script_does_is_recorded(machine: Machine, observer: Observer) -> None:
    machine.take(FLOWS / "orders.py")
    done = await machine.python("orders.py")
    # 5 + 10 + 5 + 10 + 4 + 8 = 42 things at 10 each, and the number of the try that succeeded.
    assert done.out.splitlines() == ["orders: 423", "confirmations: 6"]
    happened = Counter(line["event"] for line in ledger.read(machine.folder))
    assert happened == {"fetch": 3, "price": 6, "flaky": 3, "total": 1, "add": 1, "confirm": 4}
    run = only(await observer.runs_of("orders"))
    assert (run.state.name, run.flow_version, run.run_count) == ("Completed", "1.2", 1)
    assert dict(run.parameters) == {"regions": ["north", "south", "east"], "discount": 0.5}
    task_runs = await observer.task_runs(run.flow_run_id)
    assert counted(task_runs) == {
        ("fetch", "Completed"): 3,
        ("price", "Completed"): 6,
        ("flaky", "Completed"): 1,
        ("order-total", "Completed"): 1,
    }
    flaky = only([task_run for task_run in task_runs if task_run.name.startswith("flaky")])
    assert flaky.run_count == 3
    assert await observer.task_states(flaky.task_run_id) == [
        "Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying", "Completed",
    ]  # fmt: skip
    assert flaky.retry_policy.retries == 3
    lines = [record.message for record in await observer.logs(run.flow_run_id)]
    assert "the total is 420" in lines
    assert "the discount is 0.5" in lines
    assert any("try 2 fails" in line for line in lines)


async def test_a_subflow_stands_below_the_task_run_that_it_is(machine: Machine, observer: Observer) -> None:
    machine.take(FLOWS / "orders.py")
    await machine.python("orders.py")
    parent = only(await observer.runs_of("orders"))
    child = only(await observer.flow_runs(parent_flow_run_ids=[parent.flow_run_id]))
    stand_in = only([run for run in await observer.task_runs(parent.flow_run_id) if run.child_flow_run_id])
    assert child.state.name == "Completed"
    assert child.root_flow_run_id == parent.flow_run_id
    assert (child.parent_task_run_id, stand_in.child_flow_run_id) == (stand_in.task_run_id, child.flow_run_id)
    assert counted(await observer.task_runs(child.flow_run_id)) == {("add", "Completed"): 1}


async def test_a_script_that_fails_says_why_and_so_does_its_run(machine: Machine, observer: Observer) -> None:
    machine.take(FLOWS / "failing.py")
    done = await machine.python("failing.py", expect=1)
    assert done.err.rstrip().endswith("RuntimeError: prepared and broken")
    run = only(await observer.runs_of("failing"))
    assert run.state.type == state_pb2.STATE_TYPE_FAILED
    assert "prepared and broken" in run.state.message
    assert run.state.details.error_type == "RuntimeError"
    assert 'raise RuntimeError(f"{what} and broken")' in run.state.details.traceback
    assert counted(await observer.task_runs(run.flow_run_id)) == {
        ("prepare", "Completed"): 1,
        ("break_down", "Failed"): 1,
    }


async def test_a_thousand_submitted_tasks_are_a_thousand_completed_task_runs(
    machine: Machine, observer: Observer
) -> None:
    machine.take(FLOWS / "many.py")
    done = await machine.python("many.py", "1000")
    assert done.out.split() == [str(sum(range(1000)))]
    task_runs = await observer.task_runs(await run_of(observer, "many"))
    assert len({task_run.task_run_id for task_run in task_runs}) == 1000
    assert {task_run.dynamic_key for task_run in task_runs} == {str(number) for number in range(1000)}
    assert counted(task_runs) == {("nothing", "Completed"): 1000}


@pytest.mark.parametrize(
    ("number", "task_state"),
    [(signal.SIGINT, state_pb2.STATE_TYPE_CRASHED), (signal.SIGTERM, state_pb2.STATE_TYPE_CANCELLED)],
)
async def test_a_script_that_is_interrupted_records_that_it_crashed(
    machine: Machine, observer: Observer, number: signal.Signals, task_state: int
) -> None:
    machine.take(FLOWS / "waiting.py")
    script = machine.start_python("waiting.py")
    await until(lambda: ledger.read(machine.folder, "waiting"), script.output)
    run_id = await run_of(observer, "waiting")
    script.signal(number)
    assert await script.ended() != 0
    run = await observer.flow_run(run_id)
    assert run.state.type == state_pb2.STATE_TYPE_CRASHED, run.state
    task_run = only(await observer.task_runs(run.flow_run_id))
    assert task_run.state.type == task_state, task_run.state


async def test_texts_that_cannot_be_stored_are_written_out(machine: Machine, observer: Observer) -> None:
    done = await machine.run_code(
        "from headrace import flow, task\n"
        "bad = 'nul \\x00, undecodable ' + b'\\xff'.decode(errors='surrogateescape')\n"
        "@task(tags=[bad], task_run_name=bad)\ndef say(text):\n    raise ValueError(text)\n"
        "@flow(name='strange', log_prints=True)\ndef strange(text):\n    print(text)\n    say(text)\n"
        "strange(bad)\n",
        expect=1,
    )
    assert "ValueError" in done.err.splitlines()[-1]
    run = only(await observer.runs_of("strange"))
    written_out = "nul \\x00, undecodable \\udcff"
    assert run.state.message == f"ValueError: {written_out}"
    assert dict(run.parameters) == {"text": written_out}
    task_run = only(await observer.task_runs(run.flow_run_id))
    assert (task_run.name, list(task_run.tags), task_run.state.name) == (written_out, [written_out], "Failed")
    assert any("undecodable" in record.message for record in await observer.logs(run.flow_run_id))


async def test_edges_of_the_graph_are_recorded(machine: Machine, observer: Observer) -> None:
    script = machine.folder / "graph.py"
    script.write_text(
        "from headrace import flow, task\n"
        "@task\ndef one(): return [1]\n"
        "@task\ndef two(values): return values\n"
        "@flow(name='graph')\ndef graph():\n    first = one.submit()\n    two.submit(first).result()\n"
        "    two(one())\n"
        "graph()\n"
    )
    await machine.python("graph.py")
    by_name = {run.name: run for run in await observer.task_runs(await run_of(observer, "graph"))}

    def sources(name: str) -> list[tuple[str, int, str]]:
        return [(item.parameter, item.kind, item.source) for item in by_name[name].inputs]

    kind = task_run_pb2.TASK_INPUT_KIND_TASK_RUN
    assert sources("two-0") == [("values", kind, by_name["one-0"].task_run_id)]
    assert sources("two-1") == [("values", kind, by_name["one-1"].task_run_id)]


async def test_without_a_server_a_script_has_one_of_its_own_that_ends_with_it(
    tmp_path: pathlib.Path,
) -> None:
    machine = Machine(tmp_path)
    machine.take(FLOWS / "waiting.py")
    script = machine.start_python("waiting.py")
    try:
        await until(
            lambda: ledger.read(machine.folder, "waiting"), script.output, lambda: script.process.poll() is not None
        )
        assert "starting a temporary one" in script.output()
        servers = [process for process in script.descendants() if "headrace_server.serve" in process.cmdline()]
        everybody = script.descendants()
        assert len(servers) == 1
        (tmp_path / "go").touch()
        assert await script.ended() == 0
        assert "completed in" in script.output()
        assert psutil.wait_procs(everybody, timeout=60)[1] == []
    finally:
        await machine.close()


async def test_the_server_of_a_killed_script_ends_with_it(tmp_path: pathlib.Path) -> None:
    machine = Machine(tmp_path)
    machine.take(FLOWS / "waiting.py")
    script = machine.start_python("waiting.py")
    try:
        await until(
            lambda: ledger.read(machine.folder, "waiting"), script.output, lambda: script.process.poll() is not None
        )
        everybody = script.descendants()
        assert everybody
        script.signal(signal.SIGKILL)
        await script.ended()
        assert psutil.wait_procs(everybody, timeout=60)[1] == []
    finally:
        await machine.close()
