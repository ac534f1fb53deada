"""Fixtures for tests of the SDK without a server."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

import pytest

from headrace.testing import LocalRuns, local_runs


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """No setting of the machine reaches a test."""
    for name in list(os.environ):
        if name.startswith("HEADRACE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))


@pytest.fixture
def runs(clean_environment: None) -> Iterator[LocalRuns]:
    """Runs of the test's flows, kept in memory."""
    with local_runs() as found:
        yield found
