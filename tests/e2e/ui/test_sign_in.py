"""Signing in with a real provider in a real browser, and programs that a signed-in person lets in."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import re
import shutil
import stat
from collections.abc import AsyncIterator

import pytest

from headrace_harness import browser
from headrace_harness.machine import HEADRACE, Machine, Program
from headrace_harness.members import Member, guarded_stack
from headrace_harness.postgres import database_url, postgres, postgres_url

__all__ = ["database_url", "postgres", "postgres_url"]

_HERE = pathlib.Path(__file__).parent


class Provider:
    """The provider's process."""

    def __init__(self, process: asyncio.subprocess.Process, issuer: str) -> None:
        self._process = process
        self.issuer = issuer

    async def rotate(self) -> None:
        """Let it sign with a new key."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"rotate\n")
        # Between the two it says what is on its mind.
        while (line := await self._process.stdout.readline()) != b"rotated\n":
            assert line, "the provider has ended"


@contextlib.asynccontextmanager
async def provider(callback: str) -> AsyncIterator[Provider]:
    """Lend a provider that sends browsers back to an address."""
    process = await asyncio.create_subprocess_exec(
        str(shutil.which("node")),
        str(_HERE / "provider.mjs"),
        callback,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        said = (await process.stdout.readline()).decode().split()
        assert said[:1] == ["issuer"], said
        yield Provider(process, said[1])
    finally:
        process.stdin.close()
        if process.returncode is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 20)
        if process.returncode is None:
            process.kill()
            await process.wait()


async def believe(owner: Member, issuer: str) -> None:
    """Let people sign in with a provider, whose admins administer the account."""
    answer = await owner.send(
        "PUT",
        "/v1/identity-providers/company",
        {
            "provider": {
                "handle": "company",
                "name": "The company",
                "enabled": True,
                "creates_users": True,
                "group_roles": [{"group": "admins", "role": "admin"}],
                "oidc": {
                    "issuer": issuer,
                    "client_id": "headrace",
                    "client_secret": "a secret: with signs",
                    "scopes": ["email", "profile", "groups"],
                },
            }
        },
    )
    assert answer.status_code == 200, answer.text
    assert "a secret" not in answer.text


# Where Chromium, Node or the built UI is missing there is no test here; `browser.MISSING` says what it is.
if not browser.MISSING:

    @pytest.mark.timeout(300)
    async def test_people_sign_in_elsewhere_and_let_programs_in(database_url: str, tmp_path: pathlib.Path) -> None:
        async with guarded_stack(database_url) as owner, provider(f"{owner.stack.http_url}/sign-in/callback") as made:
            await believe(owner, made.issuer)
            machine = Machine(tmp_path, owner.stack.http_url, {"BROWSER": "true"})
            address = tmp_path / "address"
            programs: list[Program] = []

            async def answer(question: str) -> None:
                match question:
                    case "rotate":
                        await made.rotate()
                    case "device" | "loopback":
                        form = ("--no-browser",) if question == "device" else ()
                        program = machine.start(HEADRACE, "login", "--no-keyring", *form)
                        await program.until_said("It shows the code")
                        found = re.search(r"https?://\S+/sign-in/device\?code=\S+", program.output().replace("\n", ""))
                        assert found is not None, program.output()
                        address.write_text(found[0].partition("It shows")[0])
                        programs.append(program)
                    case "done":
                        assert await programs[-1].ended() == 0, programs[-1].output()
                        who = await machine.headrace("whoami", "-o", "json")
                        assert who.json()["display_name"] == "The admin-ada"

            try:
                await browser.drive(_HERE / "drive_sign_in.mjs", owner.stack.http_url, str(address), answer=answer)
                profiles = machine.home / "profiles.toml"
                assert stat.S_IMODE(profiles.stat().st_mode) == 0o600
                assert "hr_" in profiles.read_text()
                await machine.headrace("logout")
                assert "hr_" not in profiles.read_text()
                refused = await machine.headrace("whoami", expect=None)
                assert refused.exit_code != 0
                assert "headrace login" in refused.err
            finally:
                await machine.close()
