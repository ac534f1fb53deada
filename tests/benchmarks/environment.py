"""What is measured: one Postgres, our server and the rival's, each with a database and an environment of its own."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PREFECT_PACKAGES = ("prefect==3.8.8", "fastapi<0.151", "sqlalchemy<2.1")
"""With later FastAPI or SQLAlchemy this Prefect does not work whole."""

_READY_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class System:
    """A server under measurement."""

    name: str
    python: pathlib.Path
    """The interpreter that has its client."""
    flows: pathlib.Path
    """The script of `rivals/`."""
    environment: Mapping[str, str]
    """What points clients at the server."""
    url: str
    """Base of the HTTP API."""
    ready_seconds: float
    """From the start of its process to its first answer."""

    def run(self, *arguments: str, timeout: float = 600) -> str:
        """Run the script and return the last line that it printed."""
        done = subprocess.run(
            [str(self.python), str(self.flows), *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{self.name} {arguments} failed:\n{done.stderr[-3000:]}")
        return done.stdout.strip().splitlines()[-1]


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def prefect_python(folder: pathlib.Path) -> pathlib.Path:
    """Return the interpreter of an environment with Prefect; makes it at the first call."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"Installing {PREFECT_PACKAGES[0]} into {folder} ...", flush=True)
        venv.create(folder, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PREFECT_PACKAGES], check=True)
    return python


@contextlib.contextmanager
def served(
    name: str,
    command: list[str],
    environment: Mapping[str, str],
    *,
    python: pathlib.Path,
    flows: pathlib.Path,
    url: str,
    health: str,
    log: pathlib.Path,
) -> Iterator[System]:
    """Run a server as a process of its own until the end of the block."""
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(f"{url}{health}", process, log)
        ready = time.perf_counter() - started
        yield System(name, python, flows, environment, url, ready)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: pathlib.Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{url} did not answer. The server said:\n{log.read_text(errors='replace')[-3000:]}")


@contextlib.contextmanager
def headrace_server(folder: pathlib.Path, database_url: str, more: Mapping[str, str] | None = None) -> Iterator[System]:
    """Run a Headrace server on a database; `more` is set in its environment, too."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "HEADRACE_HOME": str(folder / "home"),
        "HEADRACE_DATABASE_URL": database_url,
        "HEADRACE_API_URL": url,
        **(more or {}),
    }
    command = [
        *(sys.executable, "-c", "from headrace.cli import main; main()"),
        *("server", "start", "--port", str(port), "--grpc-port", str(free_port())),
    ]
    with served(
        "Headrace",
        command,
        environment,
        python=pathlib.Path(sys.executable),
        flows=pathlib.Path(__file__).parent / "rivals" / "headrace_flows.py",
        url=url,
        health="/ready",
        log=folder / "headrace.log",
    ) as system:
        yield system


@contextlib.contextmanager
def prefect_server(folder: pathlib.Path, database_url: str, python: pathlib.Path) -> Iterator[System]:
    """Run a Prefect server on a database."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    environment = {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": url,
        "PREFECT_API_DATABASE_CONNECTION_URL": database_url.replace("postgresql://", "postgresql+asyncpg://", 1),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "DO_NOT_TRACK": "1",
    }
    with served(
        "Prefect",
        [str(python), "-m", "prefect", "server", "start", "--port", str(port)],
        environment,
        python=python,
        flows=pathlib.Path(__file__).parent / "rivals" / "prefect_flows.py",
        url=url,
        health="/health",
        log=folder / "prefect.log",
    ) as system:
        yield system
