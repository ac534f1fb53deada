"""Answers are lost and connections cut again and again: everything is recorded, once."""

from __future__ import annotations

from collections import Counter

from headrace_harness import ledger
from headrace_harness.machine import Machine, only
from headrace_harness.observer import Observer, counted
from headrace_harness.proxy import a_bad_network
from headrace_harness.servers import EmbeddedServer, eventually


async def test_what_a_script_records_over_a_bad_network_is_there_once(
    server: EmbeddedServer, machine: Machine, observer: Observer
) -> None:
    async with a_bad_network(server.status()["grpc_address"]) as network:
        script = machine.start_python("steps.py", "many", "3000", "0.1", HEADRACE_API_GRPC_ADDRESS=network.address)
        assert await script.ended() == 0, script.output()
        assert network.cuts >= 10
        assert network.lost_bytes > 0
    run = only(await observer.runs_of("many-steps"))
    assert (run.state.name, run.attempt) == ("Completed", 1)
    task_runs = await observer.task_runs(run.flow_run_id)
    assert counted(task_runs) == {("step", "Completed"): 3000}
    assert {task_run.run_count for task_run in task_runs} == {1}
    assert {task_run.dynamic_key for task_run in task_runs} == {str(number) for number in range(3000)}


async def test_lines_that_are_logged_over_a_bad_network_are_there_once_and_in_order(
    server: EmbeddedServer, machine: Machine, observer: Observer
) -> None:
    async with a_bad_network(server.status()["grpc_address"], seed=2) as network:
        script = machine.start_python("steps.py", "steps", "300", "0.015", HEADRACE_API_GRPC_ADDRESS=network.address)
        assert await script.ended() == 0, script.output()
        assert network.cuts >= 10
        assert network.lost_bytes > 0
    run = only(await observer.runs_of("steps"))
    assert run.state.name == "Completed"
    lines = [record.message for record in await observer.logs(run.flow_run_id) if record.message.startswith("step ")]
    assert [int(line.split()[1]) for line in lines] == list(range(300))


async def test_a_worker_over_a_bad_network_executes_each_run_once(
    server: EmbeddedServer, machine: Machine, observer: Observer, pool: str
) -> None:
    async with a_bad_network(server.status()["grpc_address"], seed=3, shortest=0.2, longest=0.8) as network:
        worker = await machine.start_worker(pool, "--limit", "4", HEADRACE_API_GRPC_ADDRESS=network.address)
        run_ids = [
            await machine.start_run("steps/test", "-p", "count=3", "-p", "pause=0.1", "--flow-run-name", f"number-{n}")
            for n in range(8)
        ]
        runs = [await observer.ended(run_id, 90) for run_id in run_ids]
        assert network.cuts >= 10
        assert network.lost_bytes > 0
        assert {run.state.name for run in runs} == {"Completed"}
        for run_id in run_ids:
            assert counted(await observer.task_runs(run_id)) == {("step", "Completed"): 3}
            # Claims that got lost on their way were given back; none of them was executed.
            states = await observer.flow_states(run_id)
            assert states.count("Running") == 1, states
        happened = Counter(line["event"] for line in ledger.read(machine.folder))
        assert (happened["started"], happened["step"], happened["finished"]) == (8, 24, 8)

        async def is_logged() -> bool:
            for run_id in run_ids:
                lines = [record.message for record in await observer.logs(run_id)]
                if [line.split()[1] for line in lines if line.startswith("step ")] != ["0", "1", "2"]:
                    return False
            return True

        await eventually(is_logged)
        assert await worker.stop() == 0
