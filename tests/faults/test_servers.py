"""Server processes, Postgres and the whole server are killed or away in mid-run: runs end once they are back."""

from __future__ import annotations

import asyncio
import os
import pathlib
import signal
from collections import Counter

import asyncpg
import httpx

from headrace.api.v1 import flow_run_pb2
from headrace_harness import ledger
from headrace_harness.invariants import assert_invariants
from headrace_harness.machine import HEADRACE, Machine
from headrace_harness.observer import Observer, counted, is_final
from headrace_harness.servers import EmbeddedServer, embedded_server, eventually, start_embedded, until
from headrace_server.postgres.access import account
from headrace_server.postgres.cluster import Cluster

FLOWS = pathlib.Path(__file__).parent / "flows"

AWAY_SECONDS = float(os.environ.get("HEADRACE_TEST_AWAY_SECONDS", "20"))
"""How long a server is away; longer than a lease of 10 s."""


async def is_ready(server: EmbeddedServer) -> bool:
    """Return whether the server says that it is ready."""
    try:
        return (await server.stack.http.get("/ready", timeout=5)).status_code == 200
    except httpx.TransportError:
        return False


async def begin(machine: Machine, observer: Observer, pool: str) -> tuple[str, str]:
    """Start a deployed run and a script, both in mid-run on return; returns the ids of their runs."""
    await machine.start_worker(pool)
    deployed = await machine.start_run("steps/test", "-p", "count=40", "-p", "pause=0.05", "-p", "wait_for=go")
    machine.start_python("steps.py", "many", "600", "0.3")
    await until(lambda: ledger.read(machine.folder, "half"))
    script = await observer.first_run_of("many-steps")
    assert ledger.read(machine.folder, "finished") == []
    return deployed, str(script.flow_run_id)


async def both_completed(machine: Machine, observer: Observer, deployed: str, script: str) -> None:
    """Check that both runs of `begin` completed at their first attempt, with all of their steps."""
    for run_id, steps in ((deployed, 40), (script, 600)):
        run = await observer.ended(run_id)
        assert (run.state.name, run.attempt) == ("Completed", 1), run.state
        assert counted(await observer.task_runs(run_id)) == {("step", "Completed"): steps}
    happened = Counter(line["event"] for line in ledger.read(machine.folder))
    assert (happened["step"], happened["finished"]) == (640, 2)
    # Lines of a run reach the log in the background, in their order.
    lines = [f"step {number} of" for number in range(40)]

    async def is_logged() -> bool:
        records = await observer.logs(deployed)
        found = [record.message for record in records if record.message.startswith("step ")]
        return [line.rpartition(" ")[0] for line in found] == lines

    await eventually(is_logged)


async def test_a_killed_server_process_loses_nothing(
    server: EmbeddedServer, machine: Machine, observer: Observer, pool: str
) -> None:
    deployed, script = await begin(machine, observer, pool)
    (serving,) = server.server_processes()
    serving.kill()
    (machine.folder / "go").touch()
    await both_completed(machine, observer, deployed, script)


async def test_a_killed_postgres_loses_nothing(
    server: EmbeddedServer, machine: Machine, observer: Observer, pool: str
) -> None:
    deployed, script = await begin(machine, observer, pool)
    server.postgres().kill()
    (machine.folder / "go").touch()
    await both_completed(machine, observer, deployed, script)
    assert "Postgres is back" in server.supervisor.output()


async def test_a_killed_supervisor_takes_all_with_it_and_loses_nothing(
    server: EmbeddedServer, machine: Machine, observer: Observer, pool: str
) -> None:
    deployed, script = await begin(machine, observer, pool)
    server.supervisor.signal(signal.SIGKILL)
    await server.supervisor.ended()
    (machine.folder / "go").touch()
    await start_embedded(server.supervisor)
    await both_completed(machine, observer, deployed, script)


async def test_a_server_that_is_away_for_long_misses_nothing(
    server: EmbeddedServer, machine: Machine, observer: Observer, pool: str
) -> None:
    deployed, script = await begin(machine, observer, pool)
    follower = machine.start(HEADRACE, "flow-run", "logs", deployed, "--follow")
    watcher = machine.start(HEADRACE, "flow-run", "watch", deployed)
    await follower.until_said("step 19 of")
    await watcher.until_said("Running")
    assert await server.supervisor.stop() == 0
    (machine.folder / "go").touch()
    # Longer than a lease: the flows go on meanwhile, and are not taken for dead when the server is back.
    await asyncio.sleep(AWAY_SECONDS)
    # User code of both is done; all that is left is to tell it.
    await until(lambda: len(ledger.read(machine.folder, "step")) == 640)
    await start_embedded(server.supervisor)
    await both_completed(machine, observer, deployed, script)
    assert await follower.ended() == 0
    assert await watcher.ended() == 0
    assert "step 39 of" in follower.output()
    assert "Completed" in watcher.output()


