"""Runs in containers: a worker of the type docker against an engine that speaks the documented API."""

from __future__ import annotations

import pathlib
import signal
import uuid
from collections.abc import AsyncIterator

import pytest

from headrace.api.v1 import log_pb2, state_pb2
from headrace_harness import ledger
from headrace_harness.docker_engine import Container, DockerEngine
from headrace_harness.machine import Machine, Program
from headrace_harness.observer import Observer
from headrace_harness.servers import eventually, until

IMAGE = "registry.test:5000/flows:1"
FLOWS = """\
import sys
import time

from headrace import flow
from headrace_harness.ledger import note


@flow(log_prints=True, retries=0)
def contained(name: str, wait: bool = False) -> str:
    note("contained", name=name)
    print(f"printed by {name}")
    sys.__stderr__.write("complained\\n")
    while wait:
        time.sleep(0.05)
    return name


@flow
def quitter() -> None:
    import os

    note("quitter")
    os._exit(9)


if __name__ == "__main__":
    for served in (contained, quitter):
        served.deploy(
            "test",
            sys.argv[1],
            job_variables={"image": sys.argv[2], "env": {"PYTHONPATH": sys.argv[3]}, "mem_limit": "1g"},
        )
"""


@pytest.fixture
async def engine(tmp_path: pathlib.Path, machine: Machine) -> AsyncIterator[DockerEngine]:
    """The engine that the machine's docker client finds."""
    made = DockerEngine(tmp_path, {IMAGE})
    async with made.serving() as address:
        machine.environment["DOCKER_HOST"] = address
        yield made
        # Workers end before their engine does.
        await machine.close()


@pytest.fixture
async def pool(machine: Machine, engine: DockerEngine) -> str:
    """A pool with the deployments."""
    name = f"docker-{uuid.uuid4().hex[:8]}"
    (machine.folder / "contained.py").write_text(FLOWS)
    await machine.headrace("work-pool", "create", name, "--type", "docker")
    await machine.python("contained.py", name, IMAGE, machine.environment["PYTHONPATH"])
    return name


async def started(machine: Machine, pool: str, name: str = "dock") -> Program:
    return await machine.start_worker(pool, "--type", "docker", "--name", name)


async def container_of(engine: DockerEngine, run_id: str) -> Container:
    def found() -> list[Container]:
        return [one for one in engine.created if one.environment["HEADRACE_FLOW_RUN_ID"] == run_id]

    await until(found)
    return found()[-1]


async def test_a_run_is_executed_in_a_container_that_is_removed(
    machine: Machine, observer: Observer, engine: DockerEngine, pool: str
) -> None:
    await started(machine, pool)
    run_id = await machine.start_run("contained/test", "-p", "name=box")
    run = await observer.ended(run_id)
    assert run.state.name == "Completed", run.state.message
    assert await observer.flow_states(run_id) == ["Scheduled", "Pending", "Running", "Completed"]
    container = await container_of(engine, run_id)
    assert run.infrastructure_id == f"docker:{container.name}"
    assert container.body["Labels"]["io.headrace.work-pool"] == pool
    assert container.environment["HEADRACE_ATTEMPT_TOKEN"] == container.body["Labels"]["io.headrace.attempt-token"]
    assert container.environment["HEADRACE_API_URL"].startswith("http://host.docker.internal:")
    host = container.body["HostConfig"]
    assert (host["Memory"], host["Init"], host["ExtraHosts"]) == (2**30, True, ["host.docker.internal:host-gateway"])

    async def is_logged() -> bool:
        return {
            (log_pb2.LOG_SOURCE_PRINT, "printed by box"),
            (log_pb2.LOG_SOURCE_STDERR, "complained"),
        } <= {(record.source, record.message) for record in await observer.logs(run_id)}

    await eventually(is_logged)
    await until(lambda: not engine.containers)


