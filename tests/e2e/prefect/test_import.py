"""Importing from a real Prefect server that was filled through its own client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pathlib
import signal
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from headrace_harness.machine import HEADRACE, Machine, only
from headrace_harness.prefect_client import PYTHON
from headrace_harness.prefect_source import prefect_environment, prefect_server
from headrace_harness.servers import embedded_supervisor, eventually, start_embedded

FILL = pathlib.Path(__file__).parent / "fill_source.py"
FILL_SECONDS = 600.0
IMPORT_SECONDS = 600.0

# Not of the thing itself, or only there for one server: pages of a list are compared apart from these.
EPHEMERAL = {"updated", "estimated_start_time_delta", "estimated_run_time", "status", "last_polled", "active_slots"}

PARTS = {
    "state_details": {"created", "updated"},
    # A subflow's state names the task run that stands for it in one of its two places only.
    "untrackable_result": {"task_run_id"},
    "schedule": {"id", "created", "updated"},
    "posture": {"id"},
    # All of them is a word or their number.
    "triggers": {"id", "require"},
    "slot_decay_per_second": {"id", "created", "updated", "active_slots", "avg_slot_occupancy_seconds"},
}
"""What differs by nature in parts of things, by a word that they have."""

FINAL = {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CANCELLED", "CRASHED"]}}}

LISTS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "/flows/filter": ({"sort": "NAME_ASC"}, {"created"}),
    "/variables/filter": ({}, {"created", "id"}),
    "/work_pools/filter": ({}, {"created", "id", "default_queue_id"}),
    "/work_pools/fast/queues/filter": ({}, {"created", "id", "work_pool_id"}),
    "/deployments/filter": (
        {"sort": "NAME_ASC"},
        {"created", "work_queue_id", "created_by", "updated_by"},
    ),
    "/flow_runs/filter": (
        {
            "sort": "ID_DESC",
            "flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CANCELLED", "CRASHED"]}}},
        },
        {"work_pool_id", "work_queue_id", "next_scheduled_start_time"},
    ),
    "/task_runs/filter": ({"sort": "ID_DESC"}, {"next_scheduled_start_time"}),
    "/artifacts/filter": ({"sort": "ID_DESC"}, set()),
    "/logs/filter": ({"sort": "TIMESTAMP_ASC"}, {"created"}),
    "/concurrency_limits/filter": ({}, {"created", "id"}),
    "/v2/concurrency_limits/filter": ({}, {"created", "id", "avg_slot_occupancy_seconds", "denied_slots"}),
    "/block_documents/filter": (
        {"include_secrets": True},
        {
            "created",
            "id",
            "block_schema",
            "block_schema_id",
            "block_type",
            "block_type_id",
            "block_document_references",
        },
    ),
    "/automations/filter": ({}, {"created", "actions"}),
}
"""What is listed, with which question, and what differs by nature."""


@pytest.fixture
async def source(tmp_path: pathlib.Path) -> AsyncIterator[str]:
    """A Prefect server with one of each kind, and some hundred runs."""
    folder = tmp_path / "source"
    folder.mkdir()
    async with prefect_server(folder) as url:
        filling = await asyncio.create_subprocess_exec(
            *(str(PYTHON), str(FILL)),
            cwd=folder,
            env=prefect_environment(folder, url),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(filling.communicate(), FILL_SECONDS)
        assert filling.returncode == 0, output.decode()[-5000:]
        await settled(url)
        yield url


async def settled(url: str) -> None:
    """Return once the server has recorded all task runs: it takes them from events, some seconds later."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        seen = -1
        while True:
            states = {"type": {"any_": ["PENDING", "RUNNING", "SCHEDULED"]}}
            asked = {"task_runs": {"state": states}}
            open_ones = (await client.post("/task_runs/count", json=asked)).json()
            number = (await client.post("/task_runs/count", json={})).json()
            # Two for each of two doubled numbers, one within the child, the child itself, and one in the background.
            if open_ones == 0 and number == seen and number >= 5:
                return
            seen = number
            await asyncio.sleep(6)


@pytest.fixture
async def target(tmp_path: pathlib.Path) -> AsyncIterator[Machine]:
    """A user's machine with a server of its own."""
    folder = tmp_path / "target"
    folder.mkdir()
    supervisor = embedded_supervisor(tmp_path / "server")
    try:
        addresses = await start_embedded(supervisor)
        machine = Machine(folder, addresses.http_url)
        yield machine
        await machine.close()
    finally:
        await supervisor.stop()


