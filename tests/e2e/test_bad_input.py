"""What is wrong gets a clear error and an exit code of its own, and harms nothing."""

from __future__ import annotations

import pathlib
import signal
import socket
import uuid

import pytest

from headrace.api.v1 import state_pb2
from headrace_harness import ledger
from headrace_harness.machine import Machine, only
from headrace_harness.observer import Observer
from headrace_harness.servers import Addresses, refusing_port
from headrace_harness.stack import LOOPBACK

FLOWS = pathlib.Path(__file__).parent / "flows"

USAGE, NOT_FOUND, UNREACHABLE, REFUSED = 2, 3, 4, 5


@pytest.fixture
async def pool(machine: Machine) -> str:
    """A pool that nobody works for, with the flows of `deployed.py`."""
    name = f"pool-{uuid.uuid4().hex[:8]}"
    machine.take(FLOWS / "deployed.py")
    await machine.headrace("work-pool", "create", name)
    await machine.python("deployed.py", name)
    return name


async def test_parameters_that_do_not_fit_make_no_run(machine: Machine, observer: Observer, pool: str) -> None:
    for arguments, said in (
        (["-p", "count=many"], "count"),
        (["-p", "count=[1, 2]"], "count"),
        (["-p", "offset=0.5"], "count"),
        (["-p", "count=1", "-p", "surplus=1"], "surplus"),
        (["--params", "[1]"], "JSON object"),
        (["-p", "count"], "name=value"),
    ):
        done = await machine.headrace("deployment", "run", "squares/test", *arguments, expect=USAGE)
        assert said in done.err, arguments
        assert "Traceback" not in done.err
    assert await observer.runs_of("squares") == []


async def test_parameters_that_do_not_fit_fail_the_call_of_a_flow(machine: Machine, observer: Observer) -> None:
    machine.take(FLOWS / "deployed.py")
    done = await machine.run_code("from deployed import squares\nsquares(count='many')\n", expect=1)
    assert "count" in done.err.rpartition("Error")[2]
    run = only(await observer.runs_of("squares"))
    assert run.state.type == state_pb2.STATE_TYPE_FAILED
    assert "count" in run.state.message
    assert ledger.read(machine.folder) == []


async def test_what_does_not_exist_is_not_found(machine: Machine) -> None:
    for command, said in (
        (["deployment", "run", "no-flow/none"], "no-flow/none"),
        (["deployment", "inspect", "no-flow/none"], "no-flow/none"),
        (["flow-run", "inspect", "00000000-0000-7000-8000-00000000dead"], "dead"),
        (["flow-run", "cancel", "nobody-has-this-name"], "nobody-has-this-name"),
        (["work-pool", "inspect", "no-pool"], "no-pool"),
        (["variable", "get", "no_variable"], "no_variable"),
    ):
        done = await machine.headrace(*command, expect=NOT_FOUND)
        assert said in done.err, command
        assert "Traceback" not in done.err


async def test_a_schedule_that_cannot_be_is_refused_and_leaves_those_that_are(machine: Machine, pool: str) -> None:
    create = ("deployment", "schedule", "create", "squares/test")
    await machine.headrace(*create, "--cron", "0 6 * * *", "--slug", "good", "-p", "count=1")
    for arguments, said in (
        (["--cron", "61 * * * *"], "61"),
        (["--cron", "every day"], "cron"),
        (["--interval", "0s"], "interval"),
        (["--rrule", "FREQ=SOMETIMES"], "rule"),
        (["--cron", "0 6 * * *", "--timezone", "Mars/Olympus"], "Mars/Olympus"),
        ([], "--cron"),
    ):
        done = await machine.headrace(*create, *arguments, expect=USAGE)
        assert said in done.err, arguments
        assert "Traceback" not in done.err
    listed = (await machine.headrace("deployment", "schedule", "ls", "squares/test", "-o", "json")).json()
    assert "good" in [schedule["slug"] for schedule in listed]
    done = await machine.run_code(
        f"from deployed import squares\nsquares.deploy('test', '{pool}', cron='61 * * * *')\n", expect=1
    )
    assert "61" in done.err.splitlines()[-1]
    listed = (await machine.headrace("deployment", "schedule", "ls", "squares/test", "-o", "json")).json()
    assert "good" in [schedule["slug"] for schedule in listed]
    await machine.headrace("deployment", "schedule", "delete", "squares/test", "good")


