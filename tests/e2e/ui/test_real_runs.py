"""The pages in a real browser, over a real server, real scripts and a real worker."""

from __future__ import annotations

import pathlib

import pytest

from headrace_harness import browser
from headrace_harness.machine import Machine
from headrace_harness.servers import Addresses

_HERE = pathlib.Path(__file__).parent

# Where Chromium, Node or the built UI is missing there is no test here; `browser.MISSING` says what it is.
if not browser.MISSING:

    @pytest.mark.timeout(600)
    async def test_pages_follow_what_really_happens(machine: Machine, addresses: Addresses) -> None:
        machine.take(_HERE / "flows" / "shown.py")

        async def answer(question: str) -> None:
            match question:
                case "gate":
                    (machine.folder / "gate").touch()
                case "worker":
                    await machine.start_worker("mill-of-the-page")
                case script:
                    machine.start_python("shown.py", script)

        await browser.drive(_HERE / "drive_real.mjs", addresses.http_url, answer=answer)
