"""A server that the tests of one process share, and a machine of its own for each test."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import AsyncIterator, Iterator

import pytest

from headrace_harness.machine import Machine
from headrace_harness.observer import Observer
from headrace_harness.servers import Addresses, embedded_supervisor, start_embedded
from headrace_harness.stack import Stack, connected

TEST_SECONDS = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of this folder time: each starts programs, and many of them one after the other."""
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """Where the server is. What tests make in it they name themselves, or find by their flow runs."""
    supervisor = embedded_supervisor(tmp_path_factory.mktemp("server"))
    try:
        yield asyncio.run(start_embedded(supervisor))
    finally:
        asyncio.run(supervisor.stop())


@pytest.fixture
async def stack(addresses: Addresses) -> AsyncIterator[Stack]:
    """Clients of the server."""
    async with connected(addresses.http_url, addresses.targets) as made:
        yield made


@pytest.fixture
def observer(stack: Stack) -> Observer:
    """What the server has recorded."""
    return Observer(stack)


@pytest.fixture
async def machine(tmp_path: pathlib.Path, addresses: Addresses) -> AsyncIterator[Machine]:
    """A user's machine that is configured for the server."""
    made = Machine(tmp_path, addresses.http_url)
    yield made
    await made.close()
