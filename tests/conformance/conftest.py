"""The same server in each topology, as processes that are started once; each test has its own names in it."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import AsyncIterator, Iterator

import pytest

from headrace_harness.cluster import Cluster
from headrace_harness.servers import (
    Addresses,
    distributed_parts,
    embedded_supervisor,
    start_embedded,
    start_parts,
    stop_parts,
)
from headrace_harness.stack import Stack, connected


def _embedded(home: pathlib.Path) -> Iterator[Addresses]:
    supervisor = embedded_supervisor(home)
    try:
        yield asyncio.run(start_embedded(supervisor))
    finally:
        asyncio.run(supervisor.stop())


def _distributed(home: pathlib.Path) -> Iterator[Addresses]:
    with Cluster.own() as cluster:
        processes, addresses = distributed_parts(home, cluster.url)
        try:
            asyncio.run(start_parts(processes))
            yield addresses
        finally:
            asyncio.run(stop_parts(processes))


_TOPOLOGIES = {"embedded": _embedded, "distributed": _distributed}


@pytest.fixture(scope="session", params=list(_TOPOLOGIES))
def addresses(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """Where the server is, once in each topology."""
    home = tmp_path_factory.mktemp(f"{request.param}-home")
    yield from _TOPOLOGIES[request.param](home)


@pytest.fixture
async def stack(addresses: Addresses) -> AsyncIterator[Stack]:
    """Clients of the server."""
    async with connected(addresses.http_url, addresses.targets) as made:
        yield made
