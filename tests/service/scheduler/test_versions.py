"""Versions of deployments: kept, compared, rolled back, promoted, and run; many runs in one call."""

from __future__ import annotations

import grpc
import pytest

from headrace.api.v1 import deployment_pb2 as pb
from headrace.ids import uuid7
from service.scheduler.parts import Parts, PlayedWorker, Scheduler, connected, eventually, struct


def content(entrypoint: str, **fields: object) -> pb.DeploymentContent:
    return pb.DeploymentContent(entrypoint=entrypoint, **fields)  # type: ignore[arg-type]


async def version_of(scheduler: Scheduler, deployment_id: str, number: int = 0) -> pb.DeploymentVersion:
    """Return a version as it is told."""
    response = await scheduler.deployments.GetDeploymentVersion(
        pb.GetDeploymentVersionRequest(deployment_id=deployment_id, number=number)
    )
    found: pb.DeploymentVersion = response.version
    return found


async def test_a_version_says_what_it_changed_and_which_one_it_replaced(scheduler: Scheduler) -> None:
    first = await scheduler.apply(content=pb.DeploymentContent(parameters=struct(day="monday")), message="begin")
    deployment_id = first.deployment.deployment_id
    info = pb.VersionInfo(type="vcs:git", revision="abc", message="Read fridays")
    await scheduler.apply(content=pb.DeploymentContent(parameters=struct(day="friday"), version_info=info))
    second = await version_of(scheduler, deployment_id)
    assert (second.number, second.former_number, second.message) == (2, 1, "Read fridays")
    change = second.changes[0]
    assert (change.path, change.before.string_value, change.after.string_value) == (
        "parameters.day",
        "monday",
        "friday",
    )
    assert first.version.message == "begin"
    assert first.version.digest != second.digest
    by_id = await scheduler.deployments.GetDeploymentVersion(
        pb.GetDeploymentVersionRequest(deployment_version_id=first.version.deployment_version_id)
    )
    assert (by_id.version.number, by_id.version.digest) == (1, first.version.digest)
    backwards = await scheduler.deployments.CompareDeploymentVersions(
        pb.CompareDeploymentVersionsRequest(deployment_id=deployment_id, from_number=2, to_number=1)
    )
    assert {change.path: change.kind for change in backwards.changes} == {
        "parameters.day": pb.VERSION_CHANGE_KIND_CHANGED,
        "version_info": pb.VERSION_CHANGE_KIND_REMOVED,
    }


async def test_a_rollback_goes_to_the_version_that_was_replaced_not_to_the_number_before(scheduler: Scheduler) -> None:
    deployment_id = (await scheduler.apply(content=content("f.py:one"))).deployment.deployment_id
    await scheduler.apply(content=content("f.py:bad"))
    back = await scheduler.deployments.RollBackDeployment(pb.RollBackDeploymentRequest(deployment_id=deployment_id))
    assert (back.version.number, back.version.current) == (1, True)
    assert (back.deployment.version_number, back.deployment.content.entrypoint) == (1, "f.py:one")
    fixed = await scheduler.apply(content=content("f.py:fixed"))
    assert (fixed.version.number, fixed.version.former_number) == (3, 1)
    again = await scheduler.deployments.RollBackDeployment(pb.RollBackDeploymentRequest(deployment_id=deployment_id))
    assert again.version.number == 1
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await scheduler.deployments.RollBackDeployment(pb.RollBackDeploymentRequest(deployment_id=deployment_id))
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    chosen = await scheduler.deployments.RollBackDeployment(
        pb.RollBackDeploymentRequest(deployment_id=deployment_id, number=2)
    )
    assert chosen.deployment.content.entrypoint == "f.py:bad"


