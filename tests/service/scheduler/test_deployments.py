"""Deployments: applied, versioned, checked, run, changed, deleted."""

from __future__ import annotations

import datetime
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace.api.v1 import deployment_pb2 as pb
from headrace.api.v1 import flow_run_pb2, state_pb2, work_pool_pb2
from headrace.ids import uuid7
from headrace.rpc import status
from headrace_harness.state import CANCELLED, SCHEDULED
from service.scheduler.parts import Parts, Scheduler, as_python, eventually, struct

SCHEMA = {
    "type": "object",
    "properties": {
        "day": {"type": "string"},
        "count": {"type": "integer", "minimum": 1},
        "rows": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "integer"}}}},
    },
    "required": ["day"],
}


def content(**fields: Any) -> pb.DeploymentContent:
    return pb.DeploymentContent(**fields)


def cron(expression: str = "0 5 * * *", *, slug: str = "", active: bool = True, **fields: Any) -> pb.Schedule:
    rule = pb.ScheduleRule(cron=pb.CronRule(expression=expression, time_zone="Europe/Berlin"))
    return pb.Schedule(slug=slug, rule=rule, active=active, **fields)


async def refused(call: Any) -> errors.HeadraceError:
    """Return the error that a call ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return status.from_rpc_error(caught.value)


async def violations(call: Any) -> dict[str, str]:
    """Return the fields that a call is refused for."""
    error = await refused(call)
    assert isinstance(error, errors.InvalidArgument), error
    return {violation.field: violation.description for violation in error.violations}


async def test_a_deployment_is_created_once_and_a_version_made_only_of_a_difference(scheduler: Scheduler) -> None:
    first = await scheduler.apply(content=content(version="1", tags=["b", "a"], parameters=struct(n=1)))
    assert (first.created, first.new_version, first.deployment.version_number) == (True, True, 1)
    again = await scheduler.apply(content=content(version="1", tags=["a", "b"], parameters=struct(n=1)))
    assert (again.created, again.new_version, again.deployment.version_number) == (False, False, 1)
    assert again.deployment.deployment_id == first.deployment.deployment_id
    changed = await scheduler.apply(content=content(version="1", tags=["a"], parameters=struct(n=2)))
    assert (changed.created, changed.new_version, changed.deployment.version_number) == (False, True, 2)
    versions = await scheduler.deployments.ListDeploymentVersions(
        pb.ListDeploymentVersionsRequest(deployment_id=first.deployment.deployment_id, page_size=1)
    )
    assert [(version.number, version.current) for version in versions.versions] == [(2, True)]
    rest = await scheduler.deployments.ListDeploymentVersions(
        pb.ListDeploymentVersionsRequest(
            deployment_id=first.deployment.deployment_id, page_size=1, page_token=versions.next_page_token
        )
    )
    assert [(version.number, version.current) for version in rest.versions] == [(1, False)]
    assert not rest.next_page_token
    assert as_python(rest.versions[0].content.parameters) == {"n": 1}


async def test_everything_that_is_given_comes_back(scheduler: Scheduler) -> None:
    await scheduler.create_pool()
    given = content(
        version="3",
        description="Loads *everything*.",
        tags=["etl"],
        labels=struct(team="data", tier=1),
        entrypoint="flows.py:etl",
        path="/srv",
        pull_steps=[pb.PullStep(step="git_clone", step_id="code", inputs=struct(branch="main"))],
        parameters=struct(day="monday", nested={"list": [1, 2.5, None, True]}),
        parameter_schema=struct(**SCHEMA, additionalProperties=True),
        enforce_parameter_schema=True,
        job_variables=struct(env={"A": "1"}),
        retry_policy=flow_run_pb2.RetryPolicy(
            retries=2, delay_seconds=[1, 2.5], jitter_factor=0.5, kind=flow_run_pb2.RETRY_KIND_RESCHEDULE
        ),
        version_info=pb.VersionInfo(type="vcs:git", revision="abc", branch="main", message="m", url="u"),
        work_pool_name="pool",
        work_queue_name="default",
    )
    concurrency = pb.DeploymentConcurrency(
        limit=2, strategy=pb.CONCURRENCY_STRATEGY_CANCEL_NEW, shared_limit_name="database"
    )
    concurrency.grace_period.seconds = 30
    interval = pb.IntervalRule(time_zone="UTC")
    interval.every.seconds = 90
    schedule = pb.Schedule(
        slug="often",
        rule=pb.ScheduleRule(interval=interval),
        active=True,
        parameters=struct(count=2),
        catch_up=pb.CATCH_UP_LATEST,
    )
    schedule.maximum_lateness.seconds = 60
    schedule.jitter.seconds = 5
    applied = await scheduler.apply(content=given, concurrency=concurrency, schedules=[schedule], paused=True)
    found = await scheduler.get(applied.deployment.deployment_id)
    assert found.content == given
    assert found.concurrency == concurrency
    assert (found.flow_name, found.name, found.paused) == ("etl", "nightly", True)
    assert found.creator.kind == state_pb2.CREATOR_KIND_USER
    (kept,) = found.schedules
    for field in ("slug", "rule", "active", "parameters", "catch_up", "maximum_lateness", "jitter"):
        assert getattr(kept, field) == getattr(schedule, field)
    by_name = await scheduler.deployments.GetDeploymentByName(
        pb.GetDeploymentByNameRequest(flow_name="etl", deployment_name="nightly")
    )
    assert by_name.deployment == found


async def test_wrong_content_is_refused_field_by_field(scheduler: Scheduler) -> None:
    schema = struct(**SCHEMA)
    wrong = content(
        parameters=struct(count="many", rows=[{"x": 1}, {"x": "y"}]),
        parameter_schema=schema,
        enforce_parameter_schema=True,
    )
    assert await violations(scheduler.apply(content=wrong)) == {
        "content.parameters.count": 'must be an integer, not "many"',
        "content.parameters.rows[1].x": 'must be an integer, not "y"',
    }
    # Without enforcement they pass.
    wrong.enforce_parameter_schema = False
    await scheduler.apply(content=wrong)
    wrong_fields: list[tuple[dict[str, Any], str]] = [
        ({"content": content(parameter_schema=struct(type="arr"))}, "content.parameter_schema.type"),
        ({"content": content(work_pool_name="missing")}, "content.work_pool_name"),
        ({"content": content(work_queue_name="q")}, "content.work_queue_name"),
        ({"schedules": [cron("61 * * * *")]}, "schedules[0].rule.cron.expression"),
        ({"schedules": [cron(slug="a"), cron("0 6 * * *", slug="a")]}, "schedules[1].slug"),
        ({"name": "a/b"}, "name"),
        ({"flow": ""}, "flow_name"),
    ]
    for fields, field in wrong_fields:
        assert list(await violations(scheduler.apply(**fields))) == [field], fields
    await scheduler.create_pool()
    assert list(await violations(scheduler.apply(pool="pool", content=content(work_queue_name="missing")))) == [
        "content.work_queue_name"
    ]
    unknown = content(job_variables=struct(memory="1G"))
    assert list(await violations(scheduler.apply(pool="pool", content=unknown))) == ["content.job_variables.memory"]


async def test_parameters_of_a_run_are_merged_and_checked(scheduler: Scheduler) -> None:
    given = content(
        parameters=struct(day="monday"), parameter_schema=struct(**SCHEMA), enforce_parameter_schema=True, tags=["a"]
    )
    deployment_id = (await scheduler.apply(content=given)).deployment.deployment_id
    run = await scheduler.run(deployment_id, parameters=struct(count=3), tags=["b", "a"], name="by hand")
    assert as_python(run.parameters) == {"day": "monday", "count": 3}
    assert list(run.tags) == ["a", "b"]
    assert run.name == "by hand"
    assert run.state.type == SCHEDULED
    assert run.deployment_id == deployment_id
    assert (await violations(scheduler.run(deployment_id, parameters=struct(count=0, day=None)))).keys() == {
        "parameters.count",
        "parameters.day",
    }
    assert isinstance(await refused(scheduler.run(str(uuid7()))), errors.NotFound)
    assert list(await violations(scheduler.run(deployment_id, work_queue_name="q"))) == ["work_queue_name"]


async def test_a_run_is_created_once_for_each_id_and_key(parts: Parts, scheduler: Scheduler) -> None:
    deployment_id = (await scheduler.apply()).deployment.deployment_id
    flow_run_id = str(uuid7())

    async def run(**fields: Any) -> pb.RunDeploymentResponse:
        request = pb.RunDeploymentRequest(deployment_id=deployment_id, **fields)
        return await scheduler.deployments.RunDeployment(request)  # type: ignore[no-any-return]

    assert (await run(flow_run_id=flow_run_id)).created
    assert not (await run(flow_run_id=flow_run_id)).created
    first, second = await run(idempotency_key="k"), await run(idempotency_key="k")
    assert (first.created, second.created) == (True, False)
    assert first.flow_run.flow_run_id == second.flow_run.flow_run_id
    assert len(await parts.runs(deployment_ids=[deployment_id])) == 2


async def test_a_run_may_take_an_earlier_version(scheduler: Scheduler) -> None:
    first = (await scheduler.apply(content=content(parameters=struct(n=1)))).deployment
    await scheduler.apply(content=content(parameters=struct(n=2)))
    now = await scheduler.run(first.deployment_id)
    before = await scheduler.run(first.deployment_id, deployment_version_id=first.current_version_id)
    assert as_python(now.parameters) == {"n": 2}
    assert as_python(before.parameters) == {"n": 1}
    assert before.deployment_version_id == first.current_version_id
    other = (await scheduler.apply("other")).deployment
    error = await refused(scheduler.run(first.deployment_id, deployment_version_id=other.current_version_id))
    assert isinstance(error, errors.NotFound)


async def test_named_fields_are_changed_and_others_left(scheduler: Scheduler) -> None:
    before = (
        await scheduler.apply(
            content=content(tags=["a"], parameters=struct(n=1), description="old"),
            concurrency=pb.DeploymentConcurrency(limit=3),
            schedules=[cron(slug="s")],
        )
    ).deployment

    async def update(paths: list[str], **fields: Any) -> pb.Deployment:
        response = await scheduler.deployments.UpdateDeployment(
            pb.UpdateDeploymentRequest(
                deployment=pb.Deployment(deployment_id=before.deployment_id, **fields),
                update_mask=FieldMask(paths=paths),
            )
        )
        return response.deployment  # type: ignore[no-any-return]

    after = await update(["content.description"], content=content(description="new", tags=["ignored"]))
    assert (after.content.description, list(after.content.tags), after.version_number) == ("new", ["a"], 2)
    after = await update([], content=content(tags=["b"]))
    assert (after.content.description, list(after.content.tags)) == ("new", ["b"])
    after = await update(["concurrency.limit"])
    assert not after.concurrency.HasField("limit")
    after = await update(["paused"], paused=True)
    assert (after.paused, len(after.schedules)) == (True, 1)
    assert not after.schedules[0].HasField("next_at")
    assert list(await violations(update(["name"], name="x"))) == ["update_mask.paths[0]"]
    assert list(await violations(update(["content.nothing"]))) == ["update_mask"]
    assert list(await violations(update([]))) == ["update_mask"]


async def test_schedules_keep_their_identity_by_their_slugs(scheduler: Scheduler) -> None:
    applied = await scheduler.apply(schedules=[cron(slug="a"), cron("0 6 * * *", slug="b"), cron("0 7 * * *")])
    before = {schedule.slug: schedule.schedule_id for schedule in applied.deployment.schedules}
    applied = await scheduler.apply(schedules=[cron("0 8 * * *", slug="a"), cron("0 7 * * *"), cron(slug="c")])
    after = {schedule.slug: schedule.schedule_id for schedule in applied.deployment.schedules}
    unnamed = next(slug for slug in before if slug not in "ab")
    assert after["a"] == before["a"]
    assert after[unnamed] == before[unnamed]
    assert set(after) == {"a", "c", unnamed}
    assert not applied.new_version
    kept = await scheduler.apply(keep_schedules=True)
    assert {schedule.slug for schedule in kept.deployment.schedules} == set(after)
    error = await violations(scheduler.apply(keep_schedules=True, schedules=[cron()]))
    assert list(error) == ["schedules"]


async def test_a_schedule_is_created_changed_and_deleted(scheduler: Scheduler) -> None:
    deployment_id = (await scheduler.apply()).deployment.deployment_id

    async def create(schedule: pb.Schedule) -> pb.Schedule:
        response = await scheduler.deployments.CreateSchedule(
            pb.CreateScheduleRequest(deployment_id=deployment_id, schedule=schedule)
        )
        return response.schedule  # type: ignore[no-any-return]

    created = await create(cron(slug="a"))
    assert created.HasField("next_at")
    assert isinstance(await refused(create(cron(slug="a"))), errors.AlreadyExists)
    assert list(await violations(create(cron("x * * * *")))) == ["schedule.rule.cron.expression"]
    changed = await scheduler.deployments.UpdateSchedule(
        pb.UpdateScheduleRequest(
            schedule=pb.Schedule(schedule_id=created.schedule_id, active=False, slug="ignored", rule=cron().rule),
            update_mask=FieldMask(paths=["active"]),
        )
    )
    assert (changed.schedule.slug, changed.schedule.active) == ("a", False)
    assert not changed.schedule.HasField("next_at")
    await scheduler.deployments.DeleteSchedule(pb.DeleteScheduleRequest(schedule_id=created.schedule_id))
    assert not (await scheduler.get(deployment_id)).schedules
    gone = scheduler.deployments.DeleteSchedule(pb.DeleteScheduleRequest(schedule_id=created.schedule_id))
    assert isinstance(await refused(gone), errors.NotFound)


async def test_a_schedule_can_be_previewed_before_it_exists(scheduler: Scheduler) -> None:
    start = Timestamp()
    start.FromDatetime(datetime.datetime(2026, 3, 28, 12, tzinfo=datetime.UTC))
    request = pb.PreviewScheduleRequest(schedule=cron("30 2 * * *"), count=3)
    getattr(request, "from").CopyFrom(start)
    response = await scheduler.deployments.PreviewSchedule(request)
    assert [f"{time.ToDatetime():%d %H:%M}" for time in response.times] == ["29 01:00", "30 00:30", "31 00:30"]
    applied = await scheduler.apply(schedules=[cron("30 2 * * *")])
    request = pb.PreviewScheduleRequest(schedule_id=applied.deployment.schedules[0].schedule_id)
    getattr(request, "from").CopyFrom(start)
    assert len((await scheduler.deployments.PreviewSchedule(request)).times) == 10
    wrong = scheduler.deployments.PreviewSchedule(pb.PreviewScheduleRequest(schedule=cron("* * * *")))
    assert list(await violations(wrong)) == ["schedule.rule.cron.expression"]


async def test_deployments_are_listed_by_what_is_asked(scheduler: Scheduler) -> None:
    await scheduler.create_pool()
    await scheduler.apply("alpha", flow="one", content=content(tags=["x", "y"], labels=struct(team="a")))
    await scheduler.apply("beta", flow="two", pool="pool", content=content(tags=["x"]), paused=True)
    await scheduler.apply("gamma", flow="two", schedules=[cron()], concurrency=pb.DeploymentConcurrency(limit=1))

    async def names(sort: pb.DeploymentSort.ValueType = pb.DEPLOYMENT_SORT_NAME_ASC, **chosen: Any) -> list[str]:
        response = await scheduler.deployments.ListDeployments(
            pb.ListDeploymentsRequest(filter=pb.DeploymentFilter(**chosen), sort=sort)
        )
        return [deployment.name for deployment in response.deployments]

    assert await names() == ["alpha", "beta", "gamma"]
    assert await names(pb.DEPLOYMENT_SORT_UNSPECIFIED) == ["gamma", "beta", "alpha"]
    assert await names(pb.DEPLOYMENT_SORT_UPDATED_DESC) == ["gamma", "beta", "alpha"]
    assert await names(pb.DEPLOYMENT_SORT_NAME_DESC) == ["gamma", "beta", "alpha"]
    assert await names(tags_all=["x", "y"]) == ["alpha"]
    assert await names(tags_any=["x", "z"]) == ["alpha", "beta"]
    assert await names(tags_none=["y"]) == ["beta", "gamma"]
    assert await names(labels=struct(team="a")) == ["alpha"]
    assert await names(name_contains="ONE") == ["alpha"]
    assert await names(name_contains="%") == []
    assert await names(names=["beta", "gamma"]) == ["beta", "gamma"]
    assert await names(work_pool_names=["pool"]) == ["beta"]
    assert await names(work_queue_names=["default"]) == ["beta"]
    assert await names(paused=True) == ["beta"]
    assert await names(paused=False) == ["alpha", "gamma"]
    assert await names(has_concurrency_limit=True) == ["gamma"]
    assert await names(scheduled=True) == ["gamma"]
    assert await names(scheduled=False) == ["alpha", "beta"]


async def test_pages_join_to_the_whole_list(scheduler: Scheduler) -> None:
    for number in range(7):
        await scheduler.apply(f"d{number}")
    for sort in (pb.DEPLOYMENT_SORT_NAME_ASC, pb.DEPLOYMENT_SORT_CREATED_DESC, pb.DEPLOYMENT_SORT_UPDATED_DESC):
        found: list[str] = []
        token = ""
        while True:
            response = await scheduler.deployments.ListDeployments(
                pb.ListDeploymentsRequest(sort=sort, page_size=3, page_token=token)
            )
            found += [deployment.name for deployment in response.deployments]
            token = response.next_page_token
            if not token:
                break
        assert sorted(found) == [f"d{number}" for number in range(7)]
        assert len(found) == 7
    other = scheduler.deployments.ListDeployments(
        pb.ListDeploymentsRequest(page_token=(await first_token(scheduler)), sort=pb.DEPLOYMENT_SORT_NAME_DESC)
    )
    assert list(await violations(other)) == ["page_token"]


async def first_token(scheduler: Scheduler) -> str:
    response = await scheduler.deployments.ListDeployments(
        pb.ListDeploymentsRequest(page_size=1, sort=pb.DEPLOYMENT_SORT_NAME_ASC)
    )
    return str(response.next_page_token)


async def test_a_deleted_deployment_takes_its_waiting_runs_along(parts: Parts, scheduler: Scheduler) -> None:
    deployment_id = (await scheduler.apply(schedules=[cron()])).deployment.deployment_id
    run = await scheduler.run(deployment_id)
    await eventually(lambda: _count(parts, deployment_id, 4))
    await scheduler.deployments.DeleteDeployment(pb.DeleteDeploymentRequest(deployment_id=deployment_id))
    assert isinstance(await refused(scheduler.get(deployment_id)), errors.NotFound)
    left = await parts.runs(deployment_ids=[deployment_id])
    assert [(one.flow_run_id, one.state.type) for one in left] == [(run.flow_run_id, CANCELLED)]
    # The name is free again.
    assert (await scheduler.apply()).created


async def _count(parts: Parts, deployment_id: str, number: int) -> bool:
    return len(await parts.runs(deployment_ids=[deployment_id])) == number


async def test_a_pool_is_kept_as_long_as_deployments_name_it(scheduler: Scheduler) -> None:
    await scheduler.create_pool()
    await scheduler.pools.CreateWorkQueue(
        work_pool_pb2.CreateWorkQueueRequest(work_pool_name="pool", work_queue=work_pool_pb2.WorkQueue(name="fast"))
    )
    applied = await scheduler.apply(pool="pool", content=content(work_queue_name="fast"))
    delete_pool = work_pool_pb2.DeleteWorkPoolRequest(work_pool_name="pool")
    delete_queue = work_pool_pb2.DeleteWorkQueueRequest(work_pool_name="pool", work_queue_name="fast")
    for call in (scheduler.pools.DeleteWorkPool(delete_pool), scheduler.pools.DeleteWorkQueue(delete_queue)):
        error = await refused(call)
        assert isinstance(error, errors.FailedPrecondition)
        assert "1 deployments" in error.message
    await scheduler.deployments.DeleteDeployment(
        pb.DeleteDeploymentRequest(deployment_id=applied.deployment.deployment_id)
    )
    await scheduler.pools.DeleteWorkQueue(delete_queue)
    await scheduler.pools.DeleteWorkPool(delete_pool)
    listed = await scheduler.pools.ListWorkPools(work_pool_pb2.ListWorkPoolsRequest())
    assert not listed.work_pools
