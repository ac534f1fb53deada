"""Whole servers, started as users start them, whose processes are killed one after the other."""

from __future__ import annotations

import asyncio
import os
import pathlib
import signal
import socket
import subprocess
import sys
from typing import Any

import asyncpg
import httpx
import psutil
import pytest

from headrace_harness.servers import (
    EmbeddedServer,
    ServerProcess,
    embedded_server,
    embedded_supervisor,
    eventually,
    start_embedded,
    two_free_ports,
    until,
)
from headrace_harness.stack import LOOPBACK
from headrace_server.postgres.access import account


async def is_ready(server: EmbeddedServer) -> bool:
    try:
        return (await server.stack.http.get("/ready", timeout=5)).status_code == 200
    except httpx.TransportError:
        return False


async def create_workspace(server: EmbeddedServer, handle: str) -> None:
    answer = await server.stack.http.post("/v1/workspaces", json={"handle": handle})
    assert answer.status_code == 200, answer.text


async def handles_of(server: EmbeddedServer) -> list[str]:
    answer = await server.stack.http.get("/v1/workspaces")
    assert answer.status_code == 200, answer.text
    return [workspace["handle"] for workspace in answer.json()["workspaces"]]


def has_ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


async def test_a_server_starts_tells_where_it_is_and_stops_without_a_trace(tmp_path: pathlib.Path) -> None:
    async with embedded_server(tmp_path) as server:
        status = server.status()
        assert (status["pid"], status["state"], status["database"]) == (server.supervisor.pid, "ready", "in memory")
        assert status["http_url"] == server.stack.http_url
        assert await is_ready(server)
        assert await handles_of(server) == ["default"]
        postgres, (serving,) = server.postgres(), server.server_processes()
        folder = pathlib.Path(postgres.cwd()).parent
        assert await server.supervisor.stop() == 0
    assert has_ended(postgres)
    assert has_ended(serving)
    assert not folder.exists()
    assert not (tmp_path / "server.json").exists()
    assert "Stopping: calls in progress" in server.supervisor.output()
    assert server.supervisor.output().rstrip().endswith("Headrace has stopped.")


async def test_what_is_killed_comes_back_and_nothing_is_lost(tmp_path: pathlib.Path) -> None:
    async with embedded_server(tmp_path, "--database", "embedded") as server:
        await create_workspace(server, "before")
        (serving,) = server.server_processes()
        serving.kill()
        await until(lambda: serving.pid not in [process.pid for process in server.server_processes()])
        await eventually(lambda: is_ready(server))
        assert await handles_of(server) == ["before", "default"]
        postgres = server.postgres()
        postgres.kill()
        await until(lambda: "Postgres is back" in server.supervisor.output())
        await eventually(lambda: is_ready(server))
        assert await handles_of(server) == ["before", "default"]
        await create_workspace(server, "after")
        assert await server.supervisor.stop() == 0


async def test_a_server_whose_supervisor_was_killed_can_be_started_again_at_once(tmp_path: pathlib.Path) -> None:
    port, grpc_port = map(str, two_free_ports())
    again = ("--database", "embedded", "--port", port, "--grpc-port", grpc_port)
    supervisor = embedded_supervisor(tmp_path, *again)
    addresses = await start_embedded(supervisor)
    (postgres,) = [child for child in psutil.Process(supervisor.pid).children() if child.name() == "postgres"]
    async with httpx.AsyncClient(base_url=addresses.http_url) as http:
        assert (await http.post("/v1/workspaces", json={"handle": "kept"})).status_code == 200
    supervisor.signal(signal.SIGKILL)
    assert await supervisor.ended() == -signal.SIGKILL
    async with embedded_server(tmp_path / ".", *again) as server:
        assert await handles_of(server) == ["default", "kept"]
        assert has_ended(postgres)
        assert server.status()["pid"] == server.supervisor.pid


async def test_several_processes_share_the_ports_and_stand_in_for_each_other(tmp_path: pathlib.Path) -> None:
    async with embedded_server(tmp_path, "--processes", "2") as server:
        processes = server.server_processes()
        assert len(processes) == 2
        # Whoever of them is asked tells what both measure.
        measured = (await server.stack.http.get("/metrics")).text
        assert all(f'process_start_time_seconds{{process="{number}"}}' in measured for number in (1, 2))
        processes[0].kill()
        await until(lambda: has_ended(processes[0]))
        # A connection that the kernel had given to the dead one is cut off; the next is not.
        await eventually(lambda: is_ready(server))
        assert await handles_of(server) == ["default"]
        await until(lambda: "is back" in server.supervisor.output())
        assert len(server.server_processes()) == 2


