"""Automations on figures: measured by the services that own the runs, remembered over restarts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace import errors
from headrace.api.v1 import automation_pb2, state_pb2, work_pool_pb2
from headrace.ids import uuid7
from headrace_chassis.settings import ServerSettings
from headrace_harness.automations import a_match, a_webhook, an_automation, create
from headrace_harness.receiver import Receiver
from headrace_harness.services import RunningService, running_service
from headrace_harness.waiting import eventually
from headrace_notification.wiring import build
from service.notification.played import KEY, World

COMPLETED, FAILED = state_pb2.STATE_TYPE_COMPLETED, state_pb2.STATE_TYPE_FAILED


@pytest.fixture
def settings() -> ServerSettings:
    return ServerSettings.model_validate({"encryption_key": KEY, "metric_interval_seconds": 0.1})


def on_figure(url: str, metric: str, operator: str, threshold: float, **fields: Any) -> automation_pb2.Automation:
    automation = an_automation()
    trigger = automation_pb2.MetricTrigger(metric=metric, operator=operator, threshold=threshold, **fields)
    automation.trigger.metric.CopyFrom(trigger)
    del automation.actions[:]
    automation.actions_on_trigger.append(a_webhook(url))
    automation.actions_on_resolve.append(a_webhook(url, body_template="resolved at {{ firing.metric.value }}"))
    return automation


async def measured(asked: list[Any]) -> None:
    """Return once the figures were asked for, and judged, a few times more."""
    count = len(asked)

    async def is_so() -> bool:
        return len(asked) > count + 2

    await eventually(is_so, 30)


async def test_too_few_successes_fire_once_and_resolve(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    deployment_id = str(uuid7())
    world.insight.ended = {COMPLETED: 8, FAILED: 2}
    created = await create(
        service.channel,
        on_figure(
            receiver.url,
            "success_rate",
            "<",
            0.9,
            match=a_match(resource_id=f"headrace.deployment.{deployment_id}"),
        ),
    )
    assert created.trigger.metric.range.seconds == 3600
    [request] = await receiver.got(1)
    told = json.loads(request.body)["firing"]
    assert (told["state"], told["metric"]["value"], told["metric"]["threshold"]) == ("fired", 0.8, 0.9)
    asked = world.insight.asked[-1]
    assert list(asked.filter.deployment_ids) == [deployment_id]
    assert asked.span.until.seconds - getattr(asked.span, "from").seconds == 3600
    await measured(world.insight.asked)
    assert len(receiver.received) == 1
    world.insight.ended = {}
    await measured(world.insight.asked)
    # Nothing ran: that is no good news.
    assert len(receiver.received) == 1
    world.insight.ended = {COMPLETED: 1}
    _, resolved = await receiver.got(2)
    assert resolved.body == b"resolved at 1.0"


async def test_what_is_told_survives_a_restart(
    database_url: str, world: World, receiver: Receiver, settings: ServerSettings
) -> None:
    async def running() -> Any:
        return running_service("notification", build, database_url, neighbours=world.neighbours, settings=settings)

    world.insight.lateness_seconds = 30.0
    async with await running() as service:
        await create(service.channel, on_figure(receiver.url, "lateness", ">", 20))
        await receiver.got(1)
    async with await running():
        await measured(world.insight.asked)
        assert len(receiver.received) == 1
        world.insight.lateness_seconds = 10.0
        _, resolved = await receiver.got(2)
        assert resolved.body == b"resolved at 10.0"


async def test_runs_that_no_worker_takes_are_counted(service: RunningService, world: World, receiver: Receiver) -> None:
    idle = work_pool_pb2.WorkPool(work_pool_id=str(uuid7()), status=work_pool_pb2.WORK_POOL_STATUS_NOT_READY)
    busy = work_pool_pb2.WorkPool(work_pool_id=str(uuid7()), status=work_pool_pb2.WORK_POOL_STATUS_READY)
    world.work_pools.pools = [idle, busy]
    world.state.waiting = 3
    await create(service.channel, on_figure(receiver.url, "unattended_runs", ">", 0))
    [request] = await receiver.got(1)
    assert json.loads(request.body)["firing"]["metric"]["value"] == 3.0
    assert list(world.state.counted[-1].work_pool_ids) == [idle.work_pool_id]
    assert world.state.counted[-1].next_scheduled_start.HasField("until")
    idle.status = work_pool_pb2.WORK_POOL_STATUS_READY
    _, resolved = await receiver.got(2)
    assert resolved.body == b"resolved at 0.0"


async def test_a_figure_may_be_one_of_several_conditions(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    automation = on_figure(receiver.url, "queue_depth", ">=", 5)
    figure = automation_pb2.Trigger(metric=automation.trigger.metric)
    duration = automation_pb2.Trigger(metric=automation_pb2.MetricTrigger(metric="duration", operator=">", threshold=9))
    automation.trigger.compound.CopyFrom(automation_pb2.CompoundTrigger(triggers=[figure, duration]))
    del automation.actions_on_resolve[:]
    world.state.waiting = 5
    await create(service.channel, automation)
    await measured(world.state.counted)
    assert not receiver.received
    world.insight.ended = {COMPLETED: 1}
    await receiver.got(1)


async def test_a_neighbour_that_is_away_is_asked_again(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    world.insight.failures = [errors.NotFound("away") for _ in range(3)]
    world.insight.ended = {FAILED: 1}
    await create(service.channel, on_figure(receiver.url, "success_rate", "<", 0.5))
    await receiver.got(1)
    assert not world.insight.failures
