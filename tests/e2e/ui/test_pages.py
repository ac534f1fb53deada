"""The pages in a real browser, in front of a real gateway and played services."""

from __future__ import annotations

import pathlib

import pytest

from headrace.api.v1 import flow_run_pb2, state_pb2
from headrace_harness import browser
from headrace_harness.installation import Installation, state

# Where Chromium, Node or the built UI is missing there is no test here; `browser.MISSING` says what it is.
if not browser.MISSING:

    @pytest.mark.timeout(300)
    async def test_pages_are_live_accessible_and_survive_a_restart() -> None:
        installation = Installation()
        await installation.start()

        async def answer(question: str) -> None:
            if question == "start":
                await installation.start()
                return
            await installation.stop()
            run = flow_run_pb2.FlowRun(name="made-while-away", flow_name="made-here")
            run.state.CopyFrom(state(state_pb2.STATE_TYPE_RUNNING))
            installation.store.add(run)

        try:
            url = f"http://127.0.0.1:{installation.port}"
            script = pathlib.Path(__file__).with_name("drive_played.mjs")
            await browser.drive(script, url, installation.run_id, answer=answer)
        finally:
            await installation.stop()
