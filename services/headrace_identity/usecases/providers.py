"""Sign in with those who vouch for people, and let machines in with the tokens of others."""

from __future__ import annotations

import base64
import binascii
import datetime
import hmac
import json
import secrets
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from headrace import errors
from headrace_identity.repository import Directory
from headrace_identity.repository.sign_in import OpenIdProviders, Providers, Secrets
from headrace_identity.rules.access import Proven
from headrace_identity.rules.principals import Principal
from headrace_identity.rules.sign_in import ProvenIdentity, Provider, fits, pkce_challenge
from headrace_identity.usecases.admitting import admit
from headrace_identity.usecases.authenticating import bearer

FLOW_SECONDS = 600.0
DEFAULT_SCOPES = ("email", "profile")
DEFAULT_GROUPS_CLAIM = "groups"
CALLBACK_PATH = "/sign-in/callback"

_FLOW = "a sign-in that was begun"
_PAGE = 200


class SigningInElsewhere:
    """Signs in with providers.

    Args:
        providers: Their settings, and who is known from them.
        directory: Users.
        openid: Speaks with them.
        secret_box: Seals their secrets, and what was begun.
        now: Tells the time.
        public_url: Where people reach this server, if that is set: browsers come back to nowhere else.
    """

    def __init__(
        self,
        providers: Providers,
        directory: Directory,
        openid: OpenIdProviders,
        secret_box: Secrets,
        now: Callable[[], datetime.datetime],
        public_url: str = "",
    ) -> None:
        self._providers = providers
        self._directory = directory
        self._openid = openid
        self._secrets = secret_box
        self._now = now
        self._home = public_url.rstrip("/") + CALLBACK_PATH if public_url else ""

    async def begin(self, handle: str, redirect_uri: str) -> tuple[str, str]:
        """Begin to sign in.

        Returns:
            Where to send the browser, and what it has to bring back.

        Raises:
            errors.NotFound: There is no such provider, or it is switched off.
            errors.InvalidArgument: The provider would not come back to this server's own page.
        """
        provider = await self._enabled(handle)
        if not _is_callback(redirect_uri) or (self._home and redirect_uri != self._home):
            raise errors.InvalidArgument.of_field(
                "redirect_uri", f"must be {self._home or CALLBACK_PATH + ' of this server'}"
            )
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        flow = {
            "provider": handle,
            "state": state,
            "nonce": nonce,
            "verifier": verifier,
            "redirect_uri": redirect_uri,
            "until": self._now().timestamp() + FLOW_SECONDS,
        }
        scopes = provider.settings.get("scopes") or list(DEFAULT_SCOPES)
        url = await self._openid.authorization_url(
            str(provider.settings["issuer"]),
            {
                "response_type": "code",
                "client_id": str(provider.settings["client_id"]),
                "redirect_uri": redirect_uri,
                "scope": " ".join(["openid", *(scope for scope in scopes if scope != "openid")]),
                "state": state,
                "nonce": nonce,
                "code_challenge": pkce_challenge(verifier),
                "code_challenge_method": "S256",
            },
        )
        return url, self._secrets.seal(json.dumps(flow), _FLOW)

    async def complete(self, flow_token: str, state: str, code: str, issuer: str) -> tuple[Principal, str]:
        """End what was begun.

        Args:
            flow_token: What the beginning returned.
            state: As the provider sent it.
            code: As the provider sent it.
            issuer: Who sent the browser back, as it says; empty where it says nothing.

        Returns:
            The user, and the provider's handle.

        Raises:
            errors.Unauthenticated: It was not begun by this browser, or the provider does not vouch.
            errors.PermissionDenied: The provider vouches for somebody who is not known here.
        """
        flow = self._flow(flow_token)
        if not hmac.compare_digest(str(flow["state"]).encode(), state.encode()):
            raise _not_begun()
        provider = await self._enabled(str(flow["provider"]))
        await self._refuse_other(str(provider.settings["issuer"]), issuer)
        identity = await self._identity(provider, flow, code)
        return await admit(self._providers, self._directory, provider, identity), provider.handle

    async def _refuse_other(self, issuer: str, sender: str) -> None:
        """Return if a code came from the provider that was asked (RFC 9207): no other is given one to redeem."""
        says_so = (await self._openid.metadata(issuer)).get("authorization_response_iss_parameter_supported") is True
        if sender != issuer and (sender or says_so):
            raise errors.Unauthenticated(
                "another provider than the one that was asked has answered; sign in again", reason="PROVIDER_MIXED_UP"
            )

    def _flow(self, token: str) -> Mapping[str, Any]:
        try:
            flow: Mapping[str, Any] = json.loads(self._secrets.open(token, _FLOW))
        except (errors.FailedPrecondition, ValueError):
            raise _not_begun() from None
        if float(flow["until"]) < self._now().timestamp():
            raise errors.Unauthenticated("signing in took too long; begin again", reason="SIGN_IN_EXPIRED")
        return flow

    async def _enabled(self, handle: str) -> Provider:
        provider = await self._providers.load(handle)
        if provider is None or not provider.is_enabled or provider.kind != "oidc":
            raise errors.NotFound(f"one cannot sign in with {handle}", reason="IDENTITY_PROVIDER_NOT_FOUND")
        return provider

    async def _identity(self, provider: Provider, flow: Mapping[str, Any], code: str) -> ProvenIdentity:
        issuer, client_id = str(provider.settings["issuer"]), str(provider.settings["client_id"])
        secret = self._secrets.open(provider.secret, secret_context(provider.handle)) if provider.secret else ""
        tokens = await self._openid.redeem(
            issuer,
            client_id,
            secret,
            code=code,
            verifier=str(flow["verifier"]),
            redirect_uri=str(flow["redirect_uri"]),
        )
        claims = dict(await self._openid.claims(tokens.id_token, issuer=issuer, audience=client_id))
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), str(flow["nonce"]).encode()):
            raise errors.Unauthenticated("the token belongs to another sign-in", reason="TOKEN_REFUSED")
        if claims.get("azp") not in (None, client_id):
            raise errors.Unauthenticated("the token was made for another program", reason="TOKEN_REFUSED")
        groups_claim = str(provider.settings.get("groups_claim") or DEFAULT_GROUPS_CLAIM)
        if "email" not in claims or groups_claim not in claims:
            more = await self._openid.user_info(issuer, tokens.access_token)
            # The page is about the same person, or about nobody.
            if more.get("sub") == claims["sub"]:
                claims = {**more, **claims}
        groups = claims.get(groups_claim)
        email = claims.get("email")
        # Where a provider says nothing, people may have chosen the address of somebody else.
        is_proven = claims.get("email_verified", provider.settings.get("emails_are_proven", False)) in (True, "true")
        return ProvenIdentity(
            subject=str(claims["sub"]),
            email=email.strip().lower() if isinstance(email, str) and is_proven else "",
            name=str(claims.get("name") or ""),
            groups=frozenset(str(group) for group in groups) if isinstance(groups, list) else frozenset(),
        )


