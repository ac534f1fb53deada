"""The pages in a real browser, in front of a real gateway.

Needs Chromium, Node and the packages of the UI, and the built UI. Where one of them is missing there is no
test here at all, and `MISSING` says which; nothing is downloaded or installed for it.
"""

from __future__ import annotations

import asyncio
import pathlib
import shutil

import pytest

from headrace.api.v1 import flow_run_pb2, state_pb2
from headrace_harness.installation import Installation, state

ROOT = pathlib.Path(__file__).resolve().parents[3]
UI = ROOT / "gateway" / "ui"
NODE = shutil.which("node")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = [
    what
    for what, is_there in (
        ("node", NODE is not None),
        ("chromium (on Debian: apt-get install chromium)", BROWSER is not None),
        ("the packages of gateway/ui (make ui)", (UI / "node_modules" / "playwright-core").is_dir()),
        ("the built UI (make ui)", (ROOT / "gateway" / "headrace_gateway" / "static" / "index.html").is_file()),
    )
    if not is_there
]


if not MISSING:

    @pytest.mark.timeout(300)
    async def test_pages_are_live_accessible_and_survive_a_restart() -> None:
        installation = Installation()
        await installation.start()
        process = await asyncio.create_subprocess_exec(
            str(NODE),
            str(pathlib.Path(__file__).with_name("drive.mjs")),
            f"http://127.0.0.1:{installation.port}",
            installation.run_id,
            str(BROWSER),
            str(UI / "test-results"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        said: list[str] = []
        try:
            async for line in process.stdout:
                match line.decode().strip():
                    case "@stop":
                        await installation.stop()
                        run = flow_run_pb2.FlowRun(name="made-while-away", flow_name="made-here")
                        run.state.CopyFrom(state(state_pb2.STATE_TYPE_RUNNING))
                        installation.store.add(run)
                        process.stdin.write(b"done\n")
                    case "@start":
                        await installation.start()
                        process.stdin.write(b"done\n")
                    case text:
                        said.append(text)
            assert await process.wait() == 0, "\n".join(said)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            await installation.stop()
