"""Prefect's own `serve`, `deploy`, process worker and task worker against the server."""

from __future__ import annotations

import pathlib
import signal
import uuid

import pytest

from headrace.api.v1 import (
    deployment_pb2,
    deployment_pb2_grpc,
    flow_run_pb2,
    state_pb2,
    work_pool_pb2,
    work_pool_pb2_grpc,
)
from headrace_harness.machine import only
from headrace_harness.observer import Observer
from headrace_harness.prefect_client import PrefectMachine
from headrace_harness.stack import Stack
from headrace_harness.waiting import eventually

FLOWS = pathlib.Path(__file__).parent / "flows"
PATIENCE = 120.0
QUICK = {"PREFECT_RUNNER_POLL_FREQUENCY": "1", "PREFECT_WORKER_QUERY_SECONDS": "1"}
COMPLETED, CANCELLED = state_pb2.STATE_TYPE_COMPLETED, state_pb2.STATE_TYPE_CANCELLED
RUNNING, SCHEDULED = state_pb2.STATE_TYPE_RUNNING, state_pb2.STATE_TYPE_SCHEDULED


class Deployed:
    """A deployment that a client of Prefect made, as the server knows it."""

    def __init__(self, stack: Stack, observer: Observer, flow_name: str, name: str) -> None:
        self._stub = stack.stub(deployment_pb2_grpc.DeploymentServiceStub)
        self._observer = observer
        self._asked = deployment_pb2.ListDeploymentsRequest(
            filter=deployment_pb2.DeploymentFilter(names=[name], name_contains=flow_name)
        )

    async def load(self) -> deployment_pb2.Deployment | None:
        """Return it, None before it is there."""
        found = (await self._stub.ListDeployments(self._asked)).deployments
        return found[0] if found else None

    async def is_ready(self) -> bool:
        """Return whether somebody is there to run it."""
        found = await self.load()
        return found is not None and found.status == deployment_pb2.DEPLOYMENT_STATUS_READY

    async def runs(self, *states: state_pb2.StateType.ValueType) -> list[flow_run_pb2.FlowRun]:
        """Return its runs in some states."""
        found = await self.load()
        assert found is not None
        return await self._observer.flow_runs(deployment_ids=[found.deployment_id], state_types=states)

    async def has(self, count: int, state: state_pb2.StateType.ValueType) -> bool:
        """Return whether it has as many runs in a state."""
        return len(await self.runs(state)) >= count


@pytest.fixture
def suffix() -> str:
    """What makes names of this test its own."""
    return uuid.uuid4().hex[:8]


async def test_a_served_deployment_runs_on_request(
    stock: PrefectMachine, stack: Stack, observer: Observer, suffix: str
) -> None:
    stock.take(FLOWS / "deployed.py")
    stock.start_prefect_python("deployed.py", "serve", suffix, **QUICK)
    served = Deployed(stack, observer, "count", suffix)
    await eventually(served.is_ready, PATIENCE)
    await eventually(lambda: served.has(3, SCHEDULED), PATIENCE)
    await stock.prefect("deployment", "run", f"count/{suffix}", "-p", "n=3")
    await eventually(lambda: served.has(1, COMPLETED), PATIENCE)
    run = only(await served.runs(COMPLETED))
    assert dict(run.parameters) == {"n": 3, "name": "the schedule"}
    assert not run.auto_scheduled

    async def has_task_runs() -> bool:
        # They come as events, which may be behind the end of the flow.
        return len(await observer.task_runs(run.flow_run_id)) == 3

    await eventually(has_task_runs, PATIENCE)
    assert await observer.flow_states(run.flow_run_id) == ["Scheduled", "Pending", "Submitting", "Running", "Completed"]


async def test_a_serving_client_that_is_stopped_pauses_its_deployments(
    stock: PrefectMachine, stack: Stack, observer: Observer, suffix: str
) -> None:
    stock.take(FLOWS / "deployed.py")
    serving = stock.start_prefect_python("deployed.py", "serve", suffix, **QUICK)
    served = Deployed(stack, observer, "count", suffix)
    await eventually(served.is_ready, PATIENCE)
    serving.signal(signal.SIGTERM)
    await serving.ended(PATIENCE)
    paused = await served.load()
    assert paused is not None
    assert paused.paused, serving.output()


async def test_a_worker_runs_what_is_deployed_into_its_pool(
    stock: PrefectMachine, stack: Stack, observer: Observer, suffix: str
) -> None:
    stock.take(FLOWS / "deployed.py")
    await stock.prefect("work-pool", "create", suffix, "--type", "process")
    await stock.prefect_python("deployed.py", "deploy", suffix)
    stock.start_prefect("worker", "start", "--pool", suffix, "--name", "stock-worker", **QUICK)
    pooled = Deployed(stack, observer, "count", f"pooled-{suffix}")
    await eventually(pooled.is_ready, PATIENCE)
    await stock.prefect("deployment", "run", f"count/pooled-{suffix}")
    await eventually(lambda: pooled.has(1, COMPLETED), PATIENCE)
    run = only(await pooled.runs(COMPLETED))
    assert run.work_pool_name == suffix
    assert run.infrastructure_id
    pools = stack.stub(work_pool_pb2_grpc.WorkPoolServiceStub)
    listed = await pools.ListWorkers(work_pool_pb2.ListWorkersRequest(work_pool_name=suffix))
    assert [(worker.name, worker.status) for worker in listed.workers] == [
        ("stock-worker", work_pool_pb2.WORKER_STATUS_ONLINE)
    ]


async def test_one_run_at_a_time_waits_for_the_other_which_is_cancelled_from_either_side(
    stock: PrefectMachine, stack: Stack, observer: Observer, suffix: str
) -> None:
    stock.take(FLOWS / "deployed.py")
    await stock.prefect("work-pool", "create", suffix, "--type", "process")
    await stock.prefect_python("deployed.py", "deploy", suffix)
    stock.start_prefect("worker", "start", "--pool", suffix, **QUICK)
    alone = Deployed(stack, observer, "wait", f"alone-{suffix}")
    marker = stock.folder / "marker"
    for _ in range(2):
        await stock.prefect("deployment", "run", f"wait/alone-{suffix}", "-p", f"marker={marker}")

    async def has_begun(times: int) -> bool:
        return marker.exists() and marker.read_text().count("begun") == times

    await eventually(lambda: has_begun(1), PATIENCE)
    first = only(await alone.runs(RUNNING))
    assert first.state.details.concurrency_lease_id
    await stock.headrace("flow-run", "cancel", first.flow_run_id)
    await eventually(lambda: alone.has(1, CANCELLED), PATIENCE)
    await eventually(lambda: has_begun(2), PATIENCE)
    second = only(await alone.runs(RUNNING))
    assert second.flow_run_id != first.flow_run_id
    await stock.prefect("flow-run", "cancel", second.flow_run_id)
    await eventually(lambda: alone.has(2, CANCELLED), PATIENCE)
    assert "over" not in marker.read_text()


async def test_background_tasks_are_run_by_a_task_worker_and_waited_for(stock: PrefectMachine) -> None:
    stock.take(FLOWS / "deployed.py")
    stock.start_prefect_python("deployed.py", "tasks")
    done = await stock.prefect_python("deployed.py", "delay", "4")
    assert done.out.splitlines()[-1] == "results [0, 1, 4, 9]"
