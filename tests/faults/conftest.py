"""A server over durable data that the tests of one process share, and kill; after each test the invariants hold."""

from __future__ import annotations

import asyncio
import pathlib
import uuid
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from headrace_harness.invariants import assert_invariants
from headrace_harness.machine import Machine
from headrace_harness.observer import Observer
from headrace_harness.servers import (
    Addresses,
    EmbeddedServer,
    ServerProcess,
    embedded_supervisor,
    start_embedded,
    two_free_ports,
)
from headrace_harness.stack import connected
from headrace_server.postgres.access import account
from headrace_server.postgres.cluster import Cluster

FLOWS = pathlib.Path(__file__).parent / "flows"


TEST_SECONDS = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of this folder time: each starts whole servers, kills them, and waits until they are back."""
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


@pytest.fixture(scope="session")
def supervisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, Addresses]]:
    """The server; whoever stops it starts it again on the same ports."""
    port, grpc_port = two_free_ports()
    ports = ("--port", str(port), "--grpc-port", str(grpc_port))
    made = embedded_supervisor(tmp_path_factory.mktemp("server"), "--database", "embedded", *ports)
    try:
        yield made, asyncio.run(start_embedded(made))
    finally:
        asyncio.run(made.stop())


@pytest.fixture
async def server(supervisor: tuple[ServerProcess, Addresses]) -> AsyncIterator[EmbeddedServer]:
    """The server with clients. What is left of a test must be in order in the database."""
    process, addresses = supervisor
    if process.exit_code() is not None:
        # A test before this one failed while it was away.
        await start_embedded(process)
    async with connected(addresses.http_url, addresses.targets) as stack:
        yield EmbeddedServer(process, stack)
    connection = await asyncpg.connect(Cluster(process.home / "postgres", account()).url)
    try:
        await assert_invariants(connection)
    finally:
        await connection.close()


@pytest.fixture
def observer(server: EmbeddedServer) -> Observer:
    """What the server has recorded."""
    return Observer(server.stack)


@pytest.fixture
async def machine(tmp_path: pathlib.Path, server: EmbeddedServer) -> AsyncIterator[Machine]:
    """A user's machine with the flows of `steps.py`."""
    made = Machine(tmp_path, server.stack.http_url)
    made.take(FLOWS / "steps.py")
    yield made
    await made.close()


@pytest.fixture
async def pool(machine: Machine) -> str:
    """A pool to which the flows are deployed."""
    name = f"pool-{uuid.uuid4().hex[:8]}"
    await machine.headrace("work-pool", "create", name)
    await machine.python("steps.py", "deploy", name)
    return name
