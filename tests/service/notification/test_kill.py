"""The service is killed in the middle of what it does; what it owes is done all the same."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import uuid
from collections.abc import AsyncIterator

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from headrace.api.v1 import automation_pb2, state_pb2
from headrace.rpc.channel import open_aio_channel
from headrace_harness.automations import a_webhook, an_automation, create, settled
from headrace_harness.receiver import Receiver, Reply
from headrace_harness.services import played_service
from service.notification.played import KEY, World, a_run

FAILED = state_pb2.STATE_TYPE_FAILED


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.asynccontextmanager
async def a_process(environment: dict[str, str]) -> AsyncIterator[tuple[asyncio.subprocess.Process, grpc.aio.Channel]]:
    """Lend a process of the service that serves."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "headrace_notification",
        env={**os.environ, **environment, "HEADRACE_SERVER_GRPC_PORT": str(port)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with open_aio_channel(f"127.0.0.1:{port}") as channel:
            health = health_pb2_grpc.HealthStub(channel)
            async with asyncio.timeout(30):
                await health.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True)
            yield process, channel
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_delivery_survives_the_death_of_its_process_under_the_same_key(
    database_url: str, world: World, receiver: Receiver
) -> None:
    receiver.replies = [Reply(is_silent=True), Reply(200)]
    token = uuid.uuid4().hex
    async with contextlib.AsyncExitStack() as stack:
        addresses = {
            name: await stack.enter_async_context(played_service(servicers, token))
            for name, servicers in world.neighbours.items()
        }
        environment = {
            "HEADRACE_DATABASE_URL": database_url,
            "HEADRACE_SERVER_INTERNAL_TOKEN": token,
            "HEADRACE_SERVER_ADDRESSES": json.dumps(addresses),
            "HEADRACE_SERVER_ENCRYPTION_KEY": KEY,
            "HEADRACE_SERVER_DELIVERY_CLAIM_SECONDS": "3",
            "HEADRACE_SERVER_DRAIN_SECONDS": "1",
        }
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
    token = uuid.uuid4().hex
    async with contextlib.AsyncExitStack() as stack:
        addresses = {
            name: await stack.enter_async_context(played_service(servicers, token))
            for name, servicers in world.neighbours.items()
        }
        environment = {
            "HEADRACE_DATABASE_URL": database_url,
            "HEADRACE_SERVER_INTERNAL_TOKEN": token,
            "HEADRACE_SERVER_ADDRESSES": json.dumps(addresses),
            "HEADRACE_SERVER_ENCRYPTION_KEY": KEY,
        }
        _, channel = await stack.enter_async_context(a_process(environment))
        await stack.enter_async_context(a_process(environment))
        await create(channel, an_automation(a_webhook(receiver.url)))
        states = [await world.enter(a_run(), FAILED) for _ in range(30)]
        found = await settled(channel, 30)
    assert sorted(one.event_id for one in found) == sorted(states)
    assert len({request.headers["headrace-delivery-id"] for request in receiver.received}) == 30
    assert len(receiver.received) == 30
