"""A server is killed under a running flow of Prefect's client, or its database, or a gateway: nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import signal
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from headrace_harness.cluster import Cluster
from headrace_harness.edge import ENVOY
from headrace_harness.invariants import assert_invariants
from headrace_harness.machine import Program, only
from headrace_harness.observer import Observer, counted
from headrace_harness.prefect_client import RUN_SECONDS, PrefectMachine
from headrace_harness.replicas import replicated_server
from headrace_harness.servers import EmbeddedServer, embedded_server, eventually, until
from headrace_harness.stack import connected

FLOWS = pathlib.Path(__file__).parent / "flows"
COUNT = 40


def a_machine(folder: pathlib.Path, http_url: str) -> PrefectMachine:
    folder.mkdir()
    machine = PrefectMachine(folder, http_url)
    machine.take(FLOWS / "enduring.py")
    return machine


@contextlib.asynccontextmanager
async def in_its_middle(folder: pathlib.Path, http_url: str) -> AsyncIterator[tuple[PrefectMachine, Program]]:
    """Lend a machine whose flow has taken half of its steps, and waits."""
    machine = a_machine(folder, http_url)
    try:
        program = machine.start_prefect_python("enduring.py", str(COUNT))
        await until(
            (folder / "half").exists, program.output, lambda: program.process.poll() is not None, seconds=RUN_SECONDS
        )
        yield machine, program
    finally:
        await machine.close()


async def all_is_recorded(machine: PrefectMachine, program: Program, observer: Observer) -> None:
    """Let the flow go on, and check that each of its steps is known with all of its states."""
    (machine.folder / "go").touch()
    assert await program.ended(RUN_SECONDS) == 0, program.output()
    # It may warn of what it still had to send behind that.
    assert f"total {sum(range(COUNT))}" in program.output().splitlines()
    run = only(await observer.runs_of("stock-enduring"))
    assert (run.state.name, run.run_count) == ("Completed", 1)
    task_runs = await observer.task_runs(run.flow_run_id)
    assert counted(task_runs) == {("step", "Completed"): COUNT}
    for task_run in task_runs:
        assert await observer.task_states(task_run.task_run_id) == ["Pending", "Running", "Completed"]


async def is_answered(http: httpx.AsyncClient) -> bool:
    """Return whether Prefect's API answers with what is in the database."""
    try:
        return (await http.post("/api/flows/filter", json={"limit": 1})).status_code == 200
    except httpx.TransportError:
        return False


def kill_the_process(server: EmbeddedServer) -> None:
    (serving,) = server.server_processes()
    serving.kill()
    serving.wait(60)


def kill_postgres(server: EmbeddedServer) -> None:
    postgres = server.postgres()
    postgres.kill()
    postgres.wait(60)


@pytest.mark.parametrize("kill", [kill_the_process, kill_postgres])
async def test_a_flow_of_prefect_outlives_what_it_reports_to(kill: object, tmp_path: pathlib.Path) -> None:
    assert callable(kill)
    async with embedded_server(tmp_path / "server", "--database", "embedded") as server:
        observer = Observer(server.stack)
        async with in_its_middle(tmp_path / "machine", str(server.stack.http.base_url)) as (machine, program):
            await asyncio.to_thread(kill, server)
            await eventually(lambda: is_answered(server.stack.http))
            await all_is_recorded(machine, program, observer)


if ENVOY is not None:

    async def test_a_flow_of_prefect_outlives_each_of_two_gateways(tmp_path: pathlib.Path) -> None:
        with Cluster.own() as cluster:
            async with (
                replicated_server(tmp_path, cluster.url, {"gateway": 2}) as (replicas, url),
                connected(url, dict.fromkeys(replicas.targets, url.removeprefix("http://"))) as stack,
            ):
                observer = Observer(stack)
                async with in_its_middle(tmp_path / "machine", url) as (machine, program):
                    for number in range(2):
                        gateway = replicas.processes["gateway", number]
                        gateway.signal(signal.SIGKILL)
                        await gateway.ended()
                        await eventually(lambda: is_answered(stack.http))
                        gateway.start()
                        await gateway.until_said(" on port ")
                    await all_is_recorded(machine, program, observer)
            connection = await asyncpg.connect(cluster.url)
            try:
                await assert_invariants(connection, at_rest=True)
            finally:
                await connection.close()
