"""Signing in with a real directory: OpenLDAP's slapd, over TLS with an authority of its own."""

from __future__ import annotations

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from headrace_harness.certificates import Authority
from headrace_harness.machine import HEADRACE, Machine
from headrace_harness.members import Member, guarded_stack
from headrace_harness.postgres import database_url, postgres, postgres_url
from headrace_harness.slapd import (
    BASE,
    MISSING,
    OTHER_ADDRESS,
    SEARCHER,
    SEARCHER_PASSWORD,
    Slapd,
    a_directory,
)

__all__ = ["database_url", "postgres", "postgres_url"]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)


@pytest.fixture
async def slapd(tmp_path: pathlib.Path) -> AsyncIterator[Slapd]:
    async with a_directory(tmp_path / "slapd") as made:
        yield made


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Member]:
    async with guarded_stack(database_url) as made:
        yield made


async def believe(owner: Member, slapd: Slapd, **settings: Any) -> httpx.Response:
    """Let people sign in with the directory."""
    directory = {
        "url": slapd.url,
        "ca_certificates": slapd.authority.certificate.decode(),
        "bind_dn": SEARCHER,
        "bind_password": SEARCHER_PASSWORD,
        "user_base": f"ou=people,{BASE}",
        "group_base": f"ou=groups,{BASE}",
    }
    provider = {
        "handle": "mill",
        "name": "The mill",
        "enabled": True,
        "creates_users": True,
        "group_roles": [{"group": "millers", "role": "developer"}, {"group": "carters", "role": "viewer"}],
        "ldap": directory | settings,
    }
    return await owner.send("PUT", "/v1/identity-providers/mill", {"provider": provider})


async def sign_in(owner: Member, name: str, password: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=owner.stack.http_url, headers={"origin": owner.stack.http_url}) as browser:
        body = {"email": name, "password": password, "provider": "mill"}
        answer = await browser.post("/v1/sign-in", json=body, timeout=60)
        if answer.status_code == 200:
            answer.extensions["me"] = (await browser.get("/v1/me")).json()
        return answer


def reason(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["details"][0]["reason"]


async def test_members_of_groups_sign_in_with_roles_and_lose_them_with_the_group(owner: Member, slapd: Slapd) -> None:
    kept = await believe(owner, slapd)
    assert kept.status_code == 200, kept.text
    assert SEARCHER_PASSWORD not in kept.text
    options = (await owner.stack.http.get("/v1/sign-in-options")).json()["options"]
    assert options == [{"provider": "mill", "name": "The mill", "takes_password": True}]
    answer = await sign_in(owner, "ada", "grinds every day")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["user"]["email"], answer.json()["session_token"]) == ("ada.miller@example.org", "")
    me = answer.extensions["me"]
    assert "PERMISSION_DEPLOYMENTS_EDIT" in me["permissions"]
    by_mail = await sign_in(owner, "ADA.Miller@example.org", "grinds every day")
    assert by_mail.extensions["me"]["principal_id"] == me["principal_id"]
    # Whoever leaves a group, and takes another name, stays who they are.
    await slapd.change(
        f"dn: cn=millers,ou=groups,{BASE}\nchangetype: modify\ndelete: member\nmember: uid=ada,ou=people,{BASE}\n\n"
        f"dn: uid=ada,ou=people,{BASE}\nchangetype: modrdn\nnewrdn: uid=ada.smith\ndeleteoldrdn: 1\n\n"
        f"dn: uid=ada.smith,ou=people,{BASE}\nchangetype: modify\nreplace: mail\nmail: ada.smith@example.org\n"
    )
    again = (await sign_in(owner, "ada.smith", "grinds every day")).extensions["me"]
    assert again["principal_id"] == me["principal_id"]
    assert "PERMISSION_DEPLOYMENTS_EDIT" not in again["permissions"]


async def test_what_is_typed_is_a_value_and_nothing_else(owner: Member, slapd: Slapd) -> None:
    await believe(owner, slapd)
    names = ("*", "ada)(uid=*", "a*", "*)(|(uid=*", "ada\\2a", "nobody", "bob", "uid=ada", "\0", "ada\0")
    for name in names:
        answer = await sign_in(owner, name, "grinds every day")
        assert reason(answer) == (401, "SIGN_IN_REFUSED"), (name, answer.text)
    bob = await sign_in(owner, "bob*", "carts (sacks) \\*")
    assert bob.status_code == 200, bob.text
    permissions = bob.extensions["me"]["permissions"]
    assert "PERMISSION_RUNS_VIEW" in permissions
    assert "PERMISSION_RUNS_EDIT" not in permissions


