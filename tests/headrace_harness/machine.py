"""A user's machine: a folder with scripts, a home, and programs that are started in it as users start them."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import psutil

from headrace_harness.servers import START_SECONDS, until

HEADRACE = str(pathlib.Path(sys.executable).parent / "headrace")
RUN_SECONDS = 60.0
_TESTS = pathlib.Path(__file__).parent.parent
_END_SECONDS = 20.0


@dataclasses.dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    exit_code: int
    out: str
    """Its standard output."""
    err: str
    """Its standard error."""

    def json(self) -> Any:
        """Return its standard output as the JSON that it is."""
        return json.loads(self.out)


class Program:
    """A program that goes on until it is stopped.

    Args:
        process: The program.
        log: Its output.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: pathlib.Path) -> None:
        self.process = process
        self.log = log

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def output(self) -> str:
        """Return what it wrote until now."""
        return self.log.read_text(errors="replace")

    async def until_said(self, words: str, seconds: float = START_SECONDS) -> None:
        """Return once its output holds `words`.

        Raises:
            AssertionError: It ended, or took too long.
        """
        await until(
            lambda: words in self.output(), lambda: self.output(), lambda: self.process.poll() is not None, seconds
        )

    def descendants(self) -> list[psutil.Process]:
        """Return the processes that it has started, and those that these have."""
        return psutil.Process(self.pid).children(recursive=True)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def ended(self, seconds: float = RUN_SECONDS) -> int:
        """Wait for its end and return the exit code.

        Raises:
            AssertionError: It goes on.
        """
        try:
            return await asyncio.to_thread(self.process.wait, seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it goes on after {seconds:g} s:\n{self.output()}") from None

    async def stop(self) -> int:
        """Ask it to end as a service manager does, and return the exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return await self.ended()


class Machine:
    """Where a user works.

    Args:
        folder: The current folder of all programs; holds the home, too.
        api_url: `HEADRACE_API_URL`; None leaves it unset.
        variables: Further variables.
    """

    def __init__(
        self, folder: pathlib.Path, api_url: str | None = None, variables: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.home = folder / "home"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        self.environment = {
            **kept,
            "HEADRACE_HOME": str(self.home),
            "PYTHONUNBUFFERED": "1",
            # Where flows find `headrace_harness.ledger`.
            "PYTHONPATH": str(_TESTS),
            "COLUMNS": "80",
            **({"HEADRACE_API_URL": api_url} if api_url is not None else {}),
            **(variables or {}),
        }
        self._programs: list[Program] = []
        self._left: set[psutil.Process] = set()

    def take(self, *scripts: pathlib.Path) -> None:
        """Copy scripts into the folder."""
        for script in scripts:
            shutil.copy(script, self.folder)

    async def run(self, *command: str, expect: int | None = 0, seconds: float = RUN_SECONDS, **variables: str) -> Done:
        """Run a command to its end.

        Args:
            command: The program and its arguments.
            expect: The exit code that it has to end with; None takes any.
            seconds: How long it may take.
            variables: Beside the environment of the machine.

        Raises:
            AssertionError: It ended with another exit code.
        """
        ran = await asyncio.to_thread(
            subprocess.run,
            command,
            cwd=self.folder,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        done = Done(ran.returncode, ran.stdout, ran.stderr)
        assert expect is None or done.exit_code == expect, (
            f"{command} ended with {done.exit_code}:\n{ran.stdout}{ran.stderr}"
        )
        return done

    async def headrace(
        self, *arguments: str, expect: int | None = 0, seconds: float = RUN_SECONDS, **variables: str
    ) -> Done:
        """Run a `headrace` command to its end; arguments as of `run`."""
        return await self.run(HEADRACE, *arguments, expect=expect, seconds=seconds, **variables)

    async def python(
        self, *arguments: str, expect: int | None = 0, seconds: float = RUN_SECONDS, **variables: str
    ) -> Done:
        """Run a script to its end; arguments as of `run`."""
        return await self.run(sys.executable, *arguments, expect=expect, seconds=seconds, **variables)

    async def run_code(self, code: str, *, expect: int | None = 0) -> Done:
        """Write a script and run it to its end; arguments as of `run`."""
        (self.folder / "script.py").write_text(code)
        return await self.python("script.py", expect=expect)

    def start(self, *command: str, **variables: str) -> Program:
        """Start a program; it is stopped by `close` at the latest."""
        log = self.folder / f"program-{len(self._programs)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**self.environment, **variables},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        program = Program(process, log)
        self._programs.append(program)
        return program

    def start_python(self, *arguments: str, **variables: str) -> Program:
        """Start a script; see `start`."""
        return self.start(sys.executable, *arguments, **variables)

    async def start_worker(self, pool: str, *arguments: str, **variables: str) -> Program:
        """Start a worker of a pool and return once it takes runs."""
        worker = self.start_worker_now(pool, *arguments, **variables)
        await worker.until_said("takes up to")
        return worker

    def start_worker_now(self, pool: str, *arguments: str, **variables: str) -> Program:
        """Start a worker of a pool; it need not take runs on return."""
        return self.start(HEADRACE, "worker", "start", "--pool", pool, *arguments, **variables)

    async def start_worker_of(self, script: pathlib.Path, pool: str) -> Program:
        """Start a worker of a new pool into which a script deploys its flows, and return once it takes runs."""
        self.take(script)
        await self.headrace("work-pool", "create", pool)
        # It gets ready beside the script.
        worker = self.start_worker_now(pool)
        await self.python(script.name, pool)
        await worker.until_said("takes up to")
        return worker

    async def start_run(self, deployment: str, *arguments: str) -> str:
        """Start a run of a deployment and return its id."""
        done = await self.headrace("deployment", "run", deployment, *arguments, "-o", "json")
        return str(done.json()["flow_run_id"])

    async def close(self) -> None:
        """Stop what still runs, politely at first."""
        for program in self._programs:
            if program.process.poll() is not None:
                continue
            with contextlib.suppress(psutil.NoSuchProcess):
                self._left.update(program.descendants())
            program.signal(signal.SIGTERM)
        for program in self._programs:
            try:
                await program.ended(_END_SECONDS)
            except AssertionError:
                program.process.kill()
                await program.ended()
        for process in self._left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def only(values: Sequence[Any]) -> Any:
    """Return the one value that there is.

    Raises:
        AssertionError: There is none, or more than one.
    """
    assert len(values) == 1, f"exactly one was expected: {values}"
    return values[0]
