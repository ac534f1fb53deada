"""Runs in jobs of a cluster: a worker of the type kubernetes against a server of the documented API."""

from __future__ import annotations

import pathlib
import signal
import uuid
from collections.abc import AsyncIterator

import pytest

from headrace.api.v1 import log_pb2, state_pb2
from headrace_harness import ledger
from headrace_harness.kubernetes_cluster import KubernetesCluster, Pod
from headrace_harness.machine import Machine, Program
from headrace_harness.observer import Observer
from headrace_harness.servers import eventually, until

IMAGE = "registry.test/flows:1"
FLOWS = """\
import os
import sys
import time

from headrace import flow
from headrace_harness.ledger import note


@flow(log_prints=True)
def contained(name: str, wait: bool = False) -> str:
    note("contained", name=name)
    print(f"printed by {name}")
    os.write(1, b"written to the output\\n")
    while wait:
        time.sleep(0.05)
    return name


if __name__ == "__main__":
    contained.deploy(
        "test",
        sys.argv[1],
        job_variables={
            "image": sys.argv[2],
            "env": {"PYTHONPATH": sys.argv[3]},
            "labels": {"team": "data & more"},
            "resources": {"limits": {"memory": "1Gi"}},
            "grace_seconds": 20,
        },
    )
"""


@pytest.fixture
async def cluster(tmp_path: pathlib.Path, machine: Machine) -> AsyncIterator[KubernetesCluster]:
    """The cluster that the machine's configuration names."""
    made = KubernetesCluster(tmp_path, {IMAGE})
    async with made.serving() as configuration:
        machine.environment["KUBECONFIG"] = configuration
        yield made
        # Workers end before their cluster does.
        await machine.close()


@pytest.fixture
async def pool(machine: Machine, cluster: KubernetesCluster) -> str:
    """A pool with the deployment."""
    name = f"Pool {uuid.uuid4().hex[:8]}"
    (machine.folder / "contained.py").write_text(FLOWS)
    await machine.headrace("work-pool", "create", name, "--type", "kubernetes")
    await machine.python("contained.py", name, IMAGE, machine.environment["PYTHONPATH"])
    return name


async def started(machine: Machine, pool: str) -> Program:
    return await machine.start_worker(pool, "--type", "kubernetes", "--name", "captain")


async def pod_of(cluster: KubernetesCluster, run_id: str, attempt: int = 1) -> Pod:
    def found() -> list[Pod]:
        return [one for one in cluster.created if one.environment["HEADRACE_FLOW_RUN_ID"] == run_id]

    await until(lambda: len(found()) >= attempt)
    return found()[attempt - 1]


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


async def begun(machine: Machine, name: str) -> str:
    """Start a run that waits, and return its id once its code is reached."""
    run_id = await machine.start_run("contained/test", "-p", f"name={name}", "-p", "wait=true")
    await until(lambda: name in [line["name"] for line in ledger.read(machine.folder, "contained")])
    return run_id


async def test_a_run_is_executed_in_a_job_that_is_removed(
    machine: Machine, observer: Observer, cluster: KubernetesCluster, pool: str
) -> None:
    await started(machine, pool)
    run_id = await machine.start_run("contained/test", "-p", "name=box", "--job-variable", "api_key_secret=headrace")
    run = await observer.ended(run_id)
    assert run.state.name == "Completed", run.state.message
    pod = await pod_of(cluster, run_id)
    job_name = pod.manifest["metadata"]["labels"]["job-name"]
    assert run.infrastructure_id == f"kubernetes:default/{job_name}"
    container = pod.manifest["spec"]["containers"][0]
    assert container["resources"] == {"limits": {"memory": "1Gi"}}
    assert pod.manifest["spec"]["terminationGracePeriodSeconds"] == 20
    assert pod.manifest["metadata"]["labels"]["team"] == "data---more"
    assert {"name": "headrace", "key": "api-key"} in [
        item["valueFrom"]["secretKeyRef"] for item in container["env"] if "valueFrom" in item
    ]

    async def is_logged() -> bool:
        return {
            (log_pb2.LOG_SOURCE_PRINT, "printed by box"),
            (log_pb2.LOG_SOURCE_STDOUT, "written to the output"),
        } <= {(record.source, record.message) for record in await observer.logs(run_id)}

    await eventually(is_logged)
    await until(lambda: not cluster.jobs and not cluster.pods)


async def test_what_a_pod_died_of_is_told(
    machine: Machine, observer: Observer, cluster: KubernetesCluster, pool: str
) -> None:
    await started(machine, pool)
    missing = await machine.start_run("contained/test", "-p", "name=x", "--job-variable", "image=nowhere:2")
    assert await crash_of(observer, missing) == ("The container cannot start, ImagePullBackOff: cannot pull nowhere:2")
    run_id = await begun(machine, "big")
    await cluster.kill_for_memory(await pod_of(cluster, run_id))
    assert "OOMKilled" in await crash_of(observer, run_id)
    await cluster.evict(await pod_of(cluster, run_id, 2), "the node was low on memory")

    async def is_told() -> bool:
        return any(
            record.message == "The pod was evicted: the node was low on memory"
            for record in await observer.logs(run_id)
        )

    await eventually(is_told)
    await pod_of(cluster, run_id, 3)
    await machine.headrace("flow-run", "cancel", run_id)
    assert (await observer.ended(run_id)).state.type == state_pb2.STATE_TYPE_CANCELLED
    cluster.is_full = True
    late = await machine.start_run("contained/test", "-p", "name=x", "--job-variable", "start_timeout_seconds=5")
    assert "did not start within 5 s: Unschedulable: no room" in await crash_of(observer, late)


async def test_a_new_worker_goes_on_with_the_jobs_of_one_that_is_gone(
    machine: Machine, observer: Observer, cluster: KubernetesCluster, pool: str
) -> None:
    worker = await started(machine, pool)
    run_id = await begun(machine, "slow")
    await observer.until(run_id, lambda run: run.state.type == state_pb2.STATE_TYPE_RUNNING)
    worker.signal(signal.SIGKILL)
    await worker.ended()
    cluster.is_strict = True
    other = await started(machine, pool)
    await other.until_said("1 running")
    await machine.headrace("flow-run", "cancel", run_id)
    run = await observer.ended(run_id)
    assert (run.state.type, run.attempt) == (state_pb2.STATE_TYPE_CANCELLED, 1)
    assert len(cluster.created) == 1
    await until(lambda: not cluster.jobs and not cluster.pods)
