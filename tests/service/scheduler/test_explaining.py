"""Why a flow run is not running: the answer names what holds it back, and what to do."""

from __future__ import annotations

import datetime

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from headrace.api.v1 import deployment_pb2 as pb
from headrace.api.v1 import explanation_pb2, explanation_pb2_grpc, flow_run_pb2, work_pool_pb2
from headrace.ids import uuid7
from headrace_harness.state import COMPLETED, a_state
from service.scheduler.parts import Parts, PlayedWorker, as_python, connected, eventually, struct

Kind = explanation_pb2.ExplanationKind


async def explain(parts: Parts, flow_run_id: str) -> explanation_pb2.ExplainFlowRunResponse:
    """Return why a run is not running."""
    stub = explanation_pb2_grpc.ExplanationServiceStub(parts.scheduler.channel)
    answer: explanation_pb2.ExplainFlowRunResponse = await stub.ExplainFlowRun(
        explanation_pb2.ExplainFlowRunRequest(flow_run_id=flow_run_id)
    )
    assert answer.summary.startswith(answer.reasons[0].sentence)
    return answer


def kinds(answer: explanation_pb2.ExplainFlowRunResponse) -> list[str]:
    """Return the kinds of the reasons in their order."""
    return [Kind.Name(reason.kind).removeprefix("EXPLANATION_KIND_") for reason in answer.reasons]


async def deployed(parts: Parts, **fields: object) -> str:
    """Return a deployment in the pool `pool`, which is made."""
    await parts.scheduler.create_pool()
    applied = await parts.scheduler.apply(pool="pool", **fields)  # type: ignore[arg-type]
    return applied.deployment.deployment_id


async def test_without_a_worker_the_answer_names_the_pool_and_how_to_start_one(parts: Parts) -> None:
    run = await parts.scheduler.run(await deployed(parts))
    answer = await explain(parts, run.flow_run_id)
    assert kinds(answer) == ["NO_WORKER"]
    assert "headrace worker start --pool pool" in answer.summary
    assert not answer.healthy
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await explain(parts, str(uuid7()))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_workers_that_are_paused_are_named_with_how_they_go_on(parts: Parts) -> None:
    deployment_id = await deployed(parts)
    paused = PlayedWorker(parts.scheduler, pool="pool", name="tired")
    async with connected(paused):
        await parts.scheduler.pools.PauseWorker(work_pool_pb2.PauseWorkerRequest(worker_id=paused.worker_id))
        run = await parts.scheduler.run(deployment_id)

        async def is_named() -> bool:
            summary = (await explain(parts, run.flow_run_id)).summary
            return "paused is tired" in summary and "headrace worker resume tired" in summary

        await eventually(is_named)


async def test_a_run_of_the_future_is_not_due_and_whatever_would_hold_it_then_is_told_too(parts: Parts) -> None:
    at = Timestamp()
    at.FromDatetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=2))
    run = await parts.scheduler.run(await deployed(parts), scheduled_at=at)
    answer = await explain(parts, run.flow_run_id)
    assert kinds(answer) == ["NOT_DUE", "NO_WORKER"]
    assert answer.reasons[0].until.seconds == at.seconds


async def test_what_is_paused_is_named(parts: Parts) -> None:
    scheduler = parts.scheduler
    deployment_id = await deployed(parts)
    async with connected(PlayedWorker(scheduler, pool="pool")):
        await scheduler.pools.UpdateWorkPool(
            work_pool_pb2.UpdateWorkPoolRequest(
                work_pool=work_pool_pb2.WorkPool(name="pool", paused=True), update_mask=FieldMask(paths=["paused"])
            )
        )
        await scheduler.pools.UpdateWorkQueue(
            work_pool_pb2.UpdateWorkQueueRequest(
                work_pool_name="pool",
                work_queue=work_pool_pb2.WorkQueue(name="default", paused=True),
                update_mask=FieldMask(paths=["paused"]),
            )
        )
        await scheduler.deployments.PauseDeployment(pb.PauseDeploymentRequest(deployment_id=deployment_id))
        run = await scheduler.run(deployment_id)
        answer = await explain(parts, run.flow_run_id)
    assert kinds(answer) == ["WORK_POOL_PAUSED", "WORK_QUEUE_PAUSED", "DEPLOYMENT_PAUSED"]
    assert "headrace work-pool resume pool" in answer.reasons[0].advice
    assert not answer.reasons[2].blocking