async def test_a_version_that_waits_is_run_only_after_its_promotion(scheduler: Scheduler) -> None:
    first = await scheduler.apply(content=content("f.py:one"))
    deployment_id = first.deployment.deployment_id
    waiting = await scheduler.apply(content=content("f.py:two"), keep_current=True)
    assert (waiting.new_version, waiting.version.number, waiting.version.current) == (True, 2, False)
    assert (waiting.deployment.version_number, waiting.deployment.content.entrypoint) == (1, "f.py:one")
    same = await scheduler.apply(content=content("f.py:two"), keep_current=True)
    assert (same.new_version, same.version.number) == (False, 2)
    before = await scheduler.run(deployment_id)
    assert before.deployment_version_id == first.version.deployment_version_id
    promoted = await scheduler.deployments.PromoteDeploymentVersion(
        pb.PromoteDeploymentVersionRequest(deployment_id=deployment_id, number=2)
    )
    assert promoted.deployment.content.entrypoint == "f.py:two"
    after = await scheduler.run(deployment_id)
    assert after.deployment_version_id == waiting.version.deployment_version_id


async def test_a_worker_gets_the_content_of_the_version_that_the_run_was_made_of(parts: Parts) -> None:
    scheduler = parts.scheduler
    await scheduler.create_pool()
    first = await scheduler.apply(pool="pool", content=content("f.py:one"))
    deployment_id = first.deployment.deployment_id
    old = await scheduler.run(deployment_id)
    await scheduler.apply(pool="pool", content=content("f.py:two"))
    new = await scheduler.run(deployment_id)
    await scheduler.deployments.RollBackDeployment(pb.RollBackDeploymentRequest(deployment_id=deployment_id))
    back = await scheduler.run(deployment_id)
    async with connected(PlayedWorker(scheduler, pool="pool")) as worker:
        given = await worker.until_given(3)
    assert {assignment.flow_run.flow_run_id: assignment.content.entrypoint for assignment in given} == {
        old.flow_run_id: "f.py:one",
        new.flow_run_id: "f.py:two",
        back.flow_run_id: "f.py:one",
    }


async def test_runs_that_a_schedule_made_ahead_are_made_anew_of_the_version_that_is_rolled_back_to(
    parts: Parts,
) -> None:
    scheduler = parts.scheduler
    rule = pb.ScheduleRule(cron=pb.CronRule(expression="0 5 * * *"))
    schedules = [pb.Schedule(slug="daily", rule=rule, active=True)]
    first = await scheduler.apply(content=content("f.py:one"), schedules=schedules)
    deployment_id = first.deployment.deployment_id
    second = await scheduler.apply(content=content("f.py:two"), keep_schedules=True)

    async def made_of(version: pb.DeploymentVersion) -> bool:
        runs = await parts.runs(deployment_ids=[deployment_id])
        return len(runs) == 3 and {run.deployment_version_id for run in runs} == {version.deployment_version_id}

    await eventually(lambda: made_of(second.version), "runs of the second version")
    await scheduler.deployments.RollBackDeployment(pb.RollBackDeploymentRequest(deployment_id=deployment_id))
    await eventually(lambda: made_of(first.version), "runs of the first version")


async def test_many_runs_are_made_in_one_call_or_none(parts: Parts) -> None:
    scheduler = parts.scheduler
    schema = struct(type="object", properties={"n": {"type": "integer"}}, required=["n"])
    applied = await scheduler.apply(
        content=pb.DeploymentContent(parameter_schema=schema, enforce_parameter_schema=True)
    )
    deployment_id = applied.deployment.deployment_id
    runs = [pb.BulkRun(flow_run_id=str(uuid7()), parameters=struct(n=n), idempotency_key=f"n-{n}") for n in range(1000)]
    request = pb.RunDeploymentInBulkRequest(deployment_id=deployment_id, runs=runs)
    made = await scheduler.deployments.RunDeploymentInBulk(request)
    assert [result.flow_run_id for result in made.results] == [run.flow_run_id for run in runs]
    assert all(result.created for result in made.results)
    again = await scheduler.deployments.RunDeploymentInBulk(request)
    assert [result.flow_run_id for result in again.results] == [run.flow_run_id for run in runs]
    assert not any(result.created for result in again.results)
    wrong = pb.RunDeploymentInBulkRequest(
        deployment_id=deployment_id, runs=[pb.BulkRun(parameters=struct(n=1)), pb.BulkRun(parameters=struct(n="x"))]
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await scheduler.deployments.RunDeploymentInBulk(wrong)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "runs[1].parameters.n" in str(caught.value.details())
    assert len(await parts.runs(deployment_ids=[deployment_id])) == 1000
