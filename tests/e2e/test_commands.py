"""The command line over a server that has something of everything: tables for people, JSON for programs."""

from __future__ import annotations

import json
import pathlib
import uuid
from collections.abc import AsyncIterator

import pytest

from headrace_harness.machine import Machine, only
from headrace_harness.servers import Addresses, eventually

FLOWS = pathlib.Path(__file__).parent / "flows"
WIDTH = 80


@pytest.fixture
async def used(machine: Machine) -> AsyncIterator[str]:
    """The pool of a server with a deployment, a completed run, artifacts, a variable and a limit."""
    pool = f"pool-{uuid.uuid4().hex[:8]}"
    machine.take(FLOWS / "deployed.py", FLOWS / "orders.py")
    await machine.headrace("work-pool", "create", pool)
    worker = await machine.start_worker(pool, "--name", f"worker-with-a-rather-long-name-{pool}")
    await machine.python("deployed.py", pool)
    await machine.headrace("deployment", "run", "squares/test", "-p", "count=3", "--watch")
    await machine.headrace(
        "deployment", "schedule", "create", "squares/test", "--cron", "0 6 * * *", "-p", "count=3", "--slug", pool
    )
    await machine.headrace("variable", "set", pool, '{"a": 1}')
    await machine.headrace("concurrency-limit", "set", pool, "3")
    yield pool
    await worker.stop()
    await machine.headrace("deployment", "schedule", "delete", "squares/test", pool)
    await machine.headrace("variable", "unset", pool)
    await machine.headrace("concurrency-limit", "delete", pool)


async def test_tables_fit_into_80_columns_and_json_can_be_parsed(machine: Machine, used: str) -> None:
    lists: dict[tuple[str, ...], str] = {
        ("flow", "ls"): "squares",
        ("flow-run", "ls"): "squares",
        ("task-run", "ls"): "square-2",
        ("deployment", "ls"): "squares/test",
        ("deployment", "schedule", "ls", "squares/test"): "0 6 * * *",
        ("deployment", "versions", "squares/test"): "1",
        ("work-pool", "ls"): used,
        ("work-pool", "queue", "ls", used): "default",
        ("worker", "ls", "--pool", used): "worker",
        ("artifact", "ls"): "table",
        ("event", "ls"): "headrace.",
        ("variable", "ls"): used,
        ("concurrency-limit", "ls"): used,
        ("profile", "ls"): "default",
        ("config", "view", "--show-defaults"): "HEADRACE_API_URL",
    }
    for command, expected in lists.items():
        shown = (await machine.headrace(*command)).out
        assert expected in shown, (command, shown)
        too_long = [line for line in shown.splitlines() if len(line) > WIDTH]
        assert too_long == [], command
        parsed = (await machine.headrace(*command, "-o", "json")).json()
        assert parsed, command
        assert expected.partition("/")[0] in json.dumps(parsed), command


async def test_one_thing_is_shown_with_what_belongs_to_it(machine: Machine, used: str) -> None:
    listed = await machine.headrace(
        "flow-run", "ls", "--flow-name", "squares", "--state", "Completed", "--limit", "1", "-o", "json"
    )
    run = only(listed.json())
    shown = (await machine.headrace("flow-run", "inspect", run["name"])).out
    assert run["flow_run_id"] in shown
    assert "Completed" in shown
    task = (await machine.headrace("task-run", "ls", "--flow-run", run["flow_run_id"], "-o", "json")).json()[0]
    assert task["name"] in (await machine.headrace("task-run", "inspect", task["task_run_id"])).out

    async def is_logged() -> bool:
        return "squaring 1" in (await machine.headrace("flow-run", "logs", run["name"])).out

    # Lines of a run reach the log in the background.
    await eventually(is_logged)
    assert "squaring 1" in (await machine.headrace("flow-run", "logs", run["name"], "--follow")).out
    assert used in (await machine.headrace("deployment", "inspect", "squares/test")).out
    assert used in (await machine.headrace("work-pool", "inspect", used)).out
    assert (await machine.headrace("variable", "get", used)).json() == {"a": 1}
    assert "3" in (await machine.headrace("concurrency-limit", "inspect", used)).out


async def test_a_run_that_did_not_complete_ends_watching_with_its_own_exit_code(machine: Machine, used: str) -> None:
    run = ("deployment", "run", "sleeper/test", "--watch", "-o", "json")
    watched = await machine.headrace(*run, "--watch-timeout", "1", expect=6)
    assert "did not end within the time given" in watched.err
    run_id = watched.json()["flow_run_id"]
    assert "Cancelling" in (await machine.headrace("flow-run", "cancel", run_id)).out
    assert "Cancelled" in (await machine.headrace("flow-run", "watch", run_id, expect=6)).out
    assert "which is final" in (await machine.headrace("flow-run", "cancel", run_id, expect=5)).err


async def test_versions_of_both_sides_are_shown(machine: Machine, addresses: Addresses) -> None:
    shown = (await machine.headrace("version", "-o", "json")).json()
    assert addresses.http_url in json.dumps(shown)
    assert (await machine.headrace("--version")).out.strip() in json.dumps(shown)


async def test_settings_are_kept_in_profiles(machine: Machine, addresses: Addresses) -> None:
    del machine.environment["HEADRACE_API_URL"]
    await machine.headrace("profile", "create", "here")
    await machine.headrace("profile", "use", "here")
    await machine.headrace("config", "set", f"HEADRACE_API_URL={addresses.http_url}")
    shown = (await machine.headrace("config", "view", "--show-sources")).out
    assert addresses.http_url in shown.replace("\n", "")
    assert "profile here" in shown
    await machine.headrace("flow", "ls")
    await machine.headrace("config", "unset", "HEADRACE_API_URL")
    assert addresses.http_url not in (await machine.headrace("config", "view")).out
