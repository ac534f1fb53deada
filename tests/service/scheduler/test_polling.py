"""Workers that ask for runs from time to time, and clients that hold runs without tokens."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace.api.v1 import concurrency_pb2, concurrency_pb2_grpc, deployment_pb2, flow_run_pb2, state_pb2
from headrace.api.v1 import work_pool_pb2 as pb
from headrace_harness.state import COMPLETED, CRASHED, FAILED, PENDING, RUNNING, SCHEDULED, a_state
from service.scheduler.parts import Parts, Scheduler, struct
from service.scheduler.test_deployments import refused

LABELS = {"client": "foreign"}
FOREIGN = deployment_pb2.DeploymentContent(
    worker_labels=struct(**LABELS), retry_policy=flow_run_pb2.RetryPolicy(infrastructure_retries=-1)
)


def at(seconds: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds))
    return stamp


async def poll(scheduler: Scheduler, **fields: Any) -> pb.PollWorkResponse:
    asked: dict[str, Any] = {"labels": struct(**LABELS), "count": 10, "due_before": at(60)} | fields
    response: pb.PollWorkResponse = await scheduler.pools.PollWork(pb.PollWorkRequest(**asked))
    return response


async def names(scheduler: Scheduler, **fields: Any) -> list[str]:
    return [run.name for run in (await poll(scheduler, **fields)).flow_runs]


async def a_deployment(scheduler: Scheduler, name: str = "nightly", **fields: Any) -> str:
    applied = await scheduler.apply(name, content=FOREIGN, **fields)
    return applied.deployment.deployment_id


async def propose(
    parts: Parts, run: flow_run_pb2.FlowRun, state: state_pb2.State, own_token: str
) -> flow_run_pb2.ProposeFlowRunStateResponse:
    response: flow_run_pb2.ProposeFlowRunStateResponse = await parts.state.runs.ProposeFlowRunState(
        flow_run_pb2.ProposeFlowRunStateRequest(flow_run_id=run.flow_run_id, state=state, own_token=own_token)
    )
    return response


def verdict(response: flow_run_pb2.ProposeFlowRunStateResponse) -> str:
    return str(response.verdict.WhichOneof("verdict"))


async def test_a_polling_worker_gets_the_runs_that_ask_for_its_labels(parts: Parts, scheduler: Scheduler) -> None:
    await scheduler.create_pool()
    await scheduler.pools.CreateWorkQueue(
        pb.CreateWorkQueueRequest(work_pool_name="pool", work_queue=pb.WorkQueue(name="second", priority=2))
    )
    foreign = await a_deployment(scheduler, pool="pool")
    native = (await scheduler.apply("native", pool="pool")).deployment.deployment_id
    await scheduler.run(foreign, name="second", work_queue_name="second", scheduled_at=at(-60))
    await scheduler.run(foreign, name="soon", scheduled_at=at(30))
    await scheduler.run(foreign, name="now")
    await scheduler.run(foreign, name="tomorrow", scheduled_at=at(86_400))
    await scheduler.run(native, name="native")

    assert await names(scheduler, work_pool_name="pool") == ["now", "soon", "second"]
    assert await names(scheduler, work_pool_name="pool", count=1) == ["now"]
    assert await names(scheduler, work_pool_name="pool", work_queue_names=["second"]) == ["second"]
    assert await names(scheduler, work_pool_name="pool", due_from=at(10)) == ["soon"]
    assert await names(scheduler, deployment_ids=[foreign]) == ["second", "now", "soon"]
    assert isinstance(await refused(poll(scheduler, work_pool_name="missing")), errors.NotFound)
    unknown = poll(scheduler, work_pool_name="pool", work_queue_names=["third"])
    assert isinstance(await refused(unknown), errors.NotFound)
    assert isinstance(await refused(poll(scheduler)), errors.InvalidArgument)

    async def pause(**fields: Any) -> None:
        pool = pb.WorkPool(name="pool", **fields)
        await scheduler.pools.UpdateWorkPool(
            pb.UpdateWorkPoolRequest(work_pool=pool, update_mask=FieldMask(paths=list(fields)))
        )

    await pause(paused=True)
    assert await names(scheduler, work_pool_name="pool") == []
    await pause(paused=False)
    queue = pb.WorkQueue(name="default", paused=True)
    await scheduler.pools.UpdateWorkQueue(
        pb.UpdateWorkQueueRequest(work_pool_name="pool", work_queue=queue, update_mask=FieldMask(paths=["paused"]))
    )
    assert await names(scheduler, work_pool_name="pool") == ["second"]


async def test_a_poll_makes_its_worker_known_until_it_is_silent_or_forgotten(scheduler: Scheduler) -> None:
    await scheduler.create_pool()
    deployment_id = await a_deployment(scheduler, pool="pool")
    assert (await scheduler.get(deployment_id)).status == deployment_pb2.DEPLOYMENT_STATUS_NOT_READY
    first = (await poll(scheduler, worker_name="w", type="process", work_pool_name="pool")).worker
    again = (await poll(scheduler, worker_name="w", type="process", work_pool_name="pool")).worker
    assert first.worker_id == again.worker_id
    assert first.status == pb.WORKER_STATUS_ONLINE
    assert (await scheduler.get(deployment_id)).status == deployment_pb2.DEPLOYMENT_STATUS_READY
    served = await a_deployment(scheduler, "served")
    await poll(scheduler, worker_name="runner", type="serve", deployment_ids=[served])
    assert (await scheduler.get(served)).status == deployment_pb2.DEPLOYMENT_STATUS_READY

    paused = await scheduler.pools.PauseWorker(pb.PauseWorkerRequest(worker_id=first.worker_id))
    assert paused.worker.worker_id == first.worker_id
    await scheduler.run(deployment_id)
    held_back = await poll(scheduler, worker_name="w", type="process", work_pool_name="pool")
    assert held_back.worker.status == pb.WORKER_STATUS_PAUSED
    assert not held_back.flow_runs

    await scheduler.pools.DeleteWorker(pb.DeleteWorkerRequest(worker_id=first.worker_id))
    assert await scheduler.worker(first.worker_id) is None
    gone = scheduler.pools.DeleteWorker(pb.DeleteWorkerRequest(worker_id=first.worker_id))
    assert isinstance(await refused(gone), errors.NotFound)


async def test_a_client_without_tokens_claims_a_run_ahead_and_starts_it_when_it_is_due(
    parts: Parts, scheduler: Scheduler
) -> None:
    deployment_id = await a_deployment(scheduler)
    run = await scheduler.run(deployment_id, scheduled_at=at(3600))
    own = str(uuid.uuid4())
    assert verdict(await propose(parts, run, a_state(PENDING), own)) == "accepted"
    again = await propose(parts, run, a_state(PENDING), own)
    assert again.verdict.aborted.code == "CLAIMED_ALREADY"
    assert verdict(await propose(parts, run, a_state(PENDING, "Submitting"), own)) == "accepted"
    late = await propose(parts, run, a_state(PENDING), own)
    assert late.verdict.aborted.code == "CLAIMED_ALREADY"
    early = await propose(parts, run, a_state(RUNNING), own)
    assert early.verdict.wait.code == "NOT_DUE"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await propose(parts, run, a_state(CRASHED), str(uuid.uuid4()))
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert verdict(await propose(parts, run, a_state(CRASHED), own)) == "accepted"
    assert (await parts.state.get_run(run.flow_run_id)).state.type == CRASHED


async def test_a_run_held_without_tokens_has_a_lease_that_does_not_expire(parts: Parts, scheduler: Scheduler) -> None:
    concurrency = deployment_pb2.DeploymentConcurrency(limit=1)
    deployment_id = await a_deployment(scheduler, concurrency=concurrency)
    first, second = await scheduler.run(deployment_id), await scheduler.run(deployment_id)
    own = str(uuid.uuid4())
    claimed = await propose(parts, first, a_state(PENDING), own)
    lease_id = claimed.verdict.accepted.state.details.concurrency_lease_id
    assert lease_id
    assert claimed.attempt.lease_expires_at.ToDatetime().year > 2100
    limits = concurrency_pb2_grpc.ConcurrencyServiceStub(parts.state_channel)
    renewed = await limits.RenewSlots(concurrency_pb2.RenewSlotsRequest(lease_id=lease_id))
    assert renewed.expires_at.ToDatetime().year > 2100
    assert await names(scheduler, deployment_ids=[deployment_id]) == []
    refused_one = await propose(parts, second, a_state(PENDING), own)
    assert refused_one.verdict.rejected.state.name == "AwaitingConcurrencySlot"
    running = await propose(parts, first, a_state(RUNNING), own)
    assert running.verdict.accepted.state.details.concurrency_lease_id == lease_id
    assert verdict(await propose(parts, first, a_state(COMPLETED), own)) == "accepted"
    assert await names(scheduler, deployment_ids=[deployment_id]) == [second.name]


async def test_a_script_without_tokens_retries_in_its_process(parts: Parts) -> None:
    own = str(uuid.uuid4())
    created = await parts.state.create_run(
        state=a_state(PENDING), own_token=own, retry_policy=flow_run_pb2.RetryPolicy(retries=1)
    )
    run = created.flow_run
    assert verdict(await propose(parts, run, a_state(RUNNING), own)) == "accepted"
    failed = await propose(parts, run, a_state(FAILED), own)
    assert failed.verdict.rejected.state.type == SCHEDULED
    assert failed.verdict.rejected.state.name == "AwaitingRetry"
    assert verdict(await propose(parts, run, a_state(RUNNING), own)) == "accepted"
    assert verdict(await propose(parts, run, a_state(FAILED), own)) == "accepted"
    assert (await parts.state.get_run(run.flow_run_id)).run_count == 2


async def test_runs_of_schedules_are_made_as_far_ahead_as_somebody_asks(parts: Parts, scheduler: Scheduler) -> None:
    hourly = deployment_pb2.Schedule(
        slug="hourly",
        active=True,
        rule=deployment_pb2.ScheduleRule(interval=deployment_pb2.IntervalRule(every=Duration(seconds=3600))),
    )
    deployment_id = await a_deployment(scheduler, schedules=[hourly])

    async def make(**fields: Any) -> int:
        response = await scheduler.deployments.MakeScheduledRuns(
            deployment_pb2.MakeScheduledRunsRequest(deployment_id=deployment_id, **fields)
        )
        return int(response.made)

    await make(least_runs=8)
    made = await parts.runs(deployment_ids=[deployment_id])
    assert len(made) == 8
    assert all(run.auto_scheduled and run.state.type == SCHEDULED for run in made)
    assert await make(least_runs=8) == 0
    assert await make(start_at=at(-4 * 3600), end_at=at(-1), least_runs=10, most_runs=3) == 3
    missing = scheduler.deployments.MakeScheduledRuns(
        deployment_pb2.MakeScheduledRunsRequest(deployment_id=str(uuid.uuid4()))
    )
    assert isinstance(await refused(missing), errors.NotFound)
