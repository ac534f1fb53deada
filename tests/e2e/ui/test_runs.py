"""The dashboard and the pages of runs in a real browser, over a real server that is started again."""

from __future__ import annotations

import pathlib

import pytest

from headrace_harness import browser
from headrace_harness.machine import Machine
from headrace_harness.servers import embedded_supervisor, start_embedded, two_free_ports

_HERE = pathlib.Path(__file__).parent

# Where Chromium, Node or the built UI is missing there is no test here; `browser.MISSING` says what it is.
if not browser.MISSING:

    @pytest.mark.timeout(900)
    async def test_runs_are_seen_changed_compared_and_survive_a_restart(tmp_path: pathlib.Path) -> None:
        port, grpc_port = two_free_ports()
        server = embedded_supervisor(
            tmp_path / "server", "--database", "embedded", "--port", str(port), "--grpc-port", str(grpc_port)
        )
        addresses = await start_embedded(server)
        folder = tmp_path / "machine"
        folder.mkdir()
        machine = Machine(folder, addresses.http_url)
        machine.take(_HERE / "flows" / "gallery.py")

        async def answer(question: str) -> None:
            match question:
                case "stop":
                    await server.stop()
                case "start":
                    await start_embedded(server)
                case script:
                    machine.start_python("gallery.py", script)

        try:
            await machine.python("gallery.py", "made")
            await browser.drive(_HERE / "drive_runs.mjs", addresses.http_url, answer=answer)
        finally:
            await machine.close()
            await server.stop()
