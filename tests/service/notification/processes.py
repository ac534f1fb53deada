"""The notification service as a process of its own, which can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from headrace.rpc.channel import open_aio_channel


def free_port() -> int:
    """Return a port that nobody listens on."""
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
