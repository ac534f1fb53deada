"""Fixtures for tests of the SDK over real gRPC."""

from __future__ import annotations

import asyncio
import os
import pathlib
from collections.abc import Iterator

import pytest

from headrace.client import Client, close_clients, get_client
from headrace.engine.connection import close_backends
from headrace.testing import LocalRuns, local_runs
from headrace_harness.embedded import RealServer
from headrace_harness.servers import embedded_supervisor, start_embedded
from service.sdk.counterpart import Counterpart


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> pytest.MonkeyPatch:
    """Settings of the test alone."""
    for name in list(os.environ):
        if name.startswith("HEADRACE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HEADRACE_API_RETRY_SECONDS", "0.5")
    monkeypatch.setenv("HEADRACE_RUN_PATIENCE_SECONDS", "20")
    monkeypatch.setenv("HEADRACE_EPHEMERAL_SERVER", "false")
    return monkeypatch


@pytest.fixture
def counterpart(environment: pytest.MonkeyPatch) -> Iterator[Counterpart]:
    """A server's side that flows of the test talk to."""
    made = Counterpart()
    environment.setenv("HEADRACE_API_URL", made.url)
    try:
        yield made
    finally:
        made.acknowledge.set()
        close_backends()
        close_clients()
        made.close()


@pytest.fixture
def runs_in_memory(environment: pytest.MonkeyPatch) -> Iterator[LocalRuns]:
    """Runs without any server."""
    with local_runs() as found:
        yield found


@pytest.fixture(scope="module")
def real_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """A whole server with its own database, one for the tests of a module."""
    supervisor = embedded_supervisor(tmp_path_factory.mktemp("server"))
    try:
        addresses = asyncio.run(start_embedded(supervisor))
        yield RealServer(addresses.http_url, supervisor.pid)
    finally:
        asyncio.run(supervisor.stop())


@pytest.fixture
def client(real_server: RealServer, environment: pytest.MonkeyPatch) -> Iterator[Client]:
    """The process's client of it; flows of the test talk to it, too."""
    environment.setenv("HEADRACE_API_URL", real_server.url)
    environment.setenv("HEADRACE_API_RETRY_SECONDS", "20")
    environment.setenv("HEADRACE_RUN_PATIENCE_SECONDS", "60")
    try:
        yield get_client()
    finally:
        close_backends()
        close_clients()
