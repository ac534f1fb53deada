"""What the README shows works as it stands there."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
HEADRACE = Path(sys.executable).parent / "headrace"
SECONDS = 90


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def commands() -> list[list[str]]:
    """Return the command lines of `headrace` that the README shows, in their order."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("headrace ")]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    return {**kept, "HEADRACE_HOME": str(tmp_path / "home"), "HEADRACE_SERVER_PORT": "0", "PYTHONUNBUFFERED": "1"}


def test_the_example_runs_as_a_script_without_a_server(tmp_path: Path, environment: dict[str, str]) -> None:
    (example,) = blocks("python")
    script = tmp_path / "words.py"
    script.write_text(example)
    done = subprocess.run(
        [sys.executable, script],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "2 lines" in said
    assert "5 words" in said


class Shell:
    """Runs the README's commands one after the other; what keeps running is ended with the test."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._running: list[subprocess.Popen[str]] = []

    def run(self, arguments: list[str]) -> str:
        command = [str(HEADRACE), *arguments]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def find_server(self) -> None:
        """Say where the server is: it took a free port, and readers' servers take the usual one."""
        status = json.loads((Path(self._environment["HEADRACE_HOME"]) / "server.json").read_text())
        self._environment["HEADRACE_API_URL"] = status["http_url"]

    def start(self, arguments: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [str(HEADRACE), *arguments],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._running.append(process)
        return process

    def end(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=SECONDS)


@pytest.fixture
def shell(environment: dict[str, str]) -> Iterator[Shell]:
    shell = Shell(environment)
    yield shell
    shell.end()
    subprocess.run(
        [str(HEADRACE), "server", "stop"], env=environment, capture_output=True, timeout=SECONDS, check=False
    )


def test_the_commands_work_one_after_the_other(shell: Shell) -> None:
    server, pool, worker = commands()
    shell.run(server)
    shell.find_server()
    shell.run(pool)
    process = shell.start(worker)
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "mill" in line:
            break
    assert process.poll() is None, said
    assert "mill" in shell.run(["work-pool", "ls"])