async def test_a_full_limit_is_told_with_its_holders_and_a_limit_of_zero_as_such(parts: Parts) -> None:
    scheduler = parts.scheduler
    deployment_id = await deployed(parts, concurrency=pb.DeploymentConcurrency(limit=1))
    async with connected(PlayedWorker(scheduler, pool="pool")) as worker:
        first = await scheduler.run(deployment_id, name="holder")
        await worker.until_given(1)
        second = await scheduler.run(deployment_id)
        answer = await explain(parts, second.flow_run_id)
        assert kinds(answer) == ["LIMIT_FULL"]
        assert "1 of 1 slots are held by holder" in answer.summary
        data = as_python(answer.reasons[0].data)
        assert data["limit"] == f"deployment:{deployment_id}"
        assert [holder["holder_id"] for holder in data["holders"]] == [first.flow_run_id]
        assert answer.healthy
        await scheduler.deployments.UpdateDeployment(
            pb.UpdateDeploymentRequest(
                deployment=pb.Deployment(deployment_id=deployment_id, concurrency=pb.DeploymentConcurrency(limit=0)),
                update_mask=FieldMask(paths=["concurrency.limit"]),
            )
        )
        assert kinds(await explain(parts, second.flow_run_id)) == ["LIMIT_ZERO"]


async def test_workers_that_cannot_take_it_are_told_with_the_reason(parts: Parts) -> None:
    scheduler = parts.scheduler
    await scheduler.create_pool()
    await scheduler.pools.CreateWorkQueue(
        work_pool_pb2.CreateWorkQueueRequest(
            work_pool_name="pool", work_queue=work_pool_pb2.WorkQueue(name="other", priority=2)
        )
    )
    wants = pb.DeploymentContent(worker_labels=struct(gpu="a100", zone="b"))
    plain = (await scheduler.apply("plain", pool="pool")).deployment.deployment_id
    labelled = (await scheduler.apply("labelled", pool="pool", content=wants)).deployment.deployment_id
    async with connected(PlayedWorker(scheduler, pool="pool", work_queue_names=["other"])):
        run = await scheduler.run(plain)
        answer = await explain(parts, run.flow_run_id)
        assert kinds(answer) == ["NO_WORKER_FOR_QUEUE"]
        assert "--work-queue default" in answer.summary
    labels = struct(zone="b")
    async with connected(PlayedWorker(scheduler, pool="pool", capacity=1, labels=labels)) as worker:
        await worker.until_given(1)
        waiting = await scheduler.run(labelled)
        answer = await explain(parts, waiting.flow_run_id)
        assert kinds(answer) == ["NO_WORKER_WITH_LABELS"]
        assert as_python(answer.reasons[0].data)["missing"] == ["gpu"]
        first, second = await scheduler.run(plain), await scheduler.run(plain)

        async def is_full() -> bool:
            return kinds(await explain(parts, first.flow_run_id))[0] == "WORKERS_FULL"

        await eventually(is_full, "the worker is known to be full")
        assert kinds(await explain(parts, second.flow_run_id))[:2] == ["WORKERS_FULL", "BEHIND_OTHERS"]


async def test_a_run_is_told_to_start_to_run_and_to_be_over(parts: Parts) -> None:
    scheduler = parts.scheduler
    deployment_id = await deployed(parts)
    async with connected(PlayedWorker(scheduler, pool="pool")) as worker:
        run = await scheduler.run(deployment_id)
        await worker.until_given(1)
        starting = await explain(parts, run.flow_run_id)
        assert kinds(starting) == ["STARTING"]
        assert starting.healthy
        await worker.begin(parts.state, run.flow_run_id)
        assert kinds(await explain(parts, run.flow_run_id)) == ["RUNNING"]
        token = worker.held[run.flow_run_id].attempt.token
        await parts.state.propose(run.flow_run_id, a_state(COMPLETED), token)
        over = await explain(parts, run.flow_run_id)
        assert kinds(over) == ["FINAL"]
        assert over.healthy


async def test_a_cancellation_says_which_step_is_outstanding(parts: Parts) -> None:
    scheduler = parts.scheduler
    deployment_id = await deployed(parts)
    worker = PlayedWorker(scheduler, pool="pool")
    async with connected(worker):
        run = await scheduler.run(deployment_id)
        await worker.until_given(1)
        await worker.begin(parts.state, run.flow_run_id)
        await worker.beat()
        await parts.state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=run.flow_run_id))
        await eventually(lambda: worker.said["cancel"], "the request to stop")

        async def step() -> str:
            answer = await explain(parts, run.flow_run_id)
            assert kinds(answer) == ["CANCELLING"]
            return str(as_python(answer.reasons[0].data)["step"])

        async def is_told() -> bool:
            return await step() == "process"

        await eventually(is_told, "the worker is known to hold the run")


async def test_a_subflow_waits_for_the_run_that_called_it(parts: Parts) -> None:
    parent = await parts.scheduler.run(await deployed(parts), name="caller")
    child = await parts.state.runs.CreateFlowRun(
        flow_run_pb2.CreateFlowRunRequest(
            flow_run_id=str(uuid7()), flow_name="child", parent_flow_run_id=parent.flow_run_id
        )
    )
    answer = await explain(parts, child.flow_run.flow_run_id)
    assert kinds(answer) == ["WAITING_FOR_PARENT"]
    assert "caller" in answer.summary
    alone = await parts.state.runs.CreateFlowRun(
        flow_run_pb2.CreateFlowRunRequest(flow_run_id=str(uuid7()), flow_name="alone")
    )
    assert kinds(await explain(parts, alone.flow_run.flow_run_id)) == ["NOT_DISPATCHED"]
