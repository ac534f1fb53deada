"""Tokens of other issuers, from an issuer that serves its keys over real HTTP."""

from __future__ import annotations

import datetime
import http.server
import json
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from headrace_harness.members import Member, guarded_stack

AUDIENCE = "headrace"


class Issuer:
    """Signs tokens, and publishes the keys for them."""

    def __init__(self) -> None:
        self.asked = 0
        self._keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.rotate()
        issuer = self

        class Pages(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/keys":
                    issuer.asked += 1
                body = json.dumps(issuer.page(self.path)).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def rotate(self) -> None:
        """Sign with a new key, and publish only that."""
        self._keys = {uuid.uuid4().hex: ec.generate_private_key(ec.SECP256R1())}

    def page(self, path: str) -> dict[str, Any]:
        if path == "/keys":
            keys = [
                {**jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": name, "alg": "ES256"}
                for name, key in self._keys.items()
            ]
            return {"keys": keys}
        return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}

    def token(self, *, signed_by: ec.EllipticCurvePrivateKey | None = None, **claims: Any) -> str:
        ((name, key),) = self._keys.items()
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5)
        content = {"iss": self.url, "aud": AUDIENCE, "sub": "repo:mill/wheel", "exp": until, **claims}
        return jwt.encode(content, signed_by or key, algorithm="ES256", headers={"kid": name})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.close()


@pytest.fixture
async def owner(database_url: str, issuer: Issuer) -> AsyncIterator[Member]:
    async with guarded_stack(database_url) as ada:
        account = await ada.make("builder", "developer")
        provider = {
            "handle": "ci",
            "enabled": True,
            "jwt": {
                "issuer": issuer.url,
                "audience": AUDIENCE,
                "mappings": [{"claim": "sub", "value": "repo:mill/*", "service_account_id": account.principal_id}],
            },
        }
        answer = await ada.send("PUT", "/v1/identity-providers/ci", {"provider": provider})
        assert answer.status_code == 200, answer.text
        yield Member(account.principal_id, ada.key, ada.stack)


async def ask(owner: Member, token: str) -> tuple[int, Any]:
    answer = await owner.stack.http.get("/v1/me", headers={"authorization": f"Bearer {token}"})
    return answer.status_code, answer.json()


async def test_a_token_acts_as_the_service_account_that_it_is_mapped_to(owner: Member, issuer: Issuer) -> None:
    status, me = await ask(owner, issuer.token())
    assert (status, me["principal_id"]) == (200, owner.principal_id)
    assert "PERMISSION_RUNS_EDIT" in me["permissions"]


async def test_what_is_wrong_with_a_token_keeps_it_out(owner: Member, issuer: Issuer) -> None:
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    unsigned = jwt.encode({"iss": issuer.url, "aud": AUDIENCE, "sub": "repo:mill/wheel"}, "", algorithm="none")
    shared = jwt.encode(
        {"iss": issuer.url, "aud": AUDIENCE, "sub": "repo:mill/wheel", "exp": 2**33}, "a" * 32, algorithm="HS256"
    )
    for token in (
        issuer.token(signed_by=ec.generate_private_key(ec.SECP256R1())),
        issuer.token(aud="others"),
        issuer.token(iss="http://127.0.0.1:1"),
        issuer.token(exp=past),
        issuer.token(sub="repo:others/wheel"),
        unsigned,
        shared,
    ):
        status, body = await ask(owner, token)
        assert status == 401, body
        assert token not in json.dumps(body)


async def test_keys_that_change_are_found_and_strangers_do_not_make_us_ask(owner: Member, issuer: Issuer) -> None:
    assert (await ask(owner, issuer.token()))[0] == 200
    asked = issuer.asked
    key = ec.generate_private_key(ec.SECP256R1())
    for _ in range(5):
        forged = jwt.encode({"iss": issuer.url}, key, algorithm="ES256", headers={"kid": uuid.uuid4().hex})
        assert (await ask(owner, forged))[0] == 401
    assert issuer.asked <= asked + 1
