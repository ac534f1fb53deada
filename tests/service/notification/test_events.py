from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import grpc.aio
import pytest

from headrace import errors
from headrace.api.v1 import event_pb2, event_pb2_grpc, flow_run_pb2, state_pb2, task_run_pb2, work_pool_pb2
from headrace.api.v1.deployment_pb2 import DEPLOYMENT_STATUS_READY, Deployment, DeploymentContent
from headrace.ids import uuid7
from headrace.internal.v1 import changes_pb2
from headrace.rpc.status import from_rpc_error
from headrace_chassis.resolving import WORKSPACE_KEY
from headrace_harness.automations import a_webhook, an_automation, create
from headrace_harness.services import RunningService, running_service
from headrace_notification.wiring import build
from service.notification.played import World, a_run

MOMENT = datetime.datetime.now(datetime.UTC).replace(hour=12, minute=0, second=0, microsecond=0) - datetime.timedelta(
    days=3
)
SECOND = datetime.timedelta(seconds=1)


def stub_of(channel: grpc.aio.Channel) -> Any:
    return event_pb2_grpc.EventServiceStub(channel)


def an_event(name: str = "app.done", resource_id: str = "app.1", **fields: Any) -> event_pb2.Event:
    at = fields.pop("at", None)
    event = event_pb2.Event(
        event_id=str(uuid7()), name=name, resource=event_pb2.EventResource(resource_id=resource_id), **fields
    )
    event.occurred_at.FromDatetime(at or datetime.datetime.now(datetime.UTC))
    return event


async def emit(channel: grpc.aio.Channel, *events: event_pb2.Event) -> int:
    response = await stub_of(channel).EmitEvents(event_pb2.EmitEventsRequest(events=events))
    return int(response.stored)


async def listed(channel: grpc.aio.Channel, page_size: int = 50, sort: int = 2, **wanted: Any) -> list[event_pb2.Event]:
    found: list[event_pb2.Event] = []
    token = ""
    while True:
        page = await stub_of(channel).ListEvents(
            event_pb2.ListEventsRequest(
                filter=event_pb2.EventFilter(**wanted),
                page_size=page_size,
                page_token=token,
                sort=event_pb2.EventSort.ValueType(sort),
            )
        )
        found.extend(page.events)
        token = page.next_page_token
        if not token:
            return found


async def until_listed(channel: grpc.aio.Channel, count: int, **wanted: Any) -> list[event_pb2.Event]:
    while True:
        found = await listed(channel, **wanted)
        if len(found) >= count:
            return found
        await asyncio.sleep(0.02)


