"""The same server in each topology, as processes that are started once; each test has its own names in it."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
from collections.abc import AsyncIterator, Iterator

import pytest

from headrace_harness.cluster import Cluster
from headrace_harness.edge import ENVOY, running_edge
from headrace_harness.servers import (
    Addresses,
    distributed_parts,
    embedded_supervisor,
    free_port,
    start_embedded,
    start_parts,
    stop_parts,
)
from headrace_harness.stack import LOOPBACK, Stack, connected


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


def _behind_an_edge(home: pathlib.Path) -> Iterator[Addresses]:
    """The distributed form, of which clients see nothing but Envoy."""
    with Cluster.own() as cluster:
        port = free_port()
        processes, inside = distributed_parts(
            home, cluster.url, HEADRACE_SERVER_ADVERTISED_GRPC_ADDRESS=f"{LOOPBACK}:{port}"
        )
        targets = {**inside.targets, "gateway": inside.http_url.removeprefix("http://")}
        # The edge runs in a loop of its own while tests run in theirs.
        with asyncio.Runner() as runner:
            edge = contextlib.AsyncExitStack()
            try:
                runner.run(start_parts(processes))
                runner.run(edge.enter_async_context(running_edge(home, port, targets)))
                yield Addresses(f"http://{LOOPBACK}:{port}", dict.fromkeys(inside.targets, f"{LOOPBACK}:{port}"))
            finally:
                runner.run(edge.aclose())
                runner.run(stop_parts(processes))


_TOPOLOGIES = {"embedded": _embedded, "distributed": _distributed}
if ENVOY is not None:
    _TOPOLOGIES["edge"] = _behind_an_edge


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
