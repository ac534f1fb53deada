"""Flows, deployments, pools, what is kept, events, automations, notifications and settings in a real browser."""

from __future__ import annotations

import pathlib

import pytest

from headrace_harness import browser
from headrace_harness.machine import Machine
from headrace_harness.servers import embedded_supervisor, start_embedded

_HERE = pathlib.Path(__file__).parent

# Where Chromium, Node or the built UI is missing there is no test here; `browser.MISSING` says what it is.
if not browser.MISSING:

    @pytest.mark.timeout(600)
    async def test_places_show_and_change_what_there_is(tmp_path: pathlib.Path) -> None:
        server = embedded_supervisor(tmp_path / "server")
        addresses = await start_embedded(server)
        folder = tmp_path / "machine"
        folder.mkdir()
        machine = Machine(folder, addresses.http_url)
        machine.take(_HERE / "flows" / "places.py")

        async def answer(question: str) -> None:
            match question.split():
                case ["run", *arguments]:
                    await machine.python("places.py", *arguments, expect=None)
                case ["start", *arguments]:
                    machine.start_python("places.py", *arguments)
                case ["worker", pool]:
                    await machine.start_worker(pool)
                case ["open", gate]:
                    (folder / gate).touch()

        try:
            await browser.drive(_HERE / "drive_places.mjs", addresses.http_url, answer=answer)
        finally:
            await machine.close()
            await server.stop()
