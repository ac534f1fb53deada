"""The notification service as a process of its own, which can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from headrace.rpc.channel import open_aio_channel
from headrace_harness.servers import free_port
from headrace_harness.services import played_service
from service.notification.played import KEY, World


@contextlib.asynccontextmanager
async def surroundings(database_url: str, world: World, **more: str) -> AsyncIterator[dict[str, str]]:
    """Lend the environment of a process that has this database, and played neighbours.

    Args:
        database_url: The database.
        world: The neighbours.
        more: Further variables.
    """
    token = uuid.uuid4().hex
    async with contextlib.AsyncExitStack() as stack:
        addresses = {
            name: await stack.enter_async_context(played_service(servicers, token))
            for name, servicers in world.neighbours.items()
        }
        yield {
            "HEADRACE_DATABASE_URL": database_url,
            "HEADRACE_SERVER_INTERNAL_TOKEN": token,
            "HEADRACE_SERVER_ADDRESSES": json.dumps(addresses),
            "HEADRACE_SERVER_ENCRYPTION_KEY": KEY,
            "HEADRACE_SERVER_DELIVERY_CLAIM_SECONDS": "3",
            "HEADRACE_SERVER_DRAIN_SECONDS": "1",
            **more,
        }


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
            async with asyncio.timeout(90):
                await health.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True)
            yield process, channel
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
