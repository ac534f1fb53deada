"""Prefect's client against a server that asks everybody who they are."""

from __future__ import annotations

import asyncio
import pathlib
import re
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from headrace_harness.prefect_client import PrefectMachine
from headrace_harness.servers import Addresses, embedded_supervisor, start_embedded

FLOWS = pathlib.Path(__file__).parent / "flows"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Addresses, str]]:
    """A server with sign-in, and the key of its owner."""
    supervisor = embedded_supervisor(tmp_path_factory.mktemp("guarded"), "--auth", "on")
    try:
        addresses = asyncio.run(start_embedded(supervisor))
        # The last word on the line, so that it is there whole.
        asyncio.run(supervisor.until_said("--email you@"))
        found = re.search(r"hrs_[\w-]+", supervisor.output())
        assert found is not None, supervisor.output()
        answer = httpx.post(
            f"{addresses.http_url}/v1/setup", json={"token": found[0], "email": "ada@example.org"}, timeout=60
        )
        assert answer.status_code == 200, answer.text
        yield addresses, str(answer.json()["key"])
    finally:
        asyncio.run(supervisor.stop())


@pytest.fixture
async def machine(tmp_path: pathlib.Path, guarded: tuple[Addresses, str]) -> AsyncIterator[PrefectMachine]:
    """A machine that says nothing about itself yet."""
    made = PrefectMachine(tmp_path, guarded[0].http_url)
    made.take(FLOWS / "orders.py")
    yield made
    await made.close()


async def names_of_task_runs(guarded: tuple[Addresses, str], flow_name: str) -> set[str]:
    """Return which tasks ran in the flows of a name."""
    addresses, key = guarded
    async with httpx.AsyncClient(base_url=addresses.http_url, headers={"authorization": f"Bearer {key}"}) as http:
        asked = {"flows": {"name": {"any_": [flow_name]}}, "task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
        found = (await http.post("/api/task_runs/filter", json=asked)).json()
    return {run["name"].rsplit("-", 1)[0] for run in found}


async def test_an_auth_string_with_a_key_lets_everything_in(
    machine: PrefectMachine, guarded: tuple[Addresses, str]
) -> None:
    refused = await machine.prefect_python("orders.py", expect=None, PREFECT_API_AUTH_STRING="me:wrong")
    assert refused.exit_code != 0
    assert "Unauthorized" in refused.err
    done = await machine.prefect_python("orders.py", "2", PREFECT_API_AUTH_STRING=f"me:{guarded[1]}")
    assert done.out.splitlines()[-1] == "third time lucky, confirmed 200"
    # They came over the websocket, which knew the key, too.
    assert await names_of_task_runs(guarded, "stock-orders") == {"price", "shaky", "confirm"}


async def test_signing_in_as_to_the_cloud_chooses_a_workspace(
    machine: PrefectMachine, guarded: tuple[Addresses, str]
) -> None:
    addresses, key = guarded
    machine.environment.pop("PREFECT_API_URL")
    machine.environment |= {"PREFECT_CLOUD_API_URL": f"{addresses.http_url}/api"}
    login = await machine.prefect("cloud", "login", "--key", key, "--workspace", "headrace/default")
    assert "headrace/default" in login.out
    assert "headrace/default" in (await machine.prefect("cloud", "workspace", "ls")).out
    (machine.folder / "tries").unlink(missing_ok=True)
    done = await machine.prefect_python("orders.py", "3")
    assert done.out.splitlines()[-1] == "third time lucky, confirmed 300"
    assert "stock-orders" in (await machine.prefect("flow", "ls", COLUMNS="200")).out
