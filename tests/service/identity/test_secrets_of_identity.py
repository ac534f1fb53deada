"""Secrets of providers and one-time codes, whose key is changed."""

from __future__ import annotations

import asyncpg
import pyotp

from headrace_harness.members import KEY, Member, guarded_stack
from headrace_harness.stack import running_stack

PASSWORD = "correct horse battery"
NEW_KEY = "2e" * 32


async def test_secrets_are_encrypted_anew_and_work_with_the_new_key_alone(database_url: str) -> None:
    async with guarded_stack(database_url) as owner:
        await owner.post("/v1/password", {"new_password": PASSWORD})
        totp = pyotp.TOTP((await owner.post("/v1/totp:begin", {"password": PASSWORD}))["secret"])
        recovery = (await owner.post("/v1/totp:confirm", {"code": totp.now()}))["recovery_codes"]
        oidc = {"issuer": "https://login.example.org", "client_id": "headrace", "client_secret": "a known secret"}
        provider = {"provider": {"handle": "company", "enabled": True, "oidc": oidc}}
        assert (await owner.send("PUT", "/v1/identity-providers/company", provider)).status_code == 200
    async with running_stack(database_url, auth="on", encryption_key=f"{NEW_KEY},{KEY}") as stack:
        ada = Member(owner.principal_id, owner.key, stack)
        assert await ada.post("/v1/identity-secrets:rotate", {}) == {"rotated": 2, "unreadable": 0}
        assert await ada.post("/v1/identity-secrets:rotate", {}) == {"rotated": 0, "unreadable": 0}
    async with running_stack(database_url, auth="on", encryption_key=NEW_KEY) as stack:
        ada = Member(owner.principal_id, owner.key, stack)
        body = {"email": "ada@example.org", "password": PASSWORD}
        # A wrong code is compared with right ones, for which the secret has to be read.
        wrong = await stack.http.post("/v1/sign-in", json={**body, "code": "not a code"})
        assert wrong.status_code == 401
        right = await stack.http.post("/v1/sign-in", json={**body, "code": recovery[0]})
        assert right.status_code == 200
        shown = await ada.get("/v1/identity-providers/company")
        assert shown["provider"]["oidc"]["client_secret"] == ""
    connection = await asyncpg.connect(database_url)
    try:
        rows = [dict(row) for row in await connection.fetch("select * from identity.identity_provider")]
    finally:
        await connection.close()
    assert "a known secret" not in str(rows)
