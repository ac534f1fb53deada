"""The demo, as `make demo ONCE=1` runs it."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import sys

from headrace_harness.machine import Machine
from headrace_harness.servers import free_port
from headrace_harness.stack import LOOPBACK

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO_SECONDS = 250.0
"""Of each of the two runs, within the time of a test."""


def port_with_a_free_next() -> int:
    """Return a port that nobody uses, like the one after it."""
    while True:
        port = free_port()
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((LOOPBACK, port + 1))
            return port


async def test_the_demo_runs_and_runs_again_over_the_same_data(tmp_path: pathlib.Path) -> None:
    machine = Machine(tmp_path)
    machine.environment["PYTHONPATH"] = str(ROOT)
    for number in (1, 2):
        demo = machine.start(
            sys.executable,
            "-m",
            "examples.demo",
            "--once",
            "--home",
            str(machine.home),
            "--port",
            str(port_with_a_free_next()),
        )
        try:
            assert await demo.ended(DEMO_SECONDS) == 0, demo.output()
        finally:
            await machine.close()
        said = demo.output()
        assert "NOT AS EXPECTED" not in said
        assert "publish-0 AwaitingRetry: ConnectionError" in said
        assert said.count("Completed") > 50
        assert "seattle-plot" in said, f"run {number}: {said}"
        # What was started for it is gone.
        assert not (machine.home / "server.json").exists()
