"""The commands of docs/access.md, as its readers run them, against a server with sign-in."""

from __future__ import annotations

import asyncio
import os
import pathlib
import shlex
import sys
from collections.abc import Iterator

from headrace_harness.members import guarded_stack

GUIDE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "access.md"
COMMAND = "from headrace.cli import main; main()"
PATIENCE_SECONDS = 120.0


def commands() -> Iterator[str]:
    """Yield the commands of the guide, but for those that start a server and get into it."""
    for block in GUIDE.read_text(encoding="utf-8").split("```bash\n")[1:]:
        for line in block.partition("```")[0].splitlines():
            for part in line.partition("  #")[0].split("&&"):
                if part.strip().startswith("headrace ") and " server " not in part:
                    yield part.strip()


async def test_the_commands_of_the_guide_work(database_url: str, tmp_path: pathlib.Path) -> None:
    async with guarded_stack(database_url) as owner:
        await owner.post("/v1/users", {"email": "bob@example.org"})
        flow = (await owner.post("/v1/flows", {"name": "f"}))["flow"]
        body = {"flow_name": flow["name"], "name": "d", "content": {"entrypoint": "a.py:b"}}
        deployment = (await owner.post("/v1/deployments", body))["deployment"]["deployment_id"]
        environment = {
            **os.environ,
            "HEADRACE_HOME": str(tmp_path),
            "HEADRACE_API_URL": owner.stack.http_url,
            "HEADRACE_API_KEY": owner.key,
        }
        ran = 0
        for command in commands():
            keys = (await owner.get("/v1/api-keys?everybody=true"))["api_keys"]
            key_id = keys[0]["api_key_id"] if keys else ""
            words = shlex.split(command.replace("KEY_ID", key_id).replace("0198...", deployment))[1:]
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                COMMAND,
                *words,
                env=environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
            assert process.returncode == 0, f"{command}: {output.decode()}"
            ran += 1
    assert ran > 12
