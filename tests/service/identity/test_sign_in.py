"""Signing in with passwords and one-time codes, over HTTP as browsers do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pyotp
import pytest

from headrace_harness.members import Member, guarded_stack
from headrace_harness.servers import eventually

EMAIL = "ada@example.org"
PASSWORD = "correct horse battery"


@pytest.fixture
async def ada(database_url: str) -> AsyncIterator[Member]:
    """The owner, with a password."""
    async with guarded_stack(database_url) as owner:
        await owner.post("/v1/password", {"new_password": PASSWORD})
        yield owner


class Browser:
    """A browser with a page of this server."""

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, headers={"origin": url}, timeout=30)

    async def sign_in(self, password: str = PASSWORD, code: str = "") -> httpx.Response:
        return await self.http.post(
            "/v1/sign-in", json={"email": "Ada@Example.org", "password": password, "code": code}
        )

    async def is_out(self) -> bool:
        return (await self.http.get("/v1/me")).status_code == 401


@pytest.fixture
async def browser(ada: Member) -> AsyncIterator[Browser]:
    made = Browser(ada.stack.http_url)
    yield made
    await made.http.aclose()


def reason(response: httpx.Response) -> str:
    found: str = response.json()["details"][0]["reason"]
    return found


async def test_a_session_is_a_cookie_that_scripts_cannot_read(browser: Browser) -> None:
    answer = await browser.sign_in()
    assert answer.status_code == 200, answer.text
    assert answer.json()["session_token"] == ""
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("headrace-session=hs_")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert (await browser.http.get("/v1/me")).json()["display_name"] == "ada@example.org"
    sessions = (await browser.http.get("/v1/sessions")).json()["sessions"]
    assert [session["current"] for session in sessions] == [True]
    assert sessions[0]["address"] == "127.0.0.1"


async def test_a_session_changes_nothing_for_pages_of_others(browser: Browser) -> None:
    await browser.sign_in()
    body = {"value": 1}
    for headers in ({"origin": "http://elsewhere.example"}, {"origin": "null"}):
        answer = await browser.http.put("/v1/variables/v", json=body, headers=headers)
        assert (answer.status_code, reason(answer)) == (403, "ORIGIN_NOT_ALLOWED")
    del browser.http.headers["origin"]
    answer = await browser.http.put("/v1/variables/v", json=body)
    assert (answer.status_code, reason(answer)) == (403, "ORIGIN_MISSING")
    answer = await browser.http.put("/v1/variables/v", json=body, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 200


async def test_who_signs_out_is_out_everywhere(ada: Member, browser: Browser) -> None:
    other = Browser(ada.stack.http_url)
    try:
        await browser.sign_in()
        await other.sign_in()
        answer = await browser.http.post("/v1/sign-out", json={})
        assert answer.json() == {"ended": 1, "signed_out": True}
        assert "Max-Age=0" in answer.headers["set-cookie"]
        assert (await browser.http.get("/v1/me")).status_code == 401
        assert (await other.http.get("/v1/me")).status_code == 200
        await browser.sign_in()
        answer = await browser.http.post("/v1/sign-out", json={"everywhere": True})
        assert answer.json()["ended"] == 2
        await eventually(other.is_out)
    finally:
        await other.http.aclose()


async def test_a_new_password_ends_other_sessions(ada: Member, browser: Browser) -> None:
    other = Browser(ada.stack.http_url)
    try:
        await other.sign_in()
        await browser.sign_in()
        new = {"old_password": PASSWORD, "new_password": "another long password"}
        wrong = await browser.http.post("/v1/password", json={**new, "old_password": "wrong"})
        assert (wrong.status_code, reason(wrong)) == (401, "PASSWORD_WRONG")
        assert (await browser.http.post("/v1/password", json=new)).status_code == 200
        assert (await browser.http.get("/v1/me")).status_code == 200
        await eventually(other.is_out)
        assert (await other.sign_in()).status_code == 401
        assert (await other.sign_in("another long password")).status_code == 200
    finally:
        await other.http.aclose()


async def test_wrong_names_and_passwords_are_the_same_and_lock_after_some(browser: Browser) -> None:
    nobody = await browser.http.post("/v1/sign-in", json={"email": "no@example.org", "password": "wrong"})
    wrong = await browser.sign_in("wrong")
    assert (nobody.status_code, nobody.json()["message"]) == (wrong.status_code, wrong.json()["message"])
    # A lock that a slow machine sleeps through is followed by a longer one.
    async with asyncio.timeout(60):
        while (await browser.sign_in("wrong")).status_code != 429:
            pass
    locked = await browser.sign_in()
    assert (locked.status_code, reason(locked)) == (429, "SIGN_IN_LOCKED")
    assert int(locked.headers["retry-after"]) >= 1
    async with asyncio.timeout(60):
        while (answer := await browser.sign_in()).status_code != 200:
            assert answer.status_code == 429
            await asyncio.sleep(0.1)


async def test_one_time_codes_are_needed_work_once_and_can_be_lost(ada: Member, browser: Browser) -> None:
    made = await ada.post("/v1/totp:begin", {"password": PASSWORD})
    assert made["uri"].startswith("otpauth://totp/Headrace:ada%40example.org?secret=")
    codes = pyotp.TOTP(made["secret"])
    # Until a code is confirmed nothing changes, so that nobody locks themselves out.
    assert (await browser.sign_in()).status_code == 200
    refused = await ada.send("POST", "/v1/totp:confirm", {"code": "000000" if codes.now() != "000000" else "111111"})
    assert refused.status_code == 400
    recovery = (await ada.post("/v1/totp:confirm", {"code": codes.now()}))["recovery_codes"]
    assert len(set(recovery)) == 10
    needed = await browser.sign_in()
    assert (needed.status_code, reason(needed)) == (401, "CODE_NEEDED")
    assert (await browser.sign_in(code=recovery[0])).status_code == 200
    again = await browser.sign_in(code=recovery[0])
    assert (again.status_code, reason(again)) == (401, "SIGN_IN_REFUSED")
    removed = await ada.send("POST", "/v1/totp:remove", {"password": PASSWORD, "code": recovery[1]})
    assert removed.status_code == 200
    assert (await browser.sign_in()).status_code == 200


async def test_nothing_in_the_database_signs_anybody_in(ada: Member, browser: Browser, database_url: str) -> None:
    token = (await browser.sign_in()).headers["set-cookie"].partition("=")[2].partition(";")[0]
    secret = (await ada.post("/v1/totp:begin", {"password": PASSWORD}))["secret"]
    connection = await asyncpg.connect(database_url)
    try:
        rows: list[Any] = []
        for table in ("password", "session", "api_key", "identity_provider", "audit_pending", "audit_entry"):
            rows += [str(dict(row)) for row in await connection.fetch(f"select * from identity.{table}")]
    finally:
        await connection.close()
    dump = "\n".join(rows)
    assert "argon2id" in dump
    for known in (PASSWORD, token, token.rpartition("_")[2], secret, ada.key, ada.key.rpartition("_")[2]):
        assert known not in dump


async def test_a_program_gets_a_key_once_somebody_approves(ada: Member, browser: Browser) -> None:
    begun = (await ada.stack.http.post("/v1/device-sign-ins", json={"client_name": "headrace on box"})).json()
    collect = {"device_code": begun["device_code"]}
    first = (await ada.stack.http.post("/v1/device-sign-ins:collect", json=collect)).json()
    assert (first["pending"], first["key"]) == (True, "")
    await browser.sign_in()
    typed = begun["user_code"].lower().replace("-", " ")
    waiting = (await browser.http.get(f"/v1/device-sign-ins/{typed}")).json()
    assert waiting["client_name"] == "headrace on box"
    decided = await browser.http.post(f"/v1/device-sign-ins/{begun['user_code']}:decide", json={"approve": True})
    assert decided.status_code == 200
    got = (await ada.stack.http.post("/v1/device-sign-ins:collect", json=collect)).json()
    headers = {"authorization": f"Bearer {got['key']}"}
    assert (await ada.stack.http.get("/v1/me", headers=headers)).json()["principal_id"] == ada.principal_id
    again = await ada.stack.http.post("/v1/device-sign-ins:collect", json=collect)
    assert again.status_code == 401


async def test_a_program_that_was_refused_gets_nothing(ada: Member, browser: Browser) -> None:
    begun = (await ada.stack.http.post("/v1/device-sign-ins", json={"client_name": "a stranger"})).json()
    await browser.sign_in()
    await browser.http.post(f"/v1/device-sign-ins/{begun['user_code']}:decide", json={"approve": False})
    got = await ada.stack.http.post("/v1/device-sign-ins:collect", json={"device_code": begun["device_code"]})
    assert (got.status_code, reason(got)) == (403, "DEVICE_SIGN_IN_REFUSED")