class ForeignTokenAuthenticator:
    """Knows tokens of issuers that machines bring along: `Authorization: Bearer eyJ...`.

    Args:
        providers: Which issuers are believed, and whom their tokens act as.
        openid: Checks tokens.
    """

    def __init__(self, providers: Providers, openid: OpenIdProviders) -> None:
        self._providers = providers
        self._openid = openid

    async def authenticate(self, authorization: str, cookie: str) -> Proven | None:
        """Return what a token proves, None if there is none in the headers.

        Raises:
            errors.Unauthenticated: It is not to be believed, or stands for nobody here.
        """
        token = bearer(authorization)
        issuer = _issuer_of(token)
        if issuer is None:
            return None
        for provider in await self._providers.list_page(after="", limit=_PAGE):
            if provider.kind != "jwt" or not provider.is_enabled or provider.settings["issuer"] != issuer:
                continue
            claims = await self._openid.claims(
                token,
                issuer=issuer,
                audience=str(provider.settings["audience"]),
                keys_url=str(provider.settings.get("jwks_url") or ""),
            )
            for mapping in provider.settings.get("mappings", ()):
                if fits(claims, mapping["claim"], mapping["value"]):
                    until = datetime.datetime.fromtimestamp(float(claims["exp"]), datetime.UTC)
                    account = uuid.UUID(mapping["service_account_id"])
                    return Proven(account, f"token:{provider.handle}:{claims['sub']}"[:200], expires_at=until)
            raise errors.Unauthenticated("the token stands for nobody here", reason="TOKEN_NOT_MAPPED")
        raise errors.Unauthenticated("the token's issuer is not believed here", reason="ISSUER_NOT_KNOWN")


def secret_context(handle: str) -> str:
    """Return what a provider's sealed secret belongs to."""
    return f"identity-provider:{handle}"


def _issuer_of(token: str) -> str | None:
    """Return who says that it wrote a token; None for what is no token. Nothing is believed yet."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) else None


def _is_callback(url: str) -> bool:
    """Return whether an address can be that of this server's page that browsers come back to."""
    try:
        parts = urllib.parse.urlsplit(url)
        has_place = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False
    return has_place and parts.path == CALLBACK_PATH and not parts.query and not parts.fragment


def _not_begun() -> errors.Unauthenticated:
    return errors.Unauthenticated("this browser did not begin to sign in here; begin again", reason="SIGN_IN_NOT_BEGUN")
