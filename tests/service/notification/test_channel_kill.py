"""The service is killed and its database gone in the middle of a burst: nothing that was queued is lost."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json

import asyncpg
import grpc.aio

from headrace.api.v1 import delivery_pb2
from headrace_harness.channels import DELIVERED, a_channel, all_ended, create_channel, send
from headrace_harness.receiver import Receiver
from headrace_notification.rules.channels import MASK
from service.notification.played import World
from service.notification.processes import a_process, surroundings

MESSAGES = 60
SECRET = "s3cr3t-of-the-receiver"


async def hang_up_all(database_url: str) -> None:
    """End all connections of the service to the database, as a restart does."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()


async def sent_for_sure(channel: grpc.aio.Channel, channel_id: str, place: int) -> str:
    """Queue a message under its key until the service says that it has it."""
    while True:
        try:
            return await send(channel, channel_id, f"number {place}", key=f"key-{place}")
        except grpc.aio.AioRpcError:
            await asyncio.sleep(0.05)


async def test_a_burst_survives_kill_and_restarts_and_each_message_is_one_delivery(
    database_url: str, world: World, receiver: Receiver
) -> None:
    async with surroundings(database_url, world, HEADRACE_SERVER_EGRESS_ALLOW='["127.0.0.1"]') as environment:
        async with a_process(environment) as (process, channel):
            config = {"url": receiver.url, "signing_secret": SECRET}
            made = await create_channel(channel, a_channel("webhook", config))
            assert made.config["signing_secret"] == MASK
            await asyncio.gather(*(sent_for_sure(channel, made.channel_id, place) for place in range(MESSAGES // 2)))
            await receiver.got(5)
            process.kill()
            await process.wait()
        async with a_process(environment) as (_, channel):
            sending = asyncio.gather(*(sent_for_sure(channel, made.channel_id, place) for place in range(MESSAGES)))
            await receiver.got(MESSAGES // 3)
            await hang_up_all(database_url)
            await sending
            async with asyncio.timeout(100):
                found = await all_ended_for_sure(channel, MESSAGES)
    assert len(found) == MESSAGES
    assert collections.Counter(one.status for one in found) == {DELIVERED: MESSAGES}
    assert sorted(one.dedup_key for one in found) == sorted(f"key-{place}" for place in range(MESSAGES))
    keys = collections.Counter(one.headers["headrace-delivery-id"] for one in receiver.received)
    # A receiver tells those that came twice by their key: each message is there under one key of its own.
    assert set(keys) == {one.channel_delivery_id for one in found}
    told = {one.headers["headrace-delivery-id"]: json.loads(one.body)["subject"] for one in receiver.received}
    assert sorted(told.values()) == sorted(f"number {place}" for place in range(MESSAGES))


async def all_ended_for_sure(channel: grpc.aio.Channel, count: int) -> list[delivery_pb2.ChannelDelivery]:
    """Return all deliveries once none waits, asking again where the service cannot answer."""
    while True:
        with contextlib.suppress(grpc.aio.AioRpcError):
            return await all_ended(channel, count)
        await asyncio.sleep(0.1)
