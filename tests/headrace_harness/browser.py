"""A real browser that is driven by a script: Chromium, Node and the packages of the web UI, where all of them are."""

from __future__ import annotations

import asyncio
import pathlib
import shutil
from collections.abc import Awaitable, Callable

import headrace_gateway

_GATEWAY = pathlib.Path(headrace_gateway.__file__).parent
_UI = _GATEWAY.parent / "ui"
_NODE = shutil.which("node")
_BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

MISSING = [
    what
    for what, is_there in (
        ("node", _NODE is not None),
        ("chromium (on Debian: apt-get install chromium)", _BROWSER is not None),
        ("the packages of gateway/ui (make ui)", (_UI / "node_modules" / "playwright-core").is_dir()),
        ("the built UI (make ui)", (_GATEWAY / "static" / "index.html").is_file()),
    )
    if not is_there
]
"""What a machine lacks for tests in a browser; nothing is downloaded or installed for them."""


async def drive(script: pathlib.Path, *arguments: str, answer: Callable[[str], Awaitable[None]]) -> None:
    """Run a driver to its end.

    The driver gets `arguments`, the path of the browser and a folder for pictures.

    Args:
        script: The driver, a module of Node.
        arguments: What it gets.
        answer: Does what the driver asks for with a line "@word".

    Raises:
        AssertionError: It failed; the message is what it said.
    """
    process = await asyncio.create_subprocess_exec(
        str(_NODE),
        str(script),
        *arguments,
        str(_BROWSER),
        str(_UI / "test-results"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    said: list[str] = []
    try:
        async for line in process.stdout:
            text = line.decode().rstrip()
            if text.startswith("@"):
                await answer(text[1:])
                process.stdin.write(b"done\n")
            else:
                said.append(text)
        assert await process.wait() == 0, "\n".join(said)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
