"""The service is killed in the middle of what it does; what it owes is done all the same."""

from __future__ import annotations

from headrace.api.v1 import automation_pb2, state_pb2
from headrace_harness.automations import a_webhook, an_automation, create, settled
from headrace_harness.receiver import Receiver, Reply
from service.notification.played import World, a_run
from service.notification.processes import a_process, surroundings

FAILED = state_pb2.STATE_TYPE_FAILED


async def test_a_delivery_survives_the_death_of_its_process_under_the_same_key(
    database_url: str, world: World, receiver: Receiver
) -> None:
    receiver.replies = [Reply(is_silent=True), Reply(200)]
    async with surroundings(database_url, world) as environment:
        async with a_process(environment) as (process, channel):
            await create(channel, an_automation(a_webhook(receiver.url, headers={"X-Secret": "kept"})))
            await world.enter(a_run(), FAILED)
            await receiver.got(1)
            process.kill()
            await process.wait()
        # While nobody was there another run failed; nobody misses that either.
        await world.enter(a_run(), FAILED)
        async with a_process(environment) as (_, channel):
            requests = await receiver.got(3)
            found = await settled(channel, 2)
    keys = [request.headers["headrace-delivery-id"] for request in requests]
    assert keys.count(keys[0]) == 2
    assert len(set(keys)) == 2
    assert all(request.headers["x-secret"] == "kept" for request in requests)
    assert [one.status for one in found] == [automation_pb2.DELIVERY_STATUS_DELIVERED] * 2
    assert sorted(one.tries for one in found) == [1, 2]
    assert len(receiver.received) == 3


async def test_two_processes_share_the_work_and_do_nothing_twice(
    database_url: str, world: World, receiver: Receiver
) -> None:
    # Claimed for long: a slow try is not to be taken for one that nobody makes any more.
    around = surroundings(database_url, world, HEADRACE_SERVER_DELIVERY_CLAIM_SECONDS="60")
    async with around as environment, a_process(environment) as (_, channel), a_process(environment):
        await create(channel, an_automation(a_webhook(receiver.url)))
        states = [await world.enter(a_run(), FAILED) for _ in range(30)]
        found = await settled(channel, 30)
    assert sorted(one.event_id for one in found) == sorted(states)
    assert len({request.headers["headrace-delivery-id"] for request in receiver.received}) == 30
    assert len(receiver.received) == 30
