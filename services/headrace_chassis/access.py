"""Who callers are on a server with sign-in: what they prove themselves with, exchanged and remembered.

A credential (an API key, a session, a token of another issuer) is sent to the identity service once, which answers
with a short-lived signed token; until that ends, or rights change somewhere, the answer is remembered. A change of
rights is told by a NOTIFY and, should that be lost, found by asking every second. Streams are looked at again after
each change, and cut off where their caller may no longer call them.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import grpc
import grpc.aio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from headrace import errors
from headrace.api.v1 import options_pb2
from headrace.internal.v1 import identity_pb2, identity_pb2_grpc
from headrace.rpc.status import from_rpc_error
from headrace_chassis import access_token
from headrace_chassis.access_token import Claims
from headrace_chassis.allowance import Allowances
from headrace_chassis.caller import Caller, PrincipalKind, Proof
from headrace_chassis.notify import Wakeups
from headrace_chassis.scope import start_shared

logger = logging.getLogger(__name__)

CHANNEL = "identity_access"
"""The channel of `Wakeups` that tells of changed rights."""

ASK_SECONDS = 1.0
"""How often the version of rights is asked for, should a wakeup be lost."""

RENEW_SECONDS = 90.0
"""A token that ends sooner is exchanged anew, so that calls that take long can still be passed on."""

REFUSED_SECONDS = 1.0
"""How long a refused credential is refused without asking again."""

KEPT_LIMIT = 10_000
"""Most answers that are kept; the oldest makes room."""

_TIMEOUT_SECONDS = 5.0
_NAMES: dict[int, str] = {int(number): name for name, number in options_pb2.Permission.items()}

_Credential = tuple[str, str, str]
"""(authorization, cookie, workspace) as the metadata has them."""

Refusal = Callable[[errors.HeadraceError], None]


@dataclasses.dataclass(frozen=True, slots=True)
class _Kept:
    claims: Claims
    proof: Proof
    permissions: frozenset[str]
    grants: dict[tuple[int, str], frozenset[str]]

    def caller(self, correlation_id: str) -> Caller:
        claims = self.claims
        return Caller(
            claims.workspace_id,
            claims.principal_id,
            cast(PrincipalKind, claims.kind),
            claims.display_name,
            self.permissions,
            correlation_id,
            self.grants,
            self.proof,
            claims.credential_id,
            claims.account_id,
        )


@dataclasses.dataclass(eq=False, slots=True)
class _Watched:
    credential: _Credential | None
    caller: Caller
    check: Callable[[Caller], None]
    refuse: Refusal


class AccessResolver:
    """Tells who callers are; `start` it before the first call and `close` it after the last.

    Args:
        channel: Returns the channel to the identity service, with the internal token.
        wakeups: Tell of changed rights.
        now: Unix time.
    """

    requires_sign_in = True
    has_proofs = True

    def __init__(
        self, channel: Callable[[], grpc.aio.Channel], wakeups: Wakeups, *, now: Callable[[], float] = time.time
    ) -> None:
        self._channel = channel
        self._wakeups = wakeups
        self._now = now
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._version = 0
        self._kept: collections.OrderedDict[_Credential, _Kept] = collections.OrderedDict()
        self._passed_on: collections.OrderedDict[str, _Kept] = collections.OrderedDict()
        self._refused: collections.OrderedDict[_Credential, tuple[float, errors.HeadraceError]] = (
            collections.OrderedDict()
        )
        self._watched: set[_Watched] = set()
        self._asking: dict[_Credential, asyncio.Task[_Kept]] = {}
        self.allowances = Allowances()
        """What workspaces may call."""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow changes of rights."""
        if self._task is None:
            self._task = asyncio.create_task(self._follow(), name="access")

    async def close(self) -> None:
        """Stop to follow them."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def resolve(self, metadata: Any, correlation_id: str) -> Caller:
        """Return the caller whose credential is in the metadata.

        Raises:
            errors.Unauthenticated: There is none, or it is not good (any more).
            errors.NotFound: It names a workspace that there is not, or in which the caller has no role.
            errors.Unavailable: The identity service does not answer.
        """
        credential = _credential(metadata)
        kept = self._kept.get(credential)
        if kept is None or kept.proof.expires_at - RENEW_SECONDS <= self._now():
            kept = await self._exchange(credential)
        return kept.caller(correlation_id)

    async def accept(self, token: str, correlation_id: str) -> Caller:
        """Return the caller that another service passes on.

        Raises:
            errors.Unauthenticated: The token is not good.
        """
        kept = self._passed_on.get(token)
        if kept is None:
            kept = await self._check(token)
            _keep(self._passed_on, token, kept)
        if kept.claims.expires_at <= self._now():
            raise errors.Unauthenticated("the access token has expired", reason="ACCESS_TOKEN_EXPIRED")
        return kept.caller(correlation_id)

    def counting(self, caller: Caller) -> contextlib.AbstractContextManager[None] | None:
        """Count a call of a caller while it goes on; None where its workspace may call as much as it likes."""
        if not self.allowances.is_limited(caller.workspace_id):
            return None
        return self.allowances.taking(caller.workspace_id)

    @contextlib.contextmanager
    def watching(
        self, metadata: Any, caller: Caller, check: Callable[[Caller], None], refuse: Refusal
    ) -> Iterator[None]:
        """Look at the caller of a long call again whenever rights change, and keep its proof fresh.

        Args:
            metadata: Of the call.
            caller: As it was let in.
            check: Raises where a caller may no longer make the call.
            refuse: Ends the call.
        """
        watched = _Watched(_credential(metadata), caller, check, refuse)
        self._watched.add(watched)
        try:
            yield
        finally:
            self._watched.discard(watched)

    async def _exchange(self, credential: _Credential) -> _Kept:
        if not credential[0] and not credential[1]:
            raise errors.Unauthenticated(
                "this server asks who you are: run `headrace login`, or set HEADRACE_API_KEY",
                reason="CREDENTIAL_MISSING",
            )
        until, refusal = self._refused.get(credential, (0.0, None))
        if refusal is not None and until > self._now():
            raise refusal
        asking = self._asking.get(credential)
        if asking is None:
            asking = start_shared(self._ask(credential), name="exchange of a credential")
            self._asking[credential] = asking
            asking.add_done_callback(lambda _: self._asking.pop(credential, None))
        return await asyncio.shield(asking)

    async def _ask(self, credential: _Credential) -> _Kept:
        authorization, cookie, workspace = credential
        stub = identity_pb2_grpc.IdentityInternalServiceStub(self._channel())
        request = identity_pb2.ExchangeCredentialRequest(
            authorization=authorization, cookie=cookie, workspace=workspace
        )
        version = self._version
        try:
            response = await stub.ExchangeCredential(request, timeout=_TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            cause = from_rpc_error(error)
            if isinstance(cause, errors.Unauthenticated | errors.NotFound | errors.InvalidArgument):
                _keep(self._refused, credential, (self._now() + REFUSED_SECONDS, cause))
                raise cause from error
            if isinstance(cause, errors.DeadlineExceeded):
                raise errors.Unavailable("the identity service does not answer") from error
            raise cause from error
        kept = await self._check(response.access_token)
        # What was answered while rights changed may be older than the change.
        if version == self._version:
            _keep(self._kept, credential, kept)
        return kept

    async def _check(self, token: str) -> _Kept:
        if access_token.key_id_of(token) not in self._keys:
            await self._look()
        claims = access_token.verify(self._keys, token, self._now())
        self.allowances.set(claims.workspace_id, claims.calls_per_second, claims.concurrent_calls)
        return _Kept(
            claims=claims,
            proof=Proof(token, claims.expires_at),
            permissions=frozenset(_NAMES[number] for number in claims.permissions if number in _NAMES),
            grants={
                (grant.kind, grant.object): frozenset(_NAMES[number] for number in grant.permissions)
                for grant in claims.grants
            },
        )

    async def _look(self) -> None:
        """Learn keys and the version of rights; forget what is older."""
        stub = identity_pb2_grpc.IdentityInternalServiceStub(self._channel())
        try:
            state = await stub.GetAccessState(identity_pb2.GetAccessStateRequest(), timeout=_TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise errors.Unavailable("the identity service does not answer") from error
        self._keys = {key.key_id: Ed25519PublicKey.from_public_bytes(key.public_key) for key in state.keys}
        if state.access_version != self._version:
            self._version = state.access_version
            self._kept.clear()
            self._refused.clear()
            self._passed_on.clear()
            await self._look_again(is_change=True)

    async def _look_again(self, *, is_change: bool) -> None:
        soon = self._now() + RENEW_SECONDS
        for watched in list(self._watched):
            proof = watched.caller.proof
            if watched.credential is None or (not is_change and (proof is None or proof.expires_at > soon)):
                continue
            try:
                kept = self._kept.get(watched.credential)
                if kept is None or kept.proof.expires_at <= soon:
                    kept = await self._exchange(watched.credential)
                watched.check(kept.caller(watched.caller.correlation_id))
            except (errors.Unauthenticated, errors.PermissionDenied, errors.NotFound) as error:
                if watched in self._watched:
                    watched.refuse(error)
            except errors.HeadraceError as error:
                # The identity service is away: what was so a moment ago is better than nothing.
                logger.warning("cannot look at the caller of a stream again: %s", error)
            else:
                if proof is not None:
                    proof.token, proof.expires_at = kept.proof.token, kept.proof.expires_at

    async def _follow(self) -> None:
        async with self._wakeups.subscribe(CHANNEL) as wakeup:
            while True:
                try:
                    await self._look()
                    await self._look_again(is_change=False)
                except errors.HeadraceError as error:
                    logger.debug("cannot ask for changes of rights: %s", error)
                except Exception:
                    logger.exception("following changes of rights failed")
                await wakeup.wait(ASK_SECONDS)


def _credential(metadata: Any) -> _Credential:
    return (
        _text(metadata.get("authorization")),
        _text(metadata.get("cookie")),
        _text(metadata.get("headrace-workspace")),
    )


def _text(value: str | bytes | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else value.decode("latin-1")


def _keep(kept: collections.OrderedDict[Any, Any], key: Any, value: Any) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > KEPT_LIMIT:
        kept.popitem(last=False)
