"""The same server in each topology, as processes that are started once; each test has its own names in it."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import ssl
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from headrace_harness.certificates import Authority
from headrace_harness.cluster import Cluster
from headrace_harness.edge import ENVOY, running_edge
from headrace_harness.servers import (
    Addresses,
    distributed_parts,
    embedded_supervisor,
    eventually,
    free_port,
    start_embedded,
    start_parts,
    stop_parts,
)
from headrace_harness.stack import Credentials, Stack, connected
from headrace_server.first_admin import setup_token


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
    """The distributed form with sign-in, of which clients see nothing but Envoy, over TLS and with an API key."""
    with Cluster.own() as cluster:
        port = free_port()
        processes, inside = distributed_parts(
            home,
            cluster.url,
            HEADRACE_SERVER_ADVERTISED_GRPC_ADDRESS=f"localhost:{port}",
            HEADRACE_SERVER_ADVERTISED_GRPC_TLS="true",
            HEADRACE_SERVER_AUTH="on",
        )
        targets = {**inside.targets, "gateway": inside.http_url.removeprefix("http://")}
        authority, certificate = Authority.new(), (home / "tls.crt", home / "tls.key")
        authority.issue("localhost", *certificate, serial=2)
        # The edge runs in a loop of its own while tests run in theirs.
        with asyncio.Runner() as runner:
            edge = contextlib.AsyncExitStack()
            try:
                runner.run(start_parts(processes))
                runner.run(edge.enter_async_context(running_edge(home, port, targets, certificate=certificate)))
                url = f"https://localhost:{port}"
                key = runner.run(_key_of_the_owner(url, authority.certificate, cluster.url))
                credentials = Credentials(authority.certificate, key)
                yield Addresses(url, dict.fromkeys(inside.targets, f"localhost:{port}"), credentials)
            finally:
                runner.run(edge.aclose())
                runner.run(stop_parts(processes))


async def _key_of_the_owner(url: str, authority: bytes, database_url: str) -> str:
    """Set a new server up, and return the key of who has done so."""
    token = await setup_token(database_url)
    context = ssl.create_default_context(cadata=authority.decode())
    async with httpx.AsyncClient(base_url=url, verify=context, trust_env=False) as client:

        async def is_reached() -> bool:
            return (await client.get("/ready")).status_code == 200

        await eventually(is_reached)
        answer = await client.post("/v1/setup", json={"token": token, "email": "ada@example.org"})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["key"])


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
    async with connected(addresses.http_url, addresses.targets, addresses.credentials) as made:
        yield made
