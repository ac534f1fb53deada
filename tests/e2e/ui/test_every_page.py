"""Every page in both themes, wide and on a phone: accessible, no wider than the window, no complaint of the browser."""

from __future__ import annotations

import pathlib

import pytest

from headrace_harness import browser
from headrace_harness.machine import Machine
from headrace_harness.servers import embedded_supervisor, start_embedded

_HERE = pathlib.Path(__file__).parent

# Where Chromium, Node or the built UI is missing there is no test here; `browser.MISSING` says what it is.
if not browser.MISSING:

    @pytest.mark.timeout(3600)
    async def test_every_page_is_fit_to_be_seen(tmp_path: pathlib.Path) -> None:
        server = embedded_supervisor(tmp_path / "server")
        addresses = await start_embedded(server)
        folder = tmp_path / "machine"
        folder.mkdir()
        machine = Machine(folder, addresses.http_url)
        machine.take(_HERE / "flows" / "places.py")
        machine.take(_HERE / "flows" / "gallery.py")

        async def answer(question: str) -> None:
            raise AssertionError(f"nothing is asked for here: {question}")

        try:
            await machine.python("gallery.py", "made")
            await machine.python("places.py", "keep")
            await machine.python("places.py", "lake", "3")
            await machine.python("places.py", "lake", "0", expect=None)
            machine.start_python("places.py", "serve")
            await machine.start_worker("places-mill")
            await machine.python("places.py", "deploy", "places-mill")
            await browser.drive(_HERE / "drive_every_page.mjs", addresses.http_url, answer=answer)
        finally:
            await machine.close()
            await server.stop()
