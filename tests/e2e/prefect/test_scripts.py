"""Scripts of Prefect's users, unchanged: what they do is recorded as it would be by their own server."""

from __future__ import annotations

import pathlib
from collections import Counter

import httpx

from headrace.api.v1 import state_pb2
from headrace_harness.machine import only
from headrace_harness.observer import Observer, counted
from headrace_harness.prefect_client import PrefectMachine
from headrace_harness.waiting import eventually

FLOWS = pathlib.Path(__file__).parent / "flows"


async def test_what_a_script_of_prefect_does_is_recorded(stock: PrefectMachine, observer: Observer) -> None:
    stock.take(FLOWS / "orders.py")
    done = await stock.prefect_python("orders.py", "1", "2", "3")
    assert done.out.splitlines()[-1] == "third time lucky, confirmed 600"
    assert "Unable to connect" not in done.err
    run = only(await observer.runs_of("stock-orders"))
    assert (run.state.name, run.flow_version, run.run_count) == ("Completed", "1.2", 1)
    assert dict(run.parameters) == {"counts": [1, 2, 3], "customer": "Ada"}
    assert await observer.flow_states(run.flow_run_id) == ["Pending", "Running", "Completed"]
    task_runs = await observer.task_runs(run.flow_run_id)
    assert Counter((task_run.name.rsplit("-", 1)[0], task_run.state.name) for task_run in task_runs) == {
        ("price", "Completed"): 6,
        ("shaky", "Completed"): 1,
        ("hopeless", "Failed"): 1,
        ("confirm", "Completed"): 1,
    }
    shaky = only([task_run for task_run in task_runs if task_run.name.startswith("shaky")])
    assert (shaky.run_count, list(shaky.tags), shaky.retry_policy.retries) == (3, ["shaky"], 2)
    states = await observer.task_states(shaky.task_run_id)
    assert states == ["Pending", "Running", "Retrying", "Retrying", "Completed"]
    hopeless = only([task_run for task_run in task_runs if task_run.name.startswith("hopeless")])
    assert "no stock" in hopeless.state.message
    lines = [(record.level, record.message) for record in await observer.logs(run.flow_run_id)]
    assert (20, "orders of Ada") in lines
    assert (30, "the total is 60") in lines


async def test_a_subflow_of_prefect_stands_below_its_parent(stock: PrefectMachine, observer: Observer) -> None:
    stock.take(FLOWS / "orders.py")
    await stock.prefect_python("orders.py")
    parent = only(await observer.runs_of("stock-orders"))
    child = only(await observer.flow_runs(parent_flow_run_ids=[parent.flow_run_id]))
    assert (child.flow_name, child.state.name, child.root_flow_run_id) == ("confirm", "Completed", parent.flow_run_id)
    stand_in = only([run for run in await observer.task_runs(parent.flow_run_id) if run.child_flow_run_id])
    assert stand_in.task_run_id == child.parent_task_run_id
    assert stand_in.child_flow_run_id == child.flow_run_id
    assert counted(await observer.task_runs(child.flow_run_id)) == {("price", "Completed"): 1}


async def test_flows_of_prefect_end_as_they_do(stock: PrefectMachine, observer: Observer) -> None:
    stock.take(FLOWS / "ends.py")
    done = await stock.prefect_python("ends.py")
    assert done.out.splitlines()[-2:] == ["second", "Delivered"]
    failed = only(await observer.runs_of("stock-failing"))
    assert failed.state.type == state_pb2.STATE_TYPE_FAILED
    assert "this flow fails" in failed.state.message
    retried = only(await observer.runs_of("stock-retried"))
    assert (retried.state.name, retried.run_count, retried.retry_policy.retries) == ("Completed", 2, 1)
    assert "AwaitingRetry" in await observer.flow_states(retried.flow_run_id)
    named = only(await observer.runs_of("stock-named"))
    assert (named.state.type, named.state.name) == (state_pb2.STATE_TYPE_COMPLETED, "Delivered")
    assert named.state.message == "at the door"


async def test_a_flow_of_prefect_waits_for_input_of_headrace(stock: PrefectMachine, observer: Observer) -> None:
    stock.take(FLOWS / "pausing.py")
    program = stock.start_prefect_python("pausing.py")

    async def is_paused() -> bool:
        return [run.state.name for run in await observer.runs_of("stock-approval")] == ["Paused"]

    await eventually(is_paused, 120)
    run = only(await observer.runs_of("stock-approval"))
    # The form comes a moment after the state.
    refused = await stock.headrace(
        "flow-run", "resume", run.flow_run_id, "--input", '{"approved": "perhaps"}', expect=None
    )
    assert refused.exit_code != 0
    await stock.headrace("flow-run", "resume", run.flow_run_id, "--input", '{"approved": true, "by": "Grace"}')
    assert await program.ended(180) == 0
    assert program.output().splitlines()[-1] == "True by Grace"
    assert await observer.flow_states(run.flow_run_id) == ["Pending", "Running", "Paused", "Running", "Completed"]


async def test_both_command_lines_see_runs_of_either(stock: PrefectMachine, observer: Observer) -> None:
    stock.take(FLOWS / "ends.py")
    await stock.prefect_python("ends.py")
    run = only(await observer.runs_of("stock-named"))
    shown = (await stock.headrace("flow-run", "inspect", run.flow_run_id, "-o", "json")).json()
    assert shown["name"] == run.name
    inspected = await stock.prefect("flow-run", "inspect", run.flow_run_id, "-o", "json")
    assert inspected.json()["state"]["name"] == "Delivered"
    (stock.folder / "native.py").write_text(
        "from headrace import flow\n\n\n@flow(name='of-headrace')\ndef own() -> int:\n    return 1\n\n\nown()\n"
    )
    await stock.python("native.py")
    native = only(await observer.runs_of("of-headrace"))
    assert native.name in (await stock.prefect("flow-run", "ls", "--limit", "5", COLUMNS="200")).out
    await stock.prefect("flow-run", "delete", native.flow_run_id, "--no-prompt")
    async with httpx.AsyncClient(base_url=stock.environment["PREFECT_API_URL"]) as http:
        assert (await http.get(f"/flow_runs/{native.flow_run_id}")).status_code == 404
