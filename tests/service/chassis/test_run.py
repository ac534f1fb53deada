from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from headrace.api.v1 import system_pb2, system_pb2_grpc
from headrace.rpc.channel import open_aio_channel

PROGRAM = """
import sys
from headrace_chassis.outbox_servicer import OutboxServicer
from headrace_chassis.run import run_service
from headrace_chassis.service import Service

async def build(context):
    return Service(servicers=[OutboxServicer(context.database, context.wakeups)])

sys.exit(run_service("state", build))
"""


@contextlib.asynccontextmanager
async def process(**environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        env={**clean, "HEADRACE_SERVER_PORT": "0", **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


async def port_of(started: asyncio.subprocess.Process) -> int:
    assert started.stderr is not None
    while line := await asyncio.wait_for(started.stderr.readline(), 60):
        if match := re.search(r"on port (\d+)", json.loads(line)["message"]):
            return int(match[1])
    raise AssertionError("the process ended before it served")


async def ended(started: asyncio.subprocess.Process) -> tuple[int, str]:
    _, output = await asyncio.wait_for(started.communicate(), 60)
    assert started.returncode is not None
    return started.returncode, output.decode()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
async def test_a_service_serves_until_it_is_told_to_stop(database_url: str, sent: signal.Signals) -> None:
    async with process(HEADRACE_DATABASE_URL=database_url) as started:
        channel = open_aio_channel(f"127.0.0.1:{await port_of(started)}")
        system: Any = system_pb2_grpc.SystemServiceStub(channel)
        assert (await system.GetSystem(system_pb2.GetSystemRequest())).capabilities == ["state"]
        health: Any = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        await channel.close()
        started.send_signal(sent)
        code, output = await ended(started)
        assert code == 0
        # Whatever it says, it says in JSON, and nothing went wrong.
        assert not [line for line in output.splitlines() if json.loads(line)["level"] != "INFO"]


async def test_a_port_that_another_server_has_is_said_and_ends_with_1(database_url: str) -> None:
    async with process(HEADRACE_DATABASE_URL=database_url) as first:
        port = str(await port_of(first))
        async with process(HEADRACE_DATABASE_URL=database_url, HEADRACE_SERVER_GRPC_PORT=port) as second:
            code, output = await ended(second)
            assert code == 1
            assert f"cannot listen on 127.0.0.1:{port}" in output


async def test_wrong_settings_are_said_and_end_with_2(database_url: str) -> None:
    async with process(HEADRACE_DATABASE_URL=database_url, HEADRACE_SERVER_PROCESSES="many") as started:
        code, output = await ended(started)
        assert code == 2
        assert "HEADRACE_SERVER_PROCESSES" in output
        assert "Traceback" not in output


async def test_a_service_alone_needs_the_address_of_its_database() -> None:
    async with process() as started:
        code, output = await ended(started)
        assert code == 2
        assert "HEADRACE_DATABASE_URL" in output


async def test_a_database_that_is_away_is_said_and_ends_with_1(tmp_path: object) -> None:
    async with process(HEADRACE_DATABASE_URL=f"postgresql://me:hidden@/x?host={tmp_path}") as started:
        code, output = await ended(started)
        assert code == 1
        assert "cannot reach Postgres" in output
        assert "hidden" not in output
        assert "Traceback" not in output


async def test_a_database_that_is_not_migrated_is_said_and_ends_with_1(empty_database_url: str) -> None:
    async with process(HEADRACE_DATABASE_URL=empty_database_url) as started:
        code, output = await ended(started)
        assert code == 1
        assert "headrace server database upgrade" in output
