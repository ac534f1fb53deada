"""Prefect's own client, from its wheel in an environment of its own, against the server of this process's tests."""

from __future__ import annotations

import pathlib
from collections.abc import AsyncIterator

import pytest

from headrace_harness.prefect_client import PrefectMachine, is_built
from headrace_harness.servers import Addresses


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the tests of this folder out where there is no client; give them time, and none of each other's."""
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(600))
            if not is_built():
                item.add_marker(pytest.mark.skip(reason="there is no environment with Prefect (make prefect)"))


@pytest.fixture
async def stock(tmp_path: pathlib.Path, addresses: Addresses) -> AsyncIterator[PrefectMachine]:
    """A machine with Prefect's client, pointed at the server."""
    made = PrefectMachine(tmp_path, addresses.http_url)
    yield made
    await made.close()
