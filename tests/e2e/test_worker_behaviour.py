"""What workers do beside running flows: they tell how they are, pause, and are replaced under load."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import subprocess
import uuid

import httpx
import psutil
import pytest

from headrace.api.v1 import state_pb2
from headrace_harness import ledger
from headrace_harness.machine import HEADRACE, Machine, Program, only
from headrace_harness.observer import Observer
from headrace_harness.servers import eventually, until

FLOWS = """\
import pathlib
import sys
import time

from headrace import flow
from headrace_harness.ledger import note


@flow
def brief(number: int, wait_for: str = "") -> int:
    note("brief", number=number)
    while wait_for and not pathlib.Path(wait_for).exists():
        time.sleep(0.02)
    return number


if __name__ == "__main__":
    brief.deploy("test", sys.argv[1])
"""


@pytest.fixture
async def pool(machine: Machine) -> str:
    """A pool with the deployment."""
    name = f"pool-{uuid.uuid4().hex[:8]}"
    (machine.folder / "brief.py").write_text(FLOWS)
    await machine.headrace("work-pool", "create", name)
    await machine.python("brief.py", name)
    return name


async def test_a_worker_tells_how_it_is_pauses_and_drains_on_request(
    machine: Machine, observer: Observer, pool: str
) -> None:
    worker = await machine.start_worker(
        pool, "--with-healthcheck", "--health-host", "127.0.0.1", "--health-port", "0", "--name", "teller"
    )
    address = await health_address(worker)
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:

        async def ready() -> int:
            return (await client.get("/ready")).status_code

        assert (await client.get("/health")).json() == {
            "name": "teller", "work_pool": pool, "connected": True, "draining": False, "paused": False,
            "capacity": 10, "runs": 0,
        }  # fmt: skip
        assert await ready() == 200
        assert (await client.get("/nothing")).status_code == 404
        assert (await client.post("/health")).status_code == 405
        worker.signal(signal.SIGUSR1)

        async def is_paused() -> bool:
            is_told = (await client.get("/health")).json()["paused"] is True
            return is_told and await ready() == 503

        await eventually(is_paused)
        (machine.folder / "parameters.json").write_text('{"number": 1, "wait_for": "nothing"}')
        run_id = await machine.start_run("brief/test", "--params-file", "parameters.json", "-p", "wait_for=")
        run = await observer.flow_run(run_id)
        # On a slow machine it has become Late meanwhile.
        assert (run.state.type, dict(run.parameters)) == (
            state_pb2.STATE_TYPE_SCHEDULED,
            {"number": 1, "wait_for": ""},
        )
        worker.signal(signal.SIGUSR2)
        assert (await observer.ended(run_id)).state.name == "Completed"
        assert await ready() == 200
        await machine.headrace("worker", "pause", "teller", "--reason", "the disk is full")
        await eventually(is_paused)

        async def is_told() -> bool:
            told = only((await machine.headrace("worker", "ls", "--pool", pool, "-o", "json")).json())
            return (told["status"], told["pause_reason"]) == ("WORKER_STATUS_PAUSED", "the disk is full")

        await eventually(is_told)
        await machine.headrace("worker", "resume", "teller")

        async def is_ready() -> bool:
            return await ready() == 200

        await eventually(is_ready)
        found = await machine.headrace("worker", "ls", "--pool", pool, "-o", "json")
        await machine.headrace("worker", "drain", only(found.json())["name"])
        assert await worker.ended() == 0


async def health_address(worker: Program) -> str:
    found: list[str] = []

    def is_told() -> bool:
        found[:] = re.findall(r"(http://127\.0\.0\.1:\d+)/health", worker.output())
        return bool(found)

    await until(is_told, worker.output)
    return found[0]


async def test_a_worker_that_is_replaced_under_load_loses_no_run(
    machine: Machine, observer: Observer, pool: str
) -> None:
    old = await machine.start_worker(pool, "--limit", "2", "--name", "old")
    numbers = range(12)
    (machine.folder / "many.py").write_text(
        "from headrace import run_deployment\n"
        f"for number in {list(numbers)}:\n"
        "    run_deployment('brief/test', parameters={'number': number, 'wait_for': 'go'}, timeout_seconds=0)\n"
    )
    await machine.python("many.py")
    await until(lambda: len(ledger.read(machine.folder, "brief")) == 2)
    new = await machine.start_worker(pool, "--limit", "2", "--name", "new")
    await until(lambda: len(ledger.read(machine.folder, "brief")) == 4)
    old.signal(signal.SIGTERM)
    await old.until_said("Finishing 2 run")
    (machine.folder / "go").touch()
    assert await old.ended() == 0
    runs = await observer.runs_of("brief")
    assert len(runs) == len(numbers)
    for run in runs:
        ended = await observer.ended(run.flow_run_id)
        assert (ended.state.name, ended.attempt) == ("Completed", 1), ended.state.message
    assert sorted(line["number"] for line in ledger.read(machine.folder, "brief")) == list(numbers)
    by = [(await observer.flow_run(run.flow_run_id)).worker_name for run in runs]
    assert (by.count("old"), by.count("new")) == (2, 10)
    assert await new.stop() == 0


async def test_each_run_has_an_interpreter_of_its_own_that_was_started_ahead(
    machine: Machine, observer: Observer, pool: str
) -> None:
    worker = await machine.start_worker(pool, "--fresh-interpreter")
    pids: list[int] = []
    for number in range(3):
        await until(lambda: len(worker.descendants()) == 1)
        pids.append(worker.descendants()[0].pid)
        (machine.folder / "go").unlink(missing_ok=True)
        run_id = await machine.start_run("brief/test", "-p", f"number={number}", "-p", "wait_for=go")
        await until(lambda: len(ledger.read(machine.folder, "brief")) == len(pids))
        assert ledger.read(machine.folder, "brief")[-1]["pid"] == pids[-1]
        (machine.folder / "go").touch()
        assert (await observer.ended(run_id)).state.name == "Completed"
        await until(lambda: pids[-1] not in {child.pid for child in worker.descendants()})
    assert len(set(pids)) == 3
    # What an interpreter reads when it starts cannot be given to one that runs.
    await until(lambda: len(worker.descendants()) == 1)
    waiting = worker.descendants()[0]
    run_id = await machine.start_run("brief/test", "-p", "number=9", "--job-variable", 'env={"PYTHONHASHSEED": "1"}')
    assert (await observer.ended(run_id)).state.name == "Completed"
    assert ledger.read(machine.folder, "brief")[-1]["pid"] not in {*pids, waiting.pid}
    assert waiting.is_running()
    assert await worker.stop() == 0
    assert psutil.wait_procs([waiting], timeout=60)[1] == []


async def test_a_terminal_shows_what_runs(machine: Machine, observer: Observer, pool: str) -> None:
    worker, ours = started_on_terminal(machine, pool)
    shown = Screen(ours)
    reading = asyncio.create_task(asyncio.to_thread(shown.read))
    try:
        await until(lambda: "● connected" in shown.text, lambda: shown.text)
        run_id = await machine.start_run("brief/test", "-p", "number=1", "-p", "wait_for=go")
        name = (await observer.flow_run(run_id)).name
        await until(lambda: name in shown.text and "1/10 running" in shown.text, lambda: shown.text)
        assert "brief/test" in shown.text
        (machine.folder / "go").touch()
        await observer.ended(run_id)
        await until(lambda: "0/10 running, 1 ended" in shown.text, lambda: shown.text)
    finally:
        worker.terminate()
        assert await asyncio.to_thread(worker.wait, 60) == 0
        await reading
        os.close(ours)


def started_on_terminal(machine: Machine, pool: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start a worker on a terminal; return it and the terminal's other side."""
    ours, theirs = pty.openpty()
    worker = subprocess.Popen(
        [HEADRACE, "worker", "start", "--pool", pool],
        cwd=machine.folder, env={**machine.environment, "TERM": "xterm", "COLUMNS": "100"},
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    return worker, ours


class Screen:
    """What was ever written to a terminal."""

    def __init__(self, descriptor: int) -> None:
        self.text = ""
        self._descriptor = descriptor

    def read(self) -> None:
        """Read until nobody writes any more."""
        while True:
            try:
                data = os.read(self._descriptor, 65536)
            except OSError:
                # Linux says so when the other side is closed.
                return
            if not data:
                return
            self.text += data.decode(errors="replace")