class Collector:
    """What a follower of events is sent."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.tokens: list[str] = []
        self.counts: list[int] = []
        """How many events had come with each token."""
        self._changed = asyncio.Condition()

    async def collect(self, call: Any) -> None:
        async for response in call:
            async with self._changed:
                self.names.extend(event.name for event in response.events)
                self.tokens.append(response.follow_token)
                self.counts.append(len(self.names))
                self._changed.notify_all()

    async def begun(self) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.tokens)

    async def got(self, count: int) -> list[str]:
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.names) >= count)
        return self.names


@contextlib.asynccontextmanager
async def following(channel: grpc.aio.Channel, token: str = "", **wanted: Any) -> AsyncIterator[Collector]:
    call = stub_of(channel).FollowEvents(
        event_pb2.FollowEventsRequest(filter=event_pb2.EventFilter(**wanted), follow_token=token)
    )
    collector = Collector()
    collecting = asyncio.create_task(collector.collect(call))
    try:
        await collector.begun()
        yield collector
    finally:
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError, grpc.aio.AioRpcError):
            await collecting


async def test_an_event_comes_back_as_it_was_emitted(service: RunningService) -> None:
    event = an_event(
        related=[event_pb2.EventResource(resource_id="r.1", name="R", role="owner", labels={"a": "b"})],
        follows_event_id=str(uuid7()),
        at=MOMENT,
    )
    event.resource.name = "one"
    event.resource.labels["x"] = "y"
    event.payload.update({"n": 1, "nested": {"l": [True, None, "x", 1.5]}})
    assert await emit(service.channel, event) == 1
    response = await stub_of(service.channel).GetEvent(event_pb2.GetEventRequest(event_id=event.event_id))
    assert response.event.HasField("received_at")
    response.event.ClearField("received_at")
    assert response.event == event


async def test_an_event_that_is_known_is_left_alone(service: RunningService) -> None:
    one, other = an_event("app.a"), an_event("app.b")
    assert await emit(service.channel, one, one) == 1
    changed = an_event("app.changed")
    changed.event_id = one.event_id
    assert await emit(service.channel, changed, other) == 1
    assert [event.name for event in await listed(service.channel)] == ["app.a", "app.b"]
    counts = await asyncio.gather(*(emit(service.channel, an_event(), other) for _ in range(5)))
    assert counts == [1] * 5


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (event_pb2.Event(name="x"), "events[0].resource.resource_id"),
        (event_pb2.Event(name="headrace.flow-run.Failed"), "events[0].name"),
        (event_pb2.Event(name="x", event_id="y"), "events[0].event_id"),
        (event_pb2.Event(name="x", follows_event_id="y"), "events[0].follows_event_id"),
    ],
)
async def test_what_is_emitted_wrongly_is_named(service: RunningService, event: event_pb2.Event, field: str) -> None:
    if field != "events[0].resource.resource_id":
        event.resource.resource_id = "r"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await emit(service.channel, event)
    error = from_rpc_error(caught.value)
    assert isinstance(error, errors.InvalidArgument)
    assert [violation.field for violation in error.violations] == [field]


async def test_reserved_labels_and_large_events_are_refused(service: RunningService) -> None:
    labelled = an_event()
    labelled.resource.labels["headrace.resource.id"] = "x"
    large = an_event()
    large.payload.update({"x": "y" * 1_500_000})
    for event in (labelled, large):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await emit(service.channel, event)
        assert isinstance(from_rpc_error(caught.value), errors.InvalidArgument)


@pytest.mark.parametrize("page_size", [1, 3, 50])
async def test_pages_hold_each_event_once_in_order_both_ways(service: RunningService, page_size: int) -> None:
    moments = [MOMENT + datetime.timedelta(hours=9 * place) for place in (2, 0, 1)]
    await emit(service.channel, *(an_event(f"{moment:%d%H}.{n}", at=moment) for moment in moments for n in range(3)))
    expected = [f"{moment:%d%H}.{n}" for moment in sorted(moments) for n in range(3)]
    assert [event.name for event in await listed(service.channel, page_size, sort=2)] == expected
    assert [event.name for event in await listed(service.channel, page_size, sort=1)] == expected[::-1]


async def test_filters_are_joined_by_and(service: RunningService) -> None:
    owner = event_pb2.EventResource(resource_id="owner.1", role="owner")
    tag = event_pb2.EventResource(resource_id="tag.x", role="tag")
    events = [
        an_event("app.started", "app.1", at=MOMENT, related=[owner]),
        an_event("app.done", "app.2", at=MOMENT + SECOND, related=[owner, tag]),
        an_event("other.done", "app.20", at=MOMENT + 2 * SECOND),
    ]
    events[1].resource.labels.update({"env": "prod", "team": "data"})
    events[2].resource.labels.update({"env": "prod"})
    events[2].payload.update({"note": "100% Sure"})
    await emit(service.channel, *events)

    async def names(**wanted: Any) -> list[str]:
        return [event.name for event in await listed(service.channel, **wanted)]

    span = state_pb2.TimeRange()
    getattr(span, "from").FromDatetime(MOMENT + SECOND)
    span.until.FromDatetime(MOMENT + 2 * SECOND)
    assert await names(event_ids=[events[0].event_id, events[2].event_id]) == ["app.started", "other.done"]
    assert await names(names=["app.*"]) == ["app.started", "app.done"]
    assert await names(names=["app.done", "other.*"]) == ["app.done", "other.done"]
    assert await names(names_excluded=["app.*"]) == ["other.done"]
    assert await names(resource_ids=["app.2"]) == ["app.done"]
    assert await names(resource_ids=["app.2*"]) == ["app.done", "other.done"]
    assert await names(related_resource_ids=["owner.1"]) == ["app.started", "app.done"]
    assert await names(any_resource_ids=["tag.x", "app.20"]) == ["app.done", "other.done"]
    assert await names(related_roles=["tag", "x"]) == ["app.done"]
    assert await names(resource_labels={"env": "prod"}) == ["app.done", "other.done"]
    assert await names(resource_labels={"env": "prod", "team": "data"}) == ["app.done"]
    assert await names(occurred=span) == ["app.done"]
    assert await names(text="100% sure") == ["other.done"]
    assert await names(text="APP.1") == ["app.started"]
    assert await names(text="owner.1 tag.x") == ["app.done"]
    assert await names(names=["app.*"], related_roles=["tag"]) == ["app.done"]


async def test_one_workspace_does_not_see_the_events_of_another(service: RunningService) -> None:
    elsewhere = ((WORKSPACE_KEY, str(uuid7())),)
    event = an_event()
    async with following(service.channel) as collector:
        await stub_of(service.channel).EmitEvents(event_pb2.EmitEventsRequest(events=[event]), metadata=elsewhere)
        await emit(service.channel, an_event("app.mine"))
        assert await collector.got(1) == ["app.mine"]
    assert [found.name for found in await listed(service.channel)] == ["app.mine"]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub_of(service.channel).GetEvent(event_pb2.GetEventRequest(event_id=event.event_id))
    assert isinstance(from_rpc_error(caught.value), errors.NotFound)


async def test_followers_of_all_replicas_see_every_event_once(database_url: str, world: World) -> None:
    everything = {f"app.{writer}.{n}" for writer in range(4) for n in range(40)}
    async with (
        running_service("notification", build, database_url, neighbours=world.neighbours) as one,
        running_service("notification", build, database_url, neighbours=world.neighbours) as other,
    ):
        replicas = (one, other)
        await emit(one.channel, an_event("before"))

        async def write(writer: int) -> None:
            for n in range(0, 40, 4):
                batch = [an_event(f"app.{writer}.{n + place}") for place in range(4)]
                await emit(replicas[writer % 2].channel, *batch)

        async with contextlib.AsyncExitStack() as stack:
            collectors = [
                await stack.enter_async_context(following(replicas[n % 2].channel, names=["app.*"])) for n in range(4)
            ]
            await asyncio.gather(*(write(writer) for writer in range(4)))
            for collector in collectors:
                await collector.got(len(everything))
                assert len(collector.names) == len(everything)
                assert set(collector.names) == everything
            tokens = collectors[0].tokens
            # Each token goes on where its answer ended, on the other replica, too.
            for place in range(0, len(tokens), max(1, len(tokens) // 5)):
                async with following(other.channel, tokens[place], names=["app.*"]) as again:
                    rest = collectors[0].names[collectors[0].counts[place] :]
                    await again.got(len(rest))
                    assert set(again.names) == set(rest)


async def test_a_follower_whose_past_is_not_kept_is_told_so(service: RunningService, database_url: str) -> None:
    async with following(service.channel) as collector:
        await emit(service.channel, an_event("one"), an_event("two"))
        await collector.got(2)
        token = collector.tokens[0]
    connection = await asyncpg.connect(database_url)
    await connection.execute("delete from notification.outbox")
    await connection.close()
    await emit(service.channel, an_event("three"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Collector().collect(
            stub_of(service.channel).FollowEvents(event_pb2.FollowEventsRequest(follow_token=token))
        )
    assert from_rpc_error(caught.value).reason == "FOLLOW_TOKEN_TOO_OLD"


async def test_flow_runs_tell_each_state_in_order(service: RunningService, world: World) -> None:
    run = a_run(parent_flow_run_id=str(uuid7()))
    run.creator.kind, run.creator.creator_id = state_pb2.CREATOR_KIND_SCHEDULE, "s1"
    ids = [
        await world.enter(run, state_pb2.STATE_TYPE_SCHEDULED, name="Awaiting Retry"),
        await world.enter(run, state_pb2.STATE_TYPE_RUNNING),
        await world.enter(run, state_pb2.STATE_TYPE_COMPLETED),
    ]
    found = await until_listed(service.channel, 3, resource_ids=["headrace.flow-run.*"])
    assert [event.name.rpartition(".")[2] for event in found] == ["AwaitingRetry", "Running", "Completed"]
    assert [event.event_id for event in found] == ids
    assert [event.follows_event_id for event in found] == ["", *ids[:2]]
    roles = {related.role: related.resource_id for related in found[0].related}
    assert roles["creator"] == "headrace.schedule.s1"
    assert roles["parent"] == f"headrace.flow-run.{run.parent_flow_run_id}"
    assert found[0].resource.labels["headrace.state-type"] == "SCHEDULED"


async def test_task_runs_tell_what_is_unhappy_and_what_somebody_looks_at(service: RunningService, world: World) -> None:
    run = a_run()
    world.state.runs[run.flow_run_id] = run
    described, known = str(uuid7()), str(uuid7())
    world.state.task_runs[known] = task_run_pb2.TaskRun(task_run_id=known, name="load-1", task_key="load", tags=["t"])

    def transition(task_run_id: str, type_: Any, name: str, **fields: Any) -> task_run_pb2.TaskRunTransition:
        state = state_pb2.State(state_id=str(uuid7()), type=type_, name=name)
        state.occurred_at.FromDatetime(datetime.datetime.now(datetime.UTC))
        return task_run_pb2.TaskRunTransition(task_run_id=task_run_id, state=state, run_count=1, **fields)

    spec = task_run_pb2.TaskRunSpec(task_key="extract", name="extract-0", tags=["prod"])
    states = [
        transition(described, state_pb2.STATE_TYPE_RUNNING, "Running", spec=spec),
        transition(described, state_pb2.STATE_TYPE_FAILED, "Failed", spec=spec),
        transition(known, state_pb2.STATE_TYPE_COMPLETED, "Completed"),
        transition(known, state_pb2.STATE_TYPE_CRASHED, "Crashed"),
    ]
    frame = changes_pb2.TaskRunStatesChanged(flow_run_id=run.flow_run_id, transitions=states)
    await world.state_outbox.tell("task-run.states", frame)
    found = await until_listed(service.channel, 2)
    assert [(event.name, event.resource.name) for event in found] == [
        ("headrace.task-run.Failed", "extract-0"),
        ("headrace.task-run.Crashed", "load-1"),
    ]
    roles = {related.role for related in found[0].related}
    assert {"flow-run", "flow", "deployment", "tag"} <= roles
    await create(
        service.channel, an_automation(a_webhook("https://x.example/"), expect=["headrace.task-run.Completed"])
    )
    for state in states:
        state.state.state_id = str(uuid7())
    frame = changes_pb2.TaskRunStatesChanged(flow_run_id=run.flow_run_id, transitions=states)
    await world.state_outbox.tell("task-run.states", frame)
    # The automation tells of itself beside that.
    found = await until_listed(service.channel, 5, names=["headrace.task-run.*"])
    names = sorted(event.name.rpartition(".")[2] for event in found)
    assert names == ["Completed", "Crashed", "Crashed", "Failed", "Failed"]


async def test_deployments_pools_queues_and_workers_tell_their_changes(service: RunningService, world: World) -> None:
    deployment = Deployment(
        deployment_id=str(uuid7()),
        name="nightly",
        flow_id=str(uuid7()),
        flow_name="etl",
        status=DEPLOYMENT_STATUS_READY,
        content=DeploymentContent(tags=["prod"]),
    )
    pool = work_pool_pb2.WorkPool(
        work_pool_id=str(uuid7()), name="pool", type="process", status=work_pool_pb2.WORK_POOL_STATUS_NOT_READY
    )
    queue = work_pool_pb2.WorkQueue(work_queue_id=str(uuid7()), name="q", work_pool_id=pool.work_pool_id)
    worker = work_pool_pb2.Worker(worker_id=str(uuid7()), name="w", status=work_pool_pb2.WORKER_STATUS_OFFLINE)
    created, status = changes_pb2.CHANGE_KIND_CREATED, changes_pb2.CHANGE_KIND_STATUS
    tell = world.scheduler_outbox.tell
    await tell("deployment", changes_pb2.DeploymentChanged(change=created, deployment=deployment))
    await tell("deployment", changes_pb2.DeploymentChanged(change=status, deployment=deployment))
    await tell("work-pool", changes_pb2.WorkPoolChanged(change=status, work_pool=pool))
    await tell("work-queue", changes_pb2.WorkQueueChanged(change=changes_pb2.CHANGE_KIND_DELETED, work_queue=queue))
    await tell("worker", changes_pb2.WorkerChanged(change=status, worker=worker))
    found = await until_listed(service.channel, 5)
    assert [event.name for event in found] == [
        "headrace.deployment.created",
        "headrace.deployment.ready",
        "headrace.work-pool.not-ready",
        "headrace.work-queue.deleted",
        "headrace.worker.offline",
    ]
    assert found[0].resource.resource_id == f"headrace.deployment.{deployment.deployment_id}"
    assert {related.role for related in found[0].related} == {"flow", "tag"}


async def test_an_entry_that_nobody_understands_does_not_hold_up_the_others(
    service: RunningService, world: World
) -> None:
    await world.state_outbox.tell("flow-run.state", changes_pb2.FlowRunStateChanged())
    await world.state_outbox.tell("flow-run.state", state_pb2.TimeRange())
    world.state_outbox.entries[-1].payload = b"\xff\xff"
    state_id = await world.enter(a_run(), state_pb2.STATE_TYPE_RUNNING)
    [event] = await until_listed(service.channel, 1)
    assert event.event_id == state_id


async def test_a_source_is_followed_from_where_it_was_left(database_url: str, world: World) -> None:
    states = [await world.enter(a_run(), state_pb2.STATE_TYPE_RUNNING) for _ in range(3)]
    async with running_service("notification", build, database_url, neighbours=world.neighbours) as service:
        await until_listed(service.channel, 3)
    states += [await world.enter(a_run(), state_pb2.STATE_TYPE_RUNNING) for _ in range(2)]
    async with running_service("notification", build, database_url, neighbours=world.neighbours) as service:
        found = await until_listed(service.channel, 5)
    assert [event.event_id for event in found] == states
    assert [request.cursor for request in world.state_outbox.asked] == ["", "3"]


async def test_an_outbox_that_was_set_back_is_followed_anew(database_url: str, world: World) -> None:
    run: flow_run_pb2.FlowRun = a_run()
    async with running_service("notification", build, database_url, neighbours=world.neighbours) as service:
        for _ in range(3):
            await world.enter(run, state_pb2.STATE_TYPE_RUNNING)
        await until_listed(service.channel, 3)
    kept = world.state_outbox.entries[:1]
    world.state_outbox.entries = kept
    async with running_service("notification", build, database_url, neighbours=world.neighbours) as service:
        await world.enter(run, state_pb2.STATE_TYPE_FAILED)
        found = await until_listed(service.channel, 4)
    assert [event.name.rpartition(".")[2] for event in found] == ["Running"] * 3 + ["Failed"]