async def test_what_a_container_died_of_is_told(
    machine: Machine, observer: Observer, engine: DockerEngine, pool: str
) -> None:
    await started(machine, pool)
    quits = await machine.start_run("quitter/test")
    run = await observer.until(quits, lambda run: run.state.type == state_pb2.STATE_TYPE_CRASHED or run.attempt > 1)
    crashed = await crash_of(observer, quits)
    assert crashed == "The container ended with exit code 9."
    run_id = await machine.start_run("contained/test", "-p", "name=big", "-p", "wait=true")
    container = await container_of(engine, run_id)
    await until(lambda: ledger.read(machine.folder, "contained"))
    container.out_of_memory = True
    assert container.process is not None
    container.process.kill()
    await observer.until(run_id, lambda run: run.attempt > 1)
    assert "OOMKilled" in await crash_of(observer, run_id)
    await machine.headrace("flow-run", "cancel", run_id)
    run = await observer.ended(run_id)
    assert run.state.type == state_pb2.STATE_TYPE_CANCELLED


async def crash_of(observer: Observer, run_id: str) -> str:
    """Return what the first crash of a run said."""
    messages: list[str] = []

    async def is_there() -> bool:
        messages[:] = [
            record.message
            for record in await observer.logs(run_id)
            if record.source in (log_pb2.LOG_SOURCE_WORKER, log_pb2.LOG_SOURCE_INFRASTRUCTURE)
        ]
        return bool(messages)

    await eventually(is_there)
    return messages[0]


async def test_an_image_that_cannot_be_had_is_told_and_one_that_can_is_pulled(
    machine: Machine, observer: Observer, engine: DockerEngine, pool: str
) -> None:
    await started(machine, pool)
    missing = await machine.start_run("contained/test", "-p", "name=x", "--job-variable", "image=nowhere:2")
    assert "The image nowhere:2 could not be pulled: manifest for nowhere:2 not found" in await crash_of(
        observer, missing
    )
    never = await machine.start_run(
        "contained/test", "-p", "name=x",
        "--job-variable", "image=other:1", "--job-variable", "image_pull_policy=Never",
    )  # fmt: skip
    assert "the image pull policy is Never" in await crash_of(observer, never)
    engine.registry.add("fetched:3")
    run_id = await machine.start_run("contained/test", "-p", "name=x", "--job-variable", "image=fetched:3")
    assert (await observer.ended(run_id)).state.name == "Completed"
    assert engine.pulled == ["fetched:3"]


async def test_a_cancelled_run_is_stopped_with_its_container(
    machine: Machine, observer: Observer, engine: DockerEngine, pool: str
) -> None:
    await started(machine, pool)
    run_id = await machine.start_run("contained/test", "-p", "name=slow", "-p", "wait=true")
    await until(lambda: ledger.read(machine.folder, "contained"))
    await machine.headrace("flow-run", "cancel", run_id)
    run = await observer.ended(run_id)
    assert run.state.type == state_pb2.STATE_TYPE_CANCELLED
    # The run hears of it by itself, too, and may be over before it is asked by the worker; nobody kills it.
    assert {number for _name, number in engine.signals} <= {signal.SIGTERM}
    await until(lambda: not engine.containers)


async def test_a_new_worker_goes_on_with_the_containers_of_one_that_is_gone(
    machine: Machine, observer: Observer, engine: DockerEngine, pool: str
) -> None:
    worker = await started(machine, pool)
    run_id = await machine.start_run("contained/test", "-p", "name=slow", "-p", "wait=true")
    await until(lambda: ledger.read(machine.folder, "contained"))
    await observer.until(run_id, lambda run: run.state.type == state_pb2.STATE_TYPE_RUNNING)
    worker.signal(signal.SIGKILL)
    await worker.ended()
    other = await started(machine, pool)
    await other.until_said("1 running")
    await machine.headrace("flow-run", "cancel", run_id)
    run = await observer.ended(run_id)
    assert (run.state.type, run.attempt) == (state_pb2.STATE_TYPE_CANCELLED, 1)
    assert len(engine.created) == 1
    await until(lambda: not engine.containers)