async def test_a_second_stop_signal_stops_at_once(tmp_path: pathlib.Path) -> None:
    async with (
        embedded_server(tmp_path, HEADRACE_SERVER_DRAIN_SECONDS="60") as server,
        server.stack.http.stream("GET", "/v1/flow-runs:follow") as stream,
    ):
        assert stream.status_code == 200
        server.supervisor.signal(signal.SIGINT)
        await server.supervisor.until_said("Again to stop at once")
        server.supervisor.signal(signal.SIGINT)
        assert await server.supervisor.ended() == 0


async def test_a_home_has_one_server(tmp_path: pathlib.Path) -> None:
    async with embedded_server(tmp_path) as server:
        second = embedded_supervisor(tmp_path)
        second.log = tmp_path / "second.log"
        second.start()
        assert await second.ended() == 5
        assert f"process {server.supervisor.pid}" in second.output()
        assert "headrace server stop" in second.output()
        assert await is_ready(server)


async def test_an_occupied_port_is_said_before_anything_is_started(tmp_path: pathlib.Path) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        supervisor = embedded_supervisor(tmp_path, "--database", "embedded", "--port", port)
        supervisor.start()
        assert await supervisor.ended() == 5
    assert f"cannot use port {port} on 127.0.0.1 for HTTP" in supervisor.output()
    assert not (tmp_path / "postgres").exists()


async def test_a_database_that_a_newer_release_has_migrated_is_left_alone(
    database_url: str, tmp_path: pathlib.Path
) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("update headrace.version set version_num = '9999_future'")
    await connection.close()
    supervisor = embedded_supervisor(tmp_path, "--database", database_url)
    supervisor.start()
    assert await supervisor.ended() == 5
    assert "at version 9999_future" in supervisor.output()


async def test_your_own_postgres_is_used_and_left_running(empty_database_url: str, tmp_path: pathlib.Path) -> None:
    async with embedded_server(tmp_path, "--database", empty_database_url) as server:
        assert await handles_of(server) == ["default"]
        assert [child.name() for child in psutil.Process(server.supervisor.pid).children()].count("postgres") == 0
        assert "@" not in server.status()["database"]


def run(home: pathlib.Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "headrace_server", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "HEADRACE_HOME": str(home)},
        **options,
    )


def test_a_server_in_the_background_is_started_shown_and_stopped(tmp_path: pathlib.Path) -> None:
    assert run(tmp_path, "status").returncode == 3
    assert run(tmp_path, "stop").returncode == 3
    started = run(tmp_path, "start", "-b", "--database", "memory", "--port", "0")
    try:
        assert started.returncode == 0, started.stderr
        assert "is ready in the background" in started.stdout
        assert "`export HEADRACE_API_URL=http://127.0.0.1:" in started.stdout
        shown = run(tmp_path, "status", "--wait", "-o", "json")
        assert (shown.returncode, '"ready": true' in shown.stdout) == (0, True)
        second = run(tmp_path, "start", "-b", "--database", "memory", "--port", "0")
        assert (second.returncode, "is running already" in second.stderr) == (5, True)
    finally:
        stopped = run(tmp_path, "stop")
    assert (stopped.returncode, stopped.stdout) == (0, "Headrace has stopped.\n")
    assert run(tmp_path, "status").returncode == 3


def test_a_server_for_everybody_says_so_whenever_it_is_shown(tmp_path: pathlib.Path) -> None:
    try:
        started = run(
            tmp_path, "start", "-b", "--database", "memory", "--port", "0", "--host", "0.0.0.0", "--insecure-no-auth"
        )
        shown = run(tmp_path, "status")
    finally:
        run(tmp_path, "stop")
    for output in (started.stdout, shown.stdout):
        assert "No sign-in: whoever reaches 0.0.0.0 may do everything." in output


def test_a_background_start_that_fails_says_why(tmp_path: pathlib.Path) -> None:
    refused = run(tmp_path, "start", "-b", "--host", "0.0.0.0", "--database", "memory")
    assert refused.returncode == 5
    assert refused.stderr.startswith("Error: listening on 0.0.0.0")