async def everything_in(url: str, path: str, question: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what is in a list, over its pages."""
    found: list[dict[str, Any]] = []
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        while True:
            answer = await client.post(path, json={**question, "limit": 200, "offset": len(found)})
            assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
            page = answer.json()
            found += page
            if len(page) < 200:
                return found


def comparable(found: dict[str, Any], without: set[str]) -> Any:
    """Return what is the same on both sides: apart from `without`, and from what only says that there is nothing."""
    return said({name: value for name, value in found.items() if name not in without | EPHEMERAL})


def said(value: Any) -> Any:
    """Return JSON without what is empty, and without the ids of what has none of its own to other things."""
    if isinstance(value, dict):
        without = next((without for mark, without in PARTS.items() if mark in value), set())
        kept = {name: said(item) for name, item in value.items() if name not in without}
        return {name: item for name, item in kept.items() if item or item is True}
    if isinstance(value, list):
        # A label may have one value or a list of them.
        return said(value[0]) if len(value) == 1 else [said(item) for item in value]
    return value.replace(".000000Z", "Z") if isinstance(value, str) else value


async def assert_equal_lists(source: str, target: str) -> None:
    """Compare both servers as Prefect's own clients see them."""
    for path, (question, without) in LISTS.items():
        there, here = await asyncio.gather(everything_in(source, path, question), everything_in(target, path, question))
        assert there, f"nothing to compare in {path}"

        def key(found: dict[str, Any]) -> str:
            return str(found.get("id") if "id" not in without else found.get("name") or found.get("tag"))  # noqa: B023

        mine = {key(found): comparable(found, without) for found in here}
        for found in there:
            assert mine.get(key(found)) == comparable(found, without), f"{path} {key(found)}"
        assert len(here) == len(there), path


async def do_import(machine: Machine, source: str, *options: str) -> dict[str, Any]:
    """Import and return the report."""
    command = ("import", "prefect", "--from", source, *options, "-o", "json")
    report: dict[str, Any] = (await machine.headrace(*command, seconds=IMPORT_SECONDS)).json()
    return report


async def test_an_import_is_killed_goes_on_and_leaves_equal_lists(source: str, target: Machine) -> None:
    rehearsed = await do_import(target, source, "--dry-run")
    assert rehearsed["counts"]["flow runs"]["created"] > 450
    assert (await target.headrace("flow-run", "ls", "-o", "json")).json() == []

    # Killed in the middle of history, twice.
    for _ in range(2):
        program = target.start(HEADRACE, "import", "prefect", "--from", source)
        await program.until_said("flow runs that ended")
        await some_runs_are_here(target)
        program.signal(signal.SIGKILL)
        await program.ended()
    assert len(list((target.home / "imports").glob("*.json"))) == 1

    report = await do_import(target, source)
    assert report["resumed"]
    assert not list((target.home / "imports").glob("*"))
    counts = report["counts"]
    assert all(count["refused"] == 0 for count in counts.values()), json.dumps(report, indent=1)
    await assert_equal_lists(source, f"{target.environment['HEADRACE_API_URL']}/api")
    await assert_history_and_secrets(source, target)

    await assert_others(source, f"{target.environment['HEADRACE_API_URL']}/api")
    assert counts["scheduled flow runs"]["created"] == 1

    lost = {(loss["kind"], loss["name"]) for loss in report["lost"]}
    assert ("automations", "tell") in lost or counts["automations"]["created"] == 3

    again = await do_import(target, source)
    assert not again["resumed"]
    assert {kind: count["created"] for kind, count in again["counts"].items()} == dict.fromkeys(again["counts"], 0)
    assert again["counts"]["flow runs"]["there_before"] == rehearsed["counts"]["flow runs"]["created"]
    await assert_equal_lists(source, f"{target.environment['HEADRACE_API_URL']}/api")

    changed = await change_some(source)
    left = await do_import(target, source, "--history", "0d")
    assert not any(count["updated"] for count in left["counts"].values())
    updated = await do_import(target, source, "--history", "0d", "--update")
    assert {kind for kind, count in updated["counts"].items() if count["updated"]} == changed
    await assert_equal_lists(source, f"{target.environment['HEADRACE_API_URL']}/api")
    once_more = await do_import(target, source, "--history", "0d", "--update")
    assert not any(count["updated"] for count in once_more["counts"].values()), json.dumps(once_more, indent=1)


async def assert_others(source: str, target: str) -> None:
    """Compare what lists leave out: blocks without names, and what waits for its time."""
    nameless = {"block_documents": {"is_anonymous": {"eq_": True}}, "include_secrets": True}
    waiting = {"flow_runs": {"name": {"any_": ["asked-for"]}}}
    for path, question, fields in (
        ("/block_documents/filter", nameless, ("name", "data", "is_anonymous")),
        ("/flow_runs/filter", waiting, ("id", "name", "parameters", "deployment_id", "expected_start_time")),
    ):
        there, here = [only(await everything_in(url, path, question)) for url in (source, target)]
        assert {name: here[name] for name in fields} == {name: there[name] for name in fields}


async def change_some(url: str) -> set[str]:
    """Change one thing of several kinds on the server that is read from, and return the kinds."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:

        async def first(path: str, **question: Any) -> dict[str, Any]:
            found: dict[str, Any] = only((await client.post(path, json={**question, "limit": 1})).json())
            return found

        variable = await first("/variables/filter")
        deployment = await first("/deployments/filter")
        limit = await first("/v2/concurrency_limits/filter")
        block = await first("/block_documents/filter", block_documents={"name": {"any_": ["warehouse-token"]}})
        automation = await first("/automations/filter")
        flow = await first("/flows/filter")
        changes: dict[str, dict[str, Any]] = {
            f"/variables/{variable['id']}": {"value": {"changed": [1, None]}},
            f"/deployments/{deployment['id']}": {"description": "changed", "tags": ["new"]},
            f"/v2/concurrency_limits/{limit['id']}": {"limit": limit["limit"] + 1},
            f"/block_documents/{block['id']}": {"data": {"value": "another"}},
            f"/automations/{automation['id']}": {"enabled": not automation["enabled"]},
            f"/flows/{flow['id']}": {"tags": ["changed"]},
            "/work_pools/fast": {"description": "changed", "concurrency_limit": 77},
            "/work_pools/fast/queues/default": {"concurrency_limit": 7},
        }
        for path, body in changes.items():

            async def is_changed(path: str = path, body: dict[str, Any] = body) -> bool:
                answer = await client.patch(path, json=body)
                # Its database takes one change at a time, and gives up on others.
                assert answer.status_code in (204, 503), f"{path}: {answer.text}"
                return answer.status_code == 204

            await eventually(is_changed, 60)
    return {
        "variables",
        "deployments",
        "concurrency limits",
        "blocks",
        "automations",
        "flows",
        "work pools",
        "work queues",
    }


async def some_runs_are_here(target: Machine) -> None:
    """Return once the server has runs."""
    async with httpx.AsyncClient(base_url=target.environment["HEADRACE_API_URL"], timeout=60) as client:

        async def is_one_here() -> bool:
            return bool((await client.get("/v1/flow-runs", params={"page_size": 1})).json().get("flow_runs"))

        await eventually(is_one_here)


async def assert_history_and_secrets(source: str, target: Machine) -> None:
    """Compare what lists do not tell."""
    url = f"{target.environment['HEADRACE_API_URL']}/api"
    top = only([run for run in await everything_in(source, "/flow_runs/filter", {}) if run["name"] == "plain-3"])
    async with contextlib.AsyncExitStack() as stack:
        there, here = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=base, timeout=60)) for base in (source, url)
        ]
        for run in await everything_in(source, "/flow_runs/filter", {"flow_runs": {"tags": {"is_null_": True}}}):
            asked = {"flow_run_id": run["id"]}
            answers = [(await client.get("/flow_run_states/", params=asked)).json() for client in (there, here)]
            theirs, ours = [
                sorted((state["timestamp"], state["id"], state["name"]) for state in answer) for answer in answers
            ]
            if run["state_type"] in ("COMPLETED", "FAILED"):
                assert theirs == ours, run["name"]
        assert (await here.get(f"/flow_runs/{top['id']}")).json()["parameters"] == {"count": 3}
    shown = (await target.headrace("block", "inspect", "warehouse/main", "--show-secrets", "-o", "json")).json()
    assert shown["block"]["data"]["password"] == "hunter2"
    assert shown["block"]["data"]["token"] == {"$block": "secret/warehouse-token"}


async def test_a_server_that_wants_a_password_is_asked_with_it(tmp_path: pathlib.Path, target: Machine) -> None:
    folder = tmp_path / "guarded"
    folder.mkdir()
    async with prefect_server(folder, PREFECT_SERVER_API_AUTH_STRING="admin:pass") as url:
        refused = await target.headrace("import", "prefect", "--from", url, expect=5)
        assert "--auth-string" in refused.err
        report = await do_import(target, url, "--auth-string", "admin:pass")
        assert report["counts"].get("flow runs", {}).get("created", 0) == 0