async def test_a_deployment_to_a_pool_that_is_not_there_is_refused(machine: Machine) -> None:
    machine.take(FLOWS / "deployed.py")
    done = await machine.run_code("from deployed import tick\ntick.deploy('lost', 'no-such-pool')\n", expect=1)
    assert "no-such-pool" in done.err.splitlines()[-1]
    await machine.headrace("deployment", "inspect", "tick/lost", expect=NOT_FOUND)


async def test_a_server_that_is_not_there_is_said_with_the_way_out(machine: Machine) -> None:
    machine.take(FLOWS / "many.py")
    with refusing_port() as port:
        nobody = f"http://{LOOPBACK}:{port}"
        done = await machine.headrace("flow", "ls", expect=UNREACHABLE, HEADRACE_API_URL=nobody)
        assert nobody in done.err
        assert "headrace server start" in done.err.replace("\n", " ")
        done = await machine.python("many.py", "3", expect=1, HEADRACE_API_URL=nobody)
        assert nobody in done.err.splitlines()[-1]
        # What was tried underneath is in the message already.
        assert done.err.count("Traceback") == 1
        # A worker may be started before its server.
        worker = machine.start_worker_now("any", HEADRACE_API_URL=nobody)
        await worker.until_said("Trying again")
        assert nobody in worker.output()
        worker.signal(signal.SIGINT)
        assert await worker.ended() == 130


async def test_an_address_at_which_something_else_answers_is_said(machine: Machine, addresses: Addresses) -> None:
    grpc_port = addresses.targets["state"]
    done = await machine.headrace("flow", "ls", expect=None, HEADRACE_API_URL=f"http://{grpc_port}")
    assert done.exit_code in (UNREACHABLE, REFUSED)
    assert grpc_port in done.err
    assert "Traceback" not in done.err


async def test_an_occupied_port_is_said_and_nothing_is_started(machine: Machine) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = await machine.headrace("server", "start", "--port", port, expect=REFUSED)
        assert port in done.err
        assert "--port" in done.err
    assert not (machine.home / "postgres").exists()


async def test_a_corrupt_profile_is_said_and_left_as_it_is(machine: Machine) -> None:
    machine.home.mkdir()
    profiles = machine.home / "profiles.toml"
    profiles.write_text("[profiles.default\nHEADRACE_API_URL = ")
    done = await machine.headrace("flow", "ls", expect=REFUSED)
    assert "profiles.toml" in done.err.replace("\n", "")
    machine.take(FLOWS / "many.py")
    done = await machine.python("many.py", "3", expect=1)
    assert "profiles.toml" in done.err.splitlines()[-1]
    await machine.headrace("config", "set", "HEADRACE_API_URL=http://127.0.0.1:1", expect=REFUSED)
    assert profiles.read_text() == "[profiles.default\nHEADRACE_API_URL = "


async def test_code_that_a_worker_cannot_load_fails_the_run_with_the_reason(
    machine: Machine, observer: Observer, pool: str
) -> None:
    await machine.start_worker(pool)
    (machine.folder / "deployed.py").write_text("this is no Python\n")
    await machine.headrace("deployment", "run", "squares/test", "-p", "count=1", "--watch", expect=6)
    run = only(await observer.runs_of("squares"))
    assert run.state.type == state_pb2.STATE_TYPE_FAILED
    assert "SyntaxError" in run.state.message
    assert run.attempt == 1


async def test_a_project_file_of_which_a_part_is_refused_changes_nothing(machine: Machine, pool: str) -> None:
    (machine.folder / "headrace.yaml").write_text(
        "deployments:\n"
        f"- {{name: fine, entrypoint: deployed.py:squares, work_pool: {{name: {pool}}}}}\n"
        "- {name: nowhere, entrypoint: deployed.py:squares, work_pool: {name: no-such-pool}}\n"
        f"- {{name: never, entrypoint: deployed.py:squares, work_pool: {{name: {pool}, work_queue: no-such-queue}}}}\n"
    )
    before = (await machine.headrace("deployment", "ls", "-o", "json")).json()
    for arguments in (["--all"], ["--all", "--dry-run"]):
        done = await machine.headrace("deploy", *arguments, expect=USAGE)
        assert "headrace.yaml:3" in done.err
        assert "no-such-pool" in done.err
        assert "headrace.yaml:4" in done.err
        assert "no-such-queue" in done.err
        assert "fine created" not in done.out
    assert (await machine.headrace("deployment", "ls", "-o", "json")).json() == before
