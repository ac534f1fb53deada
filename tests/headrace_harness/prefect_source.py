"""A real Prefect server, from its wheel in an environment of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator

from headrace_harness.prefect_client import PYTHON
from headrace_harness.servers import free_port

READY_SECONDS = 120.0


def prefect_environment(folder: pathlib.Path, url: str = "") -> dict[str, str]:
    """Return the environment of programs of Prefect: nothing of this machine's own settings of either side."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HEADRACE_", "PREFECT_"))}
    return {
        **kept,
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "DO_NOT_TRACK": "1",
        **({"PREFECT_API_URL": url} if url else {}),
    }


@contextlib.asynccontextmanager
async def prefect_server(folder: pathlib.Path, **variables: str) -> AsyncIterator[str]:
    """Run a Prefect server on a database of its own in a file, and yield the address of its API."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    log = folder / "prefect-server.log"
    command = [str(PYTHON), "-m", "prefect", "server", "start", "--port", str(port), "--no-ui"]
    process = _start(command, {**prefect_environment(folder, url), **variables}, log)
    try:
        await asyncio.to_thread(_wait_for, f"{url}/health", process, log)
        yield url
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, 30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start(command: list[str], environment: dict[str, str], log: pathlib.Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )


def _wait_for(url: str, process: subprocess.Popen[bytes], log: pathlib.Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"{url} did not answer. The server said:\n{log.read_text(errors='replace')[-3000:]}")
