"""Fixtures for tests of the SDK over real gRPC."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

import pytest

from headrace.client import close_clients
from headrace.engine.connection import close_backends
from headrace.testing import LocalRuns, local_runs
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