async def test_a_run_that_is_due_while_all_is_down_starts_when_it_is_back(
    server: EmbeddedServer, machine: Machine, observer: Observer, pool: str
) -> None:
    run_id = await machine.start_run("steps/test", "-p", "count=2", "--start-in", "1s")
    (serving,) = server.server_processes()
    serving.kill()
    worker = machine.start_worker_now(pool)
    await worker.until_said("takes up to")
    run = await observer.ended(run_id)
    assert (run.state.name, run.attempt) == ("Completed", 1)
    assert await observer.flow_states(run_id) == ["Scheduled", "Pending", "Running", "Completed"]


async def test_two_processes_are_killed_one_after_the_other(tmp_path: pathlib.Path) -> None:
    async with embedded_server(tmp_path / "server", "--processes", "2", "--database", "embedded") as server:
        folder = tmp_path / "machine"
        folder.mkdir()
        machine = Machine(folder, server.stack.http_url)
        machine.take(FLOWS / "steps.py")
        observer = Observer(server.stack)
        try:
            await machine.headrace("work-pool", "create", "mill")
            await machine.python("steps.py", "deploy", "mill")
            deployed, script = await begin(machine, observer, "mill")
            for process in server.server_processes():
                process.kill()
                process.wait(60)
                await until(lambda: len(server.server_processes()) == 2)
                await eventually(lambda: is_ready(server))
                short = await machine.start_run("steps/test", "-p", "count=1")
                assert (await observer.ended(short)).state.name == "Completed"
            (folder / "go").touch()
            run = await observer.ended(deployed)
            assert (run.state.name, run.attempt) == ("Completed", 1)
            assert counted(await observer.task_runs(script)) == {("step", "Completed"): 600}
            assert (await observer.ended(script)).attempt == 1
        finally:
            await machine.close()
        connection = await asyncpg.connect(Cluster(server.supervisor.home / "postgres", account()).url)
        try:
            await assert_invariants(connection, at_rest=True)
        finally:
            await connection.close()


async def test_a_schedule_fires_once_a_slot_although_its_server_is_killed(
    server: EmbeddedServer, machine: Machine, observer: Observer, pool: str
) -> None:
    await machine.start_worker(pool)
    (machine.folder / "plan.py").write_text(
        "import sys\n"
        "from steps import steps\n"
        "steps.deploy('scheduled', sys.argv[1], interval=1, parameters={'count': 1, 'pause': 0})\n"
    )
    await machine.python("plan.py", pool)
    killed: set[int] = set()
    for count in (2, 5):
        await have_finished(machine, server, count)
        (serving,) = server.server_processes()
        serving.kill()
        killed.add(serving.pid)
        await until(lambda: {one.pid for one in server.server_processes()} - killed)
    await have_finished(machine, server, 8)
    await eventually(lambda: is_ready(server))
    began = [run.expected_start_at.seconds for run in await observer.runs_of("steps") if run.started_at.seconds]

    async def of_the_slots() -> list[flow_run_pb2.FlowRun]:
        """Return the runs of all slots until the last that has begun; none of them goes with a pause."""
        return [run for run in await observer.runs_of("steps") if run.expected_start_at.seconds <= max(began)]

    async def have_ended() -> bool:
        return all(is_final(run) for run in await of_the_slots())

    await eventually(have_ended)
    runs = await of_the_slots()
    due = sorted(run.expected_start_at.seconds for run in runs)
    assert due == list(range(due[0], due[0] + len(due)))
    assert {(run.state.name, run.attempt) for run in runs} == {("Completed", 1)}
    await machine.headrace("deployment", "pause", "steps/scheduled")

    async def has_settled() -> bool:
        return all(is_final(run) for run in await observer.runs_of("steps"))

    # What was late and taken by the worker before the pause still ends; the rest goes with it.
    await eventually(has_settled)
    assert len(ledger.read(machine.folder, "finished")) == len(await observer.runs_of("steps"))
    await machine.headrace("deployment", "delete", "steps/scheduled", "-y")


async def have_finished(machine: Machine, server: EmbeddedServer, count: int) -> None:
    """Return once `count` runs have finished; else say what the server and the worker said."""

    def said() -> str:
        logs = [path.read_text(errors="replace")[-4000:] for path in sorted(machine.folder.glob("program-*.log"))]
        return "\n".join([*logs, server.supervisor.output()[-8000:]])

    await until(lambda: len(ledger.read(machine.folder, "finished")) >= count, said)
