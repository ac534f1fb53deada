"""Processes forked from a warm parent: output, exit codes, signals, and what outlives a worker."""

from __future__ import annotations

import asyncio
import os
import pathlib
import signal
import sys
from collections.abc import AsyncIterator

import psutil
import pytest

from headrace.worker.job import Job
from headrace.worker.launcher import PRELOADED_MODULES, ForkingLauncher, RunProcess
from headrace_harness.waiting import eventually


def job(text: str, **options: object) -> Job:
    """Return a job that runs a Python text."""
    return Job(text.encode(), "http://127.0.0.1:1", "127.0.0.1:2", **options)  # type: ignore[arg-type]


HARNESS = str(pathlib.Path(__file__).parents[2])


@pytest.fixture
async def launcher(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ForkingLauncher]:
    """A warm parent whose children run the text of their job."""
    monkeypatch.setenv("PYTHONPATH", HARNESS)
    made = ForkingLauncher(preload=(*PRELOADED_MODULES, "headrace_harness.plain_jobs"))
    await made.start()
    yield made
    await made.close()


async def ended(process: RunProcess) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error."""
    code = await asyncio.wait_for(process.wait(), 60)
    return code, (await process.stdout.read()).decode(), (await process.stderr.read()).decode()


async def test_output_and_exit_code_arrive(launcher: ForkingLauncher) -> None:
    process = await launcher.launch(job("import sys; print('out'); print('err', file=sys.stderr); code = 3"))
    assert await ended(process) == (3, "out\n", "err\n")


async def test_output_of_what_the_run_starts_arrives_too(launcher: ForkingLauncher) -> None:
    process = await launcher.launch(job("import os; os.system('echo from a shell')"))
    assert await ended(process) == (0, "from a shell\n", "")


async def test_a_run_has_its_environment_and_folder(launcher: ForkingLauncher, tmp_path: pathlib.Path) -> None:
    text = "import os; print(os.environ['COLOUR'], os.getcwd(), os.environ['HEADRACE_API_URL'])"
    process = await launcher.launch(job(text, environment={"COLOUR": "red"}, working_directory=str(tmp_path / "new")))
    assert (await ended(process))[1] == f"red {tmp_path / 'new'} http://127.0.0.1:1\n"
    assert "COLOUR" not in os.environ


async def test_an_exception_ends_the_process_with_its_traceback(launcher: ForkingLauncher) -> None:
    code, _output, errors = await ended(await launcher.launch(job("raise ValueError('no')")))
    assert code != 0
    assert "ValueError: no" in errors


async def test_a_signal_reaches_the_whole_group(launcher: ForkingLauncher) -> None:
    text = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"
    process = await launcher.launch(job(text))
    grandchild = int(await asyncio.wait_for(process.stdout.read(100), 60))
    process.signal(signal.SIGTERM)
    assert (await ended(process))[0] == -signal.SIGTERM
    # Each process of the group has its signal, and dies of it when it next has a turn.
    await eventually(lambda: _is_gone(grandchild))


async def _is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_a_killed_process_is_reported_with_its_signal(launcher: ForkingLauncher) -> None:
    process = await launcher.launch(job("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    assert (await ended(process))[0] == -signal.SIGKILL


async def test_many_runs_at_once_are_kept_apart(launcher: ForkingLauncher) -> None:
    processes = await asyncio.gather(*(launcher.launch(job(f"print({n}); code = {n % 7}")) for n in range(40)))
    for number, process in enumerate(processes):
        assert await ended(process) == (number % 7, f"{number}\n", "")


async def test_a_large_job_arrives_whole(launcher: ForkingLauncher) -> None:
    text = f"text = {'x' * 3_000_000!r}; print(len(text))"
    assert (await ended(await launcher.launch(job(text))))[1] == "3000000\n"


async def test_a_dead_parent_is_replaced_and_its_runs_count_as_killed(launcher: ForkingLauncher) -> None:
    process = await launcher.launch(job("import time; time.sleep(60)"))
    parent = psutil.Process(process.pid).parent()
    assert parent is not None
    parent.kill()
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    os.kill(process.pid, signal.SIGKILL)
    assert (await ended(await launcher.launch(job("print('again')"))))[1] == "again\n"


async def test_runs_outlive_the_worker_that_started_them(tmp_path: pathlib.Path) -> None:
    # A worker that is killed leaves nobody to read the output, which must neither block nor break the run.
    done = tmp_path / "done"
    text = (
        "import pathlib, time\n"
        "for n in range(20):\n    print('x' * 100_000, flush=True); time.sleep(0.02)\n"
        f"pathlib.Path({str(done)!r}).write_text('finished')"
    )
    script = (
        "import asyncio, os, signal\n"
        "from headrace.worker.job import Job\n"
        "from headrace.worker.launcher import PRELOADED_MODULES, ForkingLauncher\n"
        "async def main():\n"
        "    launcher = ForkingLauncher(preload=(*PRELOADED_MODULES, 'headrace_harness.plain_jobs'))\n"
        f"    await launcher.launch(Job({text.encode()!r}, '', ''))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, env={**os.environ, "PYTHONPATH": HARNESS}
    )
    assert await worker.wait() == -signal.SIGKILL

    async def has_finished() -> bool:
        return done.exists() and done.read_text() == "finished"

    await eventually(has_finished)
