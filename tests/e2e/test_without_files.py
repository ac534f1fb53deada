"""Flows that come to a pool without a project file, and commands that are no flows."""

from __future__ import annotations

import pathlib
import uuid

from headrace_harness.machine import Machine, only
from headrace_harness.observer import Observer

FLOWS = pathlib.Path(__file__).parent / "flows"


async def test_options_deploy_a_flow_and_code_travels_to_a_pool(tmp_path: pathlib.Path, machine: Machine) -> None:
    pool, name = f"pool-{uuid.uuid4().hex[:8]}", f"name-{uuid.uuid4().hex[:8]}"
    machine.take(FLOWS / "deployed.py", FLOWS / "straight.py")
    described = ("deploy", "deployed.py:squares", "--name", name, "--pool", pool, "--param", "count=3")
    work = Machine(tmp_path / "work", machine.environment["HEADRACE_API_URL"])
    work.folder.mkdir()
    # Where results are is the same for both; the code is not.
    work.environment["HEADRACE_HOME"] = machine.environment["HEADRACE_HOME"]
    await work.start_worker(pool)
    try:
        assert f"+ squares/{name} created, version 1" in (await machine.headrace(*described, "--cron", "0 3 1 1 *")).out
        assert f"= squares/{name} is as it should be" in (await machine.headrace(*described)).out
        kept = (await machine.headrace("api", "GET", f"deployments/by-name/squares/{name}")).json()
        assert kept["deployment"]["content"]["parameters"] == {"count": 3}
        await machine.headrace("deployment", "run", f"squares/{name}", "--watch")
        await machine.python("straight.py", pool)
    finally:
        await work.close()


async def test_a_command_of_the_shell_is_a_flow_run(machine: Machine, observer: Observer) -> None:
    name = f"shell-{uuid.uuid4().hex[:8]}"
    watch = ("shell", "watch", "--flow-name", name, "--flow-run-name", "{braces}", "--tag", "words")
    failed = await machine.headrace(*watch, "echo said; echo wrong >&2; exit 3", expect=6)
    assert "ended with exit code 3" in failed.err
    run = only(await observer.runs_of(name))
    assert (run.name, list(run.tags), run.state.name) == ("{braces}", ["words"], "Failed")
    assert [line.message for line in await observer.logs(run.flow_run_id)][1:3] == ["said", "wrong"]


async def test_what_the_api_refuses_is_shown_and_ends_the_command_with_its_code(machine: Machine) -> None:
    refused = await machine.headrace("api", "get", "flow-runs/00000000-0000-7000-8000-0000000000ff", expect=3)
    assert "404" in refused.err
    assert refused.json()["code"] == 5
