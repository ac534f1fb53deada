"""When automations would have fired: the same as when they do."""

from __future__ import annotations

import datetime
from typing import Any

import grpc.aio
import pytest

from headrace.api.v1 import automation_pb2, automation_pb2_grpc, event_pb2, event_pb2_grpc, state_pb2
from headrace.ids import uuid7
from headrace_harness.automations import an_automation, create, deliveries
from headrace_harness.services import RunningService

NOTHING = automation_pb2.Action(do_nothing=automation_pb2.DoNothingAction())
BEGIN = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - datetime.timedelta(hours=2)


def after(seconds: float) -> datetime.datetime:
    return BEGIN + datetime.timedelta(seconds=seconds)


async def tell(service: RunningService, *story: tuple[float, str, str]) -> None:
    """Emit events of the past: seconds after the beginning, name, resource."""
    events = []
    for seconds, name, resource in story:
        event = event_pb2.Event(
            event_id=str(uuid7()), name=name, resource=event_pb2.EventResource(resource_id=resource)
        )
        event.occurred_at.FromDatetime(after(seconds))
        events.append(event)
    stub = event_pb2_grpc.EventServiceStub(service.channel)
    await stub.EmitEvents(event_pb2.EmitEventsRequest(events=events))


async def outlook(service: RunningService, **request: Any) -> automation_pb2.TestAutomationResponse:
    span = state_pb2.TimeRange(until=request.pop("until", None))
    getattr(span, "from").FromDatetime(BEGIN - datetime.timedelta(minutes=1))
    stub = automation_pb2_grpc.AutomationServiceStub(service.channel)
    return await stub.TestAutomation(automation_pb2.TestAutomationRequest(span=span, **request))


def told(response: automation_pb2.TestAutomationResponse) -> list[tuple[str, float, str]]:
    return [
        (
            one.state,
            (one.at.ToDatetime(datetime.UTC) - BEGIN).total_seconds(),
            one.labels.get("headrace.resource.id", ""),
        )
        for one in response.firings
    ]


async def test_each_of_yesterdays_failures_would_have_fired(service: RunningService) -> None:
    await tell(service, *((n, "app.failed" if n % 3 else "app.done", f"app.{n}") for n in range(10)))
    automation = an_automation(NOTHING, expect=["app.failed"])
    response = await outlook(service, automation=automation)
    assert (response.fired_count, response.resolved_count, response.event_count) == (6, 0, 6)
    assert not response.capped
    assert [one.event.resource.resource_id for one in response.firings] == [f"app.{n}" for n in range(10) if n % 3]
    assert [seconds for _, seconds, _ in told(response)] == [n for n in range(10) if n % 3]
    stub = automation_pb2_grpc.AutomationServiceStub(service.channel)
    # Nothing was done, and nothing is stored.
    assert await deliveries(service.channel) == []
    assert not (await stub.ListAutomations(automation_pb2.ListAutomationsRequest())).automations


async def test_thresholds_count_apart_as_they_do_in_earnest(service: RunningService) -> None:
    story = [(0, "a"), (1, "b"), (2, "a"), (3, "b"), (40, "a"), (41, "a"), (45, "b")]
    await tell(service, *((seconds, "app.failed", resource) for seconds, resource in story))
    automation = an_automation(
        NOTHING,
        expect=["app.*"],
        threshold=2,
        within=datetime.timedelta(seconds=30),
        for_each=["headrace.resource.id"],
        enabled=False,
    )
    stored = await create(service.channel, automation)
    response = await outlook(service, automation_id=stored.automation_id)
    assert told(response) == [("fired", 2, "a"), ("fired", 3, "b"), ("fired", 41, "a")]


async def test_the_clock_goes_by_while_nothing_happens(service: RunningService) -> None:
    await tell(
        service,
        (0, "job.started", "one"),
        (5, "job.started", "two"),
        (20, "job.done", "one"),
        (100, "job.done", "two"),
        (200, "job.started", "three"),
    )
    automation = an_automation(
        NOTHING,
        posture=automation_pb2.TRIGGER_POSTURE_PROACTIVE,
        after=["job.started"],
        expect=["job.done"],
        within=datetime.timedelta(seconds=60),
        for_each=["headrace.resource.id"],
    )
    response = await outlook(service, automation=automation)
    assert told(response) == [("fired", 65, "two"), ("resolved", 100, "two"), ("fired", 260, "three")]
    assert (response.fired_count, response.resolved_count) == (2, 1)


async def test_conditions_in_an_order_are_seen_in_that_order(service: RunningService) -> None:
    await tell(service, (0, "app.b", "x"), (1, "app.a", "x"), (2, "app.b", "x"), (3, "app.a", "x"))
    first, second = (automation_pb2.Trigger(event=automation_pb2.EventTrigger(expect=[n])) for n in ("app.a", "app.b"))
    automation = an_automation(NOTHING)
    automation.trigger.sequence.CopyFrom(automation_pb2.SequenceTrigger(triggers=[first, second]))
    response = await outlook(service, automation=automation)
    assert told(response) == [("fired", 2, "")]
    assert response.event_count == 4


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"automation": automation_pb2.Automation(name="no condition")}, "automation.trigger"),
        ({"automation": an_automation()}, "automation.actions"),
    ],
)
async def test_what_could_not_be_created_cannot_be_tested(
    service: RunningService, request_: dict[str, Any], field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await outlook(service, **request_)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in str(refused.value.details())


async def test_a_span_that_ends_before_it_begins_is_refused(service: RunningService) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        early = automation_pb2.TestAutomationRequest().span.until
        early.FromDatetime(BEGIN - datetime.timedelta(days=1))
        await outlook(service, automation=an_automation(NOTHING), until=early)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
