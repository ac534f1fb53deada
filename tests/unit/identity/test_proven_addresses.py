"""Signing in elsewhere: whose e-mail address is believed, and where browsers may come back to."""

from __future__ import annotations

import datetime
import urllib.parse
from collections.abc import Mapping
from typing import Any

import pytest

from headrace import errors
from headrace_chassis.secrets import SecretBox
from headrace_identity.rules.sign_in import Provider
from headrace_identity.usecases.providers import SigningInElsewhere

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
HOME = "https://headrace.example.org"
CALLBACK = f"{HOME}/sign-in/callback"


class Tokens:
    id_token = access_token = "token"


class OpenId:
    """A provider whose tokens claim what a test says."""

    def __init__(self, **claims: Any) -> None:
        self._claims = claims
        self.says: Mapping[str, Any] = {}
        self.asked: Mapping[str, str] = {}

    async def metadata(self, issuer: str) -> Mapping[str, Any]:
        return self.says

    async def authorization_url(self, issuer: str, parameters: Mapping[str, str]) -> str:
        self.asked = parameters
        return f"{issuer}/authorize?{urllib.parse.urlencode(parameters)}"

    async def redeem(self, *arguments: Any, **named: Any) -> Any:
        return Tokens()

    async def claims(self, token: str, **named: Any) -> Mapping[str, Any]:
        return {"sub": "1", "groups": [], "nonce": self.asked["nonce"], **self._claims}


class Providers:
    def __init__(self, **settings: Any) -> None:
        given = {"issuer": "https://login.example.org", "client_id": "headrace", **settings}
        self._provider = Provider("company", "", "oidc", True, False, given, "", ())

    async def load(self, handle: str) -> Provider:
        return self._provider

    async def find_known(self, provider: str, subject: str) -> None:
        return None


class Directory:
    async def load_user(self, handle: str) -> None:
        return None


def signing_in(openid: OpenId, public_url: str = "", **settings: Any) -> SigningInElsewhere:
    providers: Any = Providers(**settings)
    directory: Any = Directory()
    partner: Any = openid
    return SigningInElsewhere(providers, directory, partner, SecretBox([b"k" * 32]), lambda: NOW, public_url)


async def reason_of(openid: OpenId, **settings: Any) -> str:
    """Return why somebody who is not known here does not come in."""
    signing = signing_in(openid, **settings)
    _, flow = await signing.begin("company", CALLBACK)
    with pytest.raises(errors.PermissionDenied) as caught:
        await signing.complete(flow, openid.asked["state"], "code", "")
    return caught.value.reason


async def test_an_address_is_believed_only_where_it_is_proven() -> None:
    ada = {"email": "ada@example.org"}
    assert await reason_of(OpenId(**ada, email_verified=True)) == "USER_NOT_KNOWN"
    assert await reason_of(OpenId(**ada, email_verified=False)) == "EMAIL_NOT_PROVEN"
    # Of a provider that says nothing, nothing is assumed, unless an administrator knows better.
    assert await reason_of(OpenId(**ada)) == "EMAIL_NOT_PROVEN"
    assert await reason_of(OpenId(**ada), emails_are_proven=True) == "USER_NOT_KNOWN"
    assert await reason_of(OpenId(**ada, email_verified=False), emails_are_proven=True) == "EMAIL_NOT_PROVEN"


@pytest.mark.parametrize(
    "address",
    [
        "https://mallory.example.org/sign-in/callback",
        "https://headrace.example.org@mallory.example.org/sign-in/callback",
        f"{CALLBACK}?next=1",
        f"{CALLBACK}#next",
        f"{HOME}/sign-in/callback/../../elsewhere",
        "javascript:alert(1)//sign-in/callback",
        "//mallory.example.org/sign-in/callback",
        "https://[/sign-in/callback",
    ],
)
async def test_browsers_come_back_to_this_server_only(address: str) -> None:
    with pytest.raises(errors.InvalidArgument):
        await signing_in(OpenId(), HOME).begin("company", address)
    if "mallory.example.org/sign-in" not in address or "@" in address or address.startswith("//"):
        with pytest.raises(errors.InvalidArgument):
            await signing_in(OpenId()).begin("company", address)


async def test_each_sign_in_has_a_state_nonce_and_challenge_of_its_own() -> None:
    openid = OpenId()
    signing = signing_in(openid, HOME + "/")
    seen = []
    for _ in range(2):
        await signing.begin("company", CALLBACK)
        assert openid.asked["code_challenge_method"] == "S256"
        seen.append({openid.asked[name] for name in ("state", "nonce", "code_challenge")})
    assert len(seen[0] | seen[1]) == 6
    _, flow = await signing.begin("company", CALLBACK)
    with pytest.raises(errors.Unauthenticated) as caught:
        await signing.complete(flow, "of another", "code", "")
    assert caught.value.reason == "SIGN_IN_NOT_BEGUN"


@pytest.mark.parametrize(
    ("sender", "says_so", "goes_on"),
    [
        ("https://login.example.org", True, True),
        ("https://login.example.org", False, True),
        ("", False, True),
        ("", True, False),
        ("https://mallory.example.org", True, False),
        ("https://mallory.example.org", False, False),
        ("https://login.example.org/", True, False),
    ],
)
async def test_a_code_is_redeemed_only_where_it_comes_from(sender: str, says_so: bool, goes_on: bool) -> None:
    openid = OpenId(email="ada@example.org")
    openid.says = {"authorization_response_iss_parameter_supported": says_so}
    signing = signing_in(openid)
    _, flow = await signing.begin("company", CALLBACK)
    with pytest.raises(errors.HeadraceError) as caught:
        await signing.complete(flow, openid.asked["state"], "code", sender)
    assert caught.value.reason == ("EMAIL_NOT_PROVEN" if goes_on else "PROVIDER_MIXED_UP")
