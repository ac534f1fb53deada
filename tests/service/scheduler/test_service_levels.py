"""What is promised of deployments: kept, looked after, and told of when it is broken."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from headrace.api.v1 import service_level_pb2 as pb
from headrace.api.v1 import service_level_pb2_grpc
from headrace.ids import uuid7
from headrace.internal.v1 import changes_pb2
from headrace_chassis.database import Database
from service.scheduler.parts import Parts, PlayedWorker, Scheduler, connected, eventually

SECOND = Duration(seconds=1)


def levels(scheduler: Scheduler) -> service_level_pb2_grpc.ServiceLevelServiceAsyncStub:
    """Return the stub of the service."""
    return service_level_pb2_grpc.ServiceLevelServiceStub(scheduler.channel)


async def promise(scheduler: Scheduler, deployment_id: str, *wanted: pb.ServiceLevel) -> list[pb.ServiceLevel]:
    """Set the service levels of a deployment."""
    request = pb.SetServiceLevelsRequest(deployment_id=deployment_id, service_levels=wanted)
    return list((await levels(scheduler).SetServiceLevels(request)).service_levels)


async def told(database: Database) -> list[changes_pb2.ServiceLevelViolated]:
    """Return what was told of broken promises."""
    async with database.connection() as connection:
        rows = await connection.fetch("select payload from outbox where kind = 'service-level' order by position")
    return [changes_pb2.ServiceLevelViolated.FromString(row["payload"]) for row in rows]


async def test_promises_keep_their_identity_by_their_names(scheduler: Scheduler) -> None:
    deployment_id = (await scheduler.apply()).deployment.deployment_id
    quick = pb.ServiceLevel(name="quick", kind=pb.SERVICE_LEVEL_KIND_COMPLETION, within=Duration(seconds=60))
    often = pb.ServiceLevel(
        name="often",
        kind=pb.SERVICE_LEVEL_KIND_FREQUENCY,
        within=Duration(seconds=3600),
        severity=pb.SERVICE_LEVEL_SEVERITY_CRITICAL,
    )
    first = await promise(scheduler, deployment_id, quick, often)
    assert [(level.name, level.severity) for level in first] == [
        ("often", pb.SERVICE_LEVEL_SEVERITY_CRITICAL),
        ("quick", pb.SERVICE_LEVEL_SEVERITY_MODERATE),
    ]
    quick.within.seconds = 30
    (changed,) = await promise(scheduler, deployment_id, quick)
    assert (changed.service_level_id, changed.within.seconds) == (first[1].service_level_id, 30)
    listed = await levels(scheduler).GetServiceLevels(pb.GetServiceLevelsRequest(deployment_id=deployment_id))
    assert list(listed.service_levels) == [changed]
    wrong: list[tuple[str, Any]] = [
        (deployment_id, [quick, quick]),
        (deployment_id, [pb.ServiceLevel(name="x", within=SECOND)]),
        (deployment_id, [pb.ServiceLevel(name="x", kind=pb.SERVICE_LEVEL_KIND_LATENESS)]),
    ]
    for identifier, given in wrong:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await promise(scheduler, identifier, *given)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await promise(scheduler, str(uuid7()), quick)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_each_broken_promise_is_told_once(parts: Parts, database: Database) -> None:
    scheduler = parts.scheduler
    await scheduler.create_pool()
    deployment_id = (await scheduler.apply(pool="pool")).deployment.deployment_id
    await promise(
        scheduler,
        deployment_id,
        pb.ServiceLevel(name="soon", kind=pb.SERVICE_LEVEL_KIND_LATENESS, within=SECOND),
        pb.ServiceLevel(name="quick", kind=pb.SERVICE_LEVEL_KIND_COMPLETION, within=SECOND),
        pb.ServiceLevel(name="often", kind=pb.SERVICE_LEVEL_KIND_FREQUENCY, within=SECOND),
        pb.ServiceLevel(name="never", kind=pb.SERVICE_LEVEL_KIND_LATENESS, within=SECOND, disabled=True),
    )
    run = await scheduler.run(deployment_id)

    async def names() -> list[str]:
        return sorted(violated.service_level.name for violated in await told(database))

    async def are(*expected: str) -> bool:
        return await names() == list(expected)

    await eventually(lambda: are("often", "soon"), "nothing started or completed")
    async with connected(PlayedWorker(scheduler, pool="pool")) as worker:
        await worker.until_given(1)
        await worker.begin(parts.state, run.flow_run_id)
        await eventually(lambda: are("often", "quick", "soon"), "the run takes too long")
    by_name = {violated.service_level.name: violated for violated in await told(database)}
    assert by_name["soon"].flow_run_id == by_name["quick"].flow_run_id == run.flow_run_id
    assert by_name["often"].flow_run_id == ""
    assert by_name["quick"].deployment.deployment_id == deployment_id
    listed = await levels(scheduler).GetServiceLevels(pb.GetServiceLevelsRequest(deployment_id=deployment_id))
    assert {level.name for level in listed.service_levels if level.HasField("violated_at")} == set(by_name)
