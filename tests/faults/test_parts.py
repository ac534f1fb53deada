"""Each part of a distributed server is killed in mid-run and started again: runs go on, events are told."""

from __future__ import annotations

import pathlib
import signal
from collections.abc import Iterator

import asyncpg
import pytest

from headrace_harness import automations, ledger
from headrace_harness.cluster import Cluster
from headrace_harness.edge import ENVOY, running_edge
from headrace_harness.invariants import assert_invariants
from headrace_harness.machine import Machine, only
from headrace_harness.observer import Observer, counted
from headrace_harness.receiver import Receiver, Reply, a_receiver
from headrace_harness.servers import DistributedServer, distributed_server, eventually, free_port, until
from headrace_harness.stack import LOOPBACK
from headrace_server.parts import ALL_PARTS

FLOWS = pathlib.Path(__file__).parent / "flows"


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A Postgres of this test's own."""
    with Cluster.own() as made:
        yield made


async def kill_and_start(server: DistributedServer, name: str) -> None:
    """Kill a part and start it again."""
    part = server.parts[name]
    part.signal(signal.SIGKILL)
    await part.ended()
    part.start()
    await part.until_said(" on port ")


if ENVOY is not None:

    async def test_every_part_can_be_killed_in_mid_run(cluster: Cluster, tmp_path: pathlib.Path) -> None:
        folder = tmp_path / "machine"
        folder.mkdir()
        port = free_port()
        async with (
            distributed_server(
                tmp_path / "server", cluster.url, HEADRACE_SERVER_ADVERTISED_GRPC_ADDRESS=f"{LOOPBACK}:{port}"
            ) as server,
            running_edge(tmp_path, port, server.targets),
            a_receiver(Reply(status=503)) as receiver,
        ):
            machine = Machine(folder, f"http://{LOOPBACK}:{port}")
            try:
                await kill_every_part(server, machine, receiver)
            finally:
                await machine.close()
        connection = await asyncpg.connect(cluster.url)
        try:
            await assert_invariants(connection, at_rest=True)
        finally:
            await connection.close()


async def kill_every_part(server: DistributedServer, machine: Machine, receiver: Receiver) -> None:
    """Kill each part while a run is in its middle; others are started meanwhile."""
    observer = Observer(server.stack)
    await automations.create(
        server.stack.channels["notification"],
        automations.an_automation(
            automations.a_webhook(receiver.url), expect=["headrace.flow-run.Completed"], name="tell of ends"
        ),
    )
    machine.take(FLOWS / "steps.py")
    await machine.headrace("work-pool", "create", "mill")
    await machine.python("steps.py", "deploy", "mill")
    await machine.start_worker("mill")
    long_run = await machine.start_run("steps/test", "-p", "count=10", "-p", "wait_for=go")
    await until(lambda: ledger.read(machine.folder, "half"))
    short_runs = []
    for name in ALL_PARTS:
        await kill_and_start(server, name)
        # Asked for at once, while the other parts still find their way back to it.
        short_runs.append(await machine.start_run("steps/test", "-p", "count=1"))
    for run_id in short_runs:
        run = await observer.ended(run_id)
        assert (run.state.name, run.attempt) == ("Completed", 1)
    (machine.folder / "go").touch()
    run = await observer.ended(long_run)
    assert (run.state.name, run.attempt) == ("Completed", 1)
    assert counted(await observer.task_runs(long_run)) == {("step", "Completed"): 10}

    async def is_logged() -> bool:
        lines = [record.message for record in await observer.logs(long_run)]
        return len([line for line in lines if line.startswith("step ")]) == 10

    await eventually(is_logged)
    # Each end is told at least once, and nothing is told that did not happen.
    ends = {long_run, *short_runs}

    async def is_told() -> bool:
        bodies = b"".join(request.body for request in receiver.received).decode()
        return all(run_id in bodies for run_id in ends)

    await eventually(is_told)
    for request in receiver.received:
        assert only([run_id for run_id in ends if run_id in request.body.decode()])
