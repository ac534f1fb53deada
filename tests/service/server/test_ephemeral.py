"""The server of one script."""

from __future__ import annotations

import asyncio
import os
import pathlib
import subprocess
import sys
import tempfile

import httpx
import psutil
import pytest

from headrace import errors
from headrace_harness.servers import until
from headrace_server import ephemeral

_SCRIPT = """
import os, sys, time
from headrace_server import ephemeral
with ephemeral.start() as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def homes() -> set[pathlib.Path]:
    return set(pathlib.Path(tempfile.gettempdir()).glob("headrace-ephemeral-*"))


def test_a_script_has_a_server_while_it_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with ephemeral.start() as url:
        assert httpx.get(f"{url}/ready").status_code == 200
        assert len(homes()) == 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/ready")
    assert homes() == set()


def test_the_server_of_a_killed_script_ends_and_leaves_nothing(tmp_path: pathlib.Path) -> None:
    tmp_path.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-c", _SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as script:
        assert script.stdout is not None
        url = script.stdout.readline().decode().strip()
        assert httpx.get(f"{url}/ready").status_code == 200
        children = psutil.Process(script.pid).children(recursive=True)
        assert len(children) >= 3
        script.kill()
    asyncio.run(until(lambda: not any(child.is_running() for child in children)))
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_SERVER_POOL_MAX_SIZE", "none")
    with pytest.raises(errors.Unavailable, match="HEADRACE_SERVER_POOL_MAX_SIZE"), ephemeral.start():
        pass
