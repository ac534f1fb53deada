"""OpenID Connect: what a provider says of itself, tokens for codes, and whether a token is to be believed.

Keys of providers change: one that is not known is looked for again, but not more often than every few seconds,
whoever sends tokens.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import jwt

from headrace import errors

KEPT_SECONDS = 3600.0
"""After this long a provider is asked about itself again."""
KEYS_KEPT_SECONDS = 600.0
KEYS_PAUSE_SECONDS = 5.0
"""An unknown key is looked for at most this often."""
KEPT_PROVIDERS = 100
LEEWAY_SECONDS = 60.0
TIMEOUT_SECONDS = 10.0
MOST_BYTES = 1024 * 1024

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by key pairs only: with a shared secret whoever can check a token could write one."""


@dataclasses.dataclass(slots=True)
class _Keys:
    fetched_at: float
    keys: dict[str, jwt.PyJWK]
    sought_at: float
    """When they were fetched for a key that was not among them."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tokens:
    """What a provider gave for a code."""

    id_token: str
    access_token: str


class OpenId:
    """Speaks with providers.

    Args:
        transport: For tests of what a provider may answer; by default the network.
        monotonic: Seconds that never go back.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
            headers={"accept": "application/json"},
            # A proxy of the environment cannot reach this machine's own loopback.
            mounts=None if transport is not None else {"all://127.0.0.1": None, "all://localhost": None},
        )
        self._metadata: dict[str, tuple[float, Mapping[str, Any]]] = {}
        self._keys: dict[str, _Keys] = {}

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def metadata(self, issuer: str) -> Mapping[str, Any]:
        """Return what a provider says of itself.

        Raises:
            errors.Unavailable: It does not answer as it should.
        """
        kept = self._metadata.get(issuer)
        if kept is not None and self._monotonic() - kept[0] < KEPT_SECONDS:
            return kept[1]
        found = await self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise errors.Unavailable(
                f"{issuer} says that it is {str(found.get('issuer'))[:200]!r}; set the issuer to exactly that",
                reason="PROVIDER_MISCONFIGURED",
            )
        if len(self._metadata) >= KEPT_PROVIDERS:
            self._metadata.clear()
        self._metadata[issuer] = (self._monotonic(), found)
        return found

    async def authorization_url(self, issuer: str, parameters: Mapping[str, str]) -> str:
        """Return where to send a browser, with parameters.

        Raises:
            errors.Unavailable: The provider does not answer as it should.
        """
        endpoint = _text(await self.metadata(issuer), "authorization_endpoint")
        refuse_insecure(endpoint)
        separator = "&" if urllib.parse.urlsplit(endpoint).query else "?"
        return f"{endpoint}{separator}{urllib.parse.urlencode(parameters)}"

    async def redeem(
        self, issuer: str, client_id: str, client_secret: str, *, code: str, verifier: str, redirect_uri: str
    ) -> Tokens:
        """Return tokens for a code.

        Raises:
            errors.Unauthenticated: The provider does not take the code.
            errors.Unavailable: It does not answer as it should.
        """
        metadata = await self.metadata(issuer)
        endpoint = _text(metadata, "token_endpoint")
        refuse_insecure(endpoint)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": client_id,
        }
        supported = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        basic = None
        if client_secret and "client_secret_basic" in supported:
            # RFC 6749 wants both as in forms before they are joined.
            basic = httpx.BasicAuth(urllib.parse.quote_plus(client_id), urllib.parse.quote_plus(client_secret))
        elif client_secret:
            form["client_secret"] = client_secret
        answer = await self._send("POST", endpoint, data=form, auth=basic)
        if answer.status_code in (400, 401, 403):
            raise errors.Unauthenticated(
                f"the provider does not take the code ({_error_of(answer)}); sign in again", reason="CODE_NOT_TAKEN"
            )
        found = _json(answer)
        return Tokens(_text(found, "id_token"), str(found.get("access_token") or ""))

    async def user_info(self, issuer: str, access_token: str) -> Mapping[str, Any]:
        """Return what a provider tells of the holder of a token; nothing if it has no such page.

        Raises:
            errors.Unavailable: It does not answer as it should.
        """
        endpoint = (await self.metadata(issuer)).get("userinfo_endpoint")
        if not isinstance(endpoint, str) or not access_token:
            return {}
        refuse_insecure(endpoint)
        return _json(await self._send("GET", endpoint, headers={"authorization": f"Bearer {access_token}"}))

    async def claims(self, token: str, *, issuer: str, audience: str, keys_url: str = "") -> Mapping[str, Any]:
        """Return what a token claims, once its signature, issuer, audience and times were found good.

        Args:
            token: As it came.
            issuer: Who has to have signed it.
            audience: Whom it has to be for.
            keys_url: Where the issuer's keys are; empty asks the issuer.

        Raises:
            errors.Unauthenticated: It is not to be believed.
            errors.Unavailable: The issuer does not answer as it should.
        """
        try:
            key_id = jwt.get_unverified_header(token).get("kid", "")
            key = await self._key(keys_url or _text(await self.metadata(issuer), "jwks_uri"), str(key_id))
            found: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=audience,
                issuer=issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise _untrusted(str(error)) from None
        return found

    async def _key(self, url: str, key_id: str) -> jwt.PyJWK:
        kept = self._keys.get(url)
        age = self._monotonic() - kept.fetched_at if kept is not None else KEYS_KEPT_SECONDS
        is_unknown = kept is None or key_id not in kept.keys
        # A key may be newer than the keys that are kept; whoever makes up names of keys is not to cause a call each.
        was_sought = kept is not None and self._monotonic() - kept.sought_at < KEYS_PAUSE_SECONDS
        if kept is None or age >= KEYS_KEPT_SECONDS or (is_unknown and not was_sought):
            refuse_insecure(url)
            found = await self._get(url)
            keys = jwt.PyJWKSet.from_dict(dict(found)).keys
            now = self._monotonic()
            sought_at = now if kept is not None and is_unknown else float("-inf")
            kept = self._keys[url] = _Keys(now, {key.key_id or "": key for key in keys}, sought_at)
        if key_id in kept.keys:
            return kept.keys[key_id]
        if not key_id and len(kept.keys) == 1:
            return next(iter(kept.keys.values()))
        raise _untrusted("it is signed with a key that its issuer does not publish")

    async def _get(self, url: str) -> Mapping[str, Any]:
        refuse_insecure(url)
        return _json(await self._send("GET", url))

    async def _send(self, method: str, url: str, **options: Any) -> httpx.Response:
        try:
            async with self._client.stream(method, url, **options) as answer:
                body = bytearray()
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > MOST_BYTES:
                        raise errors.Unavailable(f"{url} answers with more than {MOST_BYTES} bytes")
                return httpx.Response(answer.status_code, headers=_plain(answer.headers), content=bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise errors.Unavailable(
                f"the identity provider at {url} cannot be reached: {str(error) or type(error).__name__}",
                reason="PROVIDER_UNREACHABLE",
            ) from None


def refuse_insecure(url: str) -> None:
    """Return if what is sent to an address cannot be read on the way.

    Raises:
        errors.FailedPrecondition: It can.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        return
    raise errors.FailedPrecondition(
        f"{url[:200]} is not an https address; in the clear only this machine may be asked", reason="PROVIDER_INSECURE"
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _plain(headers: httpx.Headers) -> dict[str, str]:
    # The body has been decoded already.
    return {name: value for name, value in headers.items() if name not in ("content-encoding", "content-length")}


def _json(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        found = answer.json() if answer.status_code == 200 else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise errors.Unavailable(
            f"the identity provider answers {answer.status_code} and not what it should",
            reason="PROVIDER_MISCONFIGURED",
        )
    return found


def _error_of(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("error"))[:100]
    except (ValueError, AttributeError):
        return str(answer.status_code)


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value:
        raise errors.Unavailable(f"the identity provider tells no {name}", reason="PROVIDER_MISCONFIGURED")
    return value


def _untrusted(why: str) -> errors.Unauthenticated:
    return errors.Unauthenticated(f"the token is not good: {why}", reason="TOKEN_REFUSED")