async def test_wrong_passwords_lock_a_name(owner: Member, slapd: Slapd) -> None:
    await believe(owner, slapd)
    answers = [reason(await sign_in(owner, name, "guess")) for name in ("ada", "ADA", "ada", " ada", "ada")]
    assert answers == [(401, "SIGN_IN_REFUSED")] * 5
    locked = await sign_in(owner, "ada", "grinds every day")
    assert reason(locked) == (429, "SIGN_IN_LOCKED")
    # Directories let in whoever has no password at all, as nobody.
    empty = await sign_in(owner, "bob*", "")
    assert empty.status_code == 400


async def test_only_a_directory_that_proves_itself_is_told_passwords(owner: Member, slapd: Slapd) -> None:
    for settings, word in (
        ({"ca_certificates": Authority.new("another").certificate.decode()}, "certificate"),
        ({"ca_certificates": ""}, "certificate"),
        ({"url": f"ldap://{OTHER_ADDRESS}:{slapd.port}"}, "certificate"),
        ({"url": f"ldaps://127.0.0.1:{slapd.port}"}, "cannot be asked"),
        ({"url": "ldap://127.0.0.1:1"}, "cannot be asked"),
        ({"bind_password": "wrong"}, "does not take the password"),
        ({"user_base": "dc=elsewhere"}, "not followed"),
        ({"group_base": f"ou=nothing,{BASE}"}, "has no entry"),
        ({"subject_attribute": "employeeNumber"}, "employeeNumber"),
    ):
        kept = await believe(owner, slapd, **settings)
        assert kept.status_code == 200, kept.text
        answer = await sign_in(owner, "ada", "grinds every day")
        assert answer.status_code == 503, (settings, answer.text)
        assert word in answer.json()["message"], answer.text
        assert "grinds" not in answer.text
    others: tuple[dict[str, Any], ...] = (
        {"url": slapd.tls_url},
        {"url": f"ldap://localhost:{slapd.port}"},
        {"in_the_clear": True},
    )
    for other in others:
        await believe(owner, slapd, **other)
        answer = await sign_in(owner, "ada", "grinds every day")
        assert answer.status_code == 200, (other, answer.text)
    await believe(owner, slapd)
    twin = await sign_in(owner, "twin", "we are two")
    assert "several entries" in twin.json()["message"]


async def test_settings_that_cannot_be_are_refused(owner: Member, slapd: Slapd) -> None:
    for settings in (
        {"url": "http://127.0.0.1:389"},
        {"url": "ldap://"},
        {"url": "ldap://directory.example:389", "in_the_clear": True},
        {"url": slapd.tls_url, "in_the_clear": True},
        {"ca_certificates": "no certificate"},
        {"user_filter": "uid={name}"},
        {"user_filter": "(uid={nobody})"},
        {"group_filter": "(member={dn}"},
        {"bind_dn": ""},
    ):
        answer = await believe(owner, slapd, **settings)
        assert answer.status_code == 400, (settings, answer.text)


async def test_the_command_sets_a_directory_and_nothing_gives_its_password_away(
    owner: Member, slapd: Slapd, tmp_path: pathlib.Path, database_url: str
) -> None:
    authority = tmp_path / "authority.pem"
    authority.write_bytes(slapd.authority.certificate)
    machine = Machine(tmp_path, owner.stack.http_url, {"HEADRACE_API_KEY": owner.key})
    try:
        made = await machine.run(
            "sh",
            "-c",
            'echo "$SEARCHER_PASSWORD" | "$0" "$@"',
            HEADRACE,
            "identity-provider",
            "set-ldap",
            "mill",
            "--url",
            slapd.tls_url,
            "--ca-file",
            str(authority),
            "--bind-dn",
            SEARCHER,
            "--bind-password",
            "--user-base",
            f"ou=people,{BASE}",
            "--user-filter",
            "(&(objectClass=inetOrgPerson)(uid={name}))",
            "--group-base",
            f"ou=groups,{BASE}",
            "--group-role",
            "millers=developer",
            "--creates-users",
            SEARCHER_PASSWORD=SEARCHER_PASSWORD,
        )
        assert "mill is kept" in made.out
        answer = await sign_in(owner, "ada", "grinds every day")
        assert answer.status_code == 200, answer.text
        listed = await machine.headrace("identity-provider", "ls")
        assert slapd.tls_url in listed.out
        shown = await machine.headrace("identity-provider", "ls", "-o", "json")
        assert SEARCHER_PASSWORD not in shown.out
    finally:
        await machine.close()
    connection = await asyncpg.connect(database_url)
    try:
        row = await connection.fetchrow("select * from identity.identity_provider")
    finally:
        await connection.close()
    assert SEARCHER_PASSWORD not in repr(row)