def test_the_database_goes_up_and_down_and_is_reset(tmp_path: pathlib.Path) -> None:
    newest = run(tmp_path, "database", "current").stdout
    assert newest.startswith("empty; newest is ")
    assert run(tmp_path, "database", "upgrade").returncode == 0
    history = run(tmp_path, "database", "history").stdout.splitlines()
    assert history[0].startswith("* ")
    assert run(tmp_path, "database", "downgrade", "-r", "-1", "-y").returncode == 0
    stepped = run(tmp_path, "database", "history").stdout.splitlines()
    assert [line[0] for line in stepped[:2]] == [" ", "*"]
    asked = run(tmp_path, "database", "reset", input="n\n")
    assert asked.returncode == 130
    assert run(tmp_path, "database", "reset", "-y").returncode == 0
    assert run(tmp_path, "database", "current").stdout.strip().endswith("(newest)")
    wrong = run(tmp_path, "database", "upgrade", "-r", "nowhere")
    assert (wrong.returncode, "nowhere" in wrong.stderr) == (2, True)


async def test_the_database_of_a_running_server_is_not_taken_away(tmp_path: pathlib.Path) -> None:
    async with embedded_server(tmp_path, "--database", "embedded") as server:
        refused = await asyncio.to_thread(run, tmp_path, "database", "reset", "-y")
        assert (refused.returncode, "headrace server stop" in refused.stderr) == (5, True)
        shown = await asyncio.to_thread(run, tmp_path, "database", "current")
        assert shown.stdout.strip().endswith("(newest)")
        assert await handles_of(server) == ["default"]


def others_can_reach(*paths: str) -> bool:
    """Return whether users other than the owner may pass through all folders above some files."""
    files = [pathlib.Path(path) for path in paths]
    folders = {folder for file in files for way in (file.absolute(), file.resolve()) for folder in way.parents}
    return all(folder.stat().st_mode & 0o001 for folder in folders)


# Root's interpreter, or a checkout below root's home, cannot be run by anybody else.
if os.geteuid() != 0 or others_can_reach(sys.executable, __file__):

    async def test_an_ordinary_user_can_run_a_server(tmp_path: pathlib.Path) -> None:
        # For root, the system user that Postgres runs as stands in for one.
        user = account()
        home = tmp_path / "home"
        home.mkdir()
        user.own(home)
        for parent in (tmp_path, *tmp_path.parents[:2]):
            if parent.owner() == pathlib.Path.home().owner():
                parent.chmod(parent.stat().st_mode | 0o011)
        supervisor = embedded_supervisor(home, HOME=str(home), USER="headrace")
        supervisor.user = user
        try:
            addresses = await start_embedded(supervisor)
            async with httpx.AsyncClient(base_url=addresses.http_url) as http:
                assert (await http.get("/ready")).status_code == 200
            uids = {child.uids().real for child in psutil.Process(supervisor.pid).children(recursive=True)}
            assert uids == {user.uid}
        finally:
            assert await supervisor.stop() == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["start", "--port", "70000"],
        ["start", "--database", "mysql://x"],
        ["start", "--service", "nobody"],
        ["start", "--service", "state"],
        ["start", "--processes", "0"],
        ["start", "-b", "--service", "state"],
        ["nothing"],
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_started(tmp_path: pathlib.Path, arguments: list[str]) -> None:
    refused = run(tmp_path, *arguments)
    assert refused.returncode == 2
    assert "Usage:" in refused.stderr
    assert not list(tmp_path.iterdir())


def test_a_wrong_setting_is_named(tmp_path: pathlib.Path) -> None:
    process = ServerProcess(tmp_path, ["start", "--database", "memory"], {"HEADRACE_SERVER_PORT": "many"})
    process.start()
    assert asyncio.run(process.ended()) == 2
    assert "HEADRACE_SERVER_PORT" in process.output()


async def test_interrupted_while_code_is_loaded_it_ends_with_its_processes(tmp_path: pathlib.Path) -> None:
    process = ServerProcess(tmp_path, ["start", "--database", "memory"])
    process.start()
    supervisor = psutil.Process(process.pid)
    await until(lambda: bool(supervisor.children()), process.output, lambda: process.exit_code() is not None)
    (child,) = supervisor.children()
    process.signal(signal.SIGINT)
    # 130 while its own code is loaded, 0 where it had come further and was stopped in good order.
    assert await process.ended() in (0, 130)
    assert "Traceback" not in process.output()
    await until(lambda: has_ended(child))
