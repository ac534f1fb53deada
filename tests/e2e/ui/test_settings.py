"""Webhooks, calendars, settings, people and workspaces in a real browser, on a server that asks people to sign in."""

from __future__ import annotations

import pathlib

import pytest

from headrace_harness import browser
from headrace_harness.members import guarded_stack
from headrace_harness.postgres import database_url, postgres, postgres_url

__all__ = ["database_url", "postgres", "postgres_url"]

_HERE = pathlib.Path(__file__).parent
_PASSWORD = "the wheel turns at night"

# Where Chromium, Node or the built UI is missing there is no test here; `browser.MISSING` says what it is.
if not browser.MISSING:

    @pytest.mark.timeout(600)
    async def test_who_administers_a_server_finds_everything_on_its_pages(
        database_url: str, tmp_path: pathlib.Path
    ) -> None:
        async with guarded_stack(database_url, log_sink_folder=tmp_path) as owner:
            await owner.post("/v1/password", {"new_password": _PASSWORD})

            async def answer(question: str) -> None:
                raise AssertionError(f"nothing is asked for here: {question}")

            await browser.drive(_HERE / "drive_settings.mjs", owner.stack.http_url, owner.key, _PASSWORD, answer=answer)
