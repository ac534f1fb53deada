"""Automations that every workspace has from the start."""

from __future__ import annotations

import datetime

import grpc.aio
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from headrace.api.v1 import automation_pb2, automation_pb2_grpc, event_pb2, event_pb2_grpc, state_pb2, work_pool_pb2
from headrace.ids import uuid7
from headrace_chassis.settings import ServerSettings
from headrace_harness.automations import an_automation
from headrace_harness.services import RunningService
from headrace_harness.waiting import eventually
from headrace_notification.rules.built_in import ATTENDED, BUILT_IN, UNATTENDED
from service.notification.played import KEY, World, a_run


@pytest.fixture
def settings() -> ServerSettings:
    return ServerSettings.model_validate({"encryption_key": KEY, "metric_interval_seconds": 0.1})


async def built_in(service: RunningService) -> automation_pb2.Automation:
    """Return the automation on runs that nobody takes, once something has happened in the workspace."""
    stub = automation_pb2_grpc.AutomationServiceStub(service.channel)
    found: list[automation_pb2.Automation] = []

    async def is_there() -> bool:
        request = automation_pb2.ListAutomationsRequest(owner_resource_id=BUILT_IN)
        found[:] = (await stub.ListAutomations(request)).automations
        return bool(found)

    await eventually(is_there, 30)
    [automation] = found
    return automation


async def test_runs_that_wait_without_a_worker_become_an_event(service: RunningService, world: World) -> None:
    pool = work_pool_pb2.WorkPool(work_pool_id=str(uuid7()), status=work_pool_pb2.WORK_POOL_STATUS_NOT_READY)
    world.work_pools.pools, world.state.waiting = [pool], 4
    await world.enter(a_run(), state_pb2.STATE_TYPE_RUNNING)
    automation = await built_in(service)
    assert automation.enabled
    # A minute is long for a test.
    stub = automation_pb2_grpc.AutomationServiceStub(service.channel)
    automation.trigger.metric.firing_for.FromTimedelta(datetime.timedelta())
    await stub.UpdateAutomation(
        automation_pb2.UpdateAutomationRequest(automation=automation, update_mask=FieldMask(paths=["trigger"]))
    )
    events = event_pb2_grpc.EventServiceStub(service.channel)
    told: list[tuple[str, str]] = []

    async def is_told() -> bool:
        wanted = event_pb2.EventFilter(names=["headrace.work-pool.*"])
        page = await events.ListEvents(event_pb2.ListEventsRequest(filter=wanted))
        told[:] = [(event.name, str(event.payload["runs"])) for event in page.events]
        return bool(told) and told[0][0] == wanted_name

    wanted_name = UNATTENDED
    await eventually(is_told, 30)
    pool.status = work_pool_pb2.WORK_POOL_STATUS_READY
    wanted_name = ATTENDED
    await eventually(is_told, 30)
    assert told == [(ATTENDED, "0.0"), (UNATTENDED, "4.0")]


async def test_it_can_be_disabled_and_not_deleted(service: RunningService, world: World) -> None:
    await world.enter(a_run(), state_pb2.STATE_TYPE_RUNNING)
    automation = await built_in(service)
    stub = automation_pb2_grpc.AutomationServiceStub(service.channel)
    automation.enabled = False
    request = automation_pb2.UpdateAutomationRequest(automation=automation, update_mask=FieldMask(paths=["enabled"]))
    assert not (await stub.UpdateAutomation(request)).automation.enabled
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.DeleteAutomation(automation_pb2.DeleteAutomationRequest(automation_id=automation.automation_id))
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    # Among those that people made it is not listed, and nobody else's is one.
    assert not (await stub.ListAutomations(automation_pb2.ListAutomationsRequest())).automations
    pretended = an_automation(automation_pb2.Action(do_nothing=automation_pb2.DoNothingAction()))
    pretended.owner_resource_id = BUILT_IN
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.CreateAutomation(automation_pb2.CreateAutomationRequest(automation=pretended))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
