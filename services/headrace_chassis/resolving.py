"""Who a caller is, told from the metadata of its call.

Internal calls carry the installation's token and the original caller; the rest is up to a `CallerResolver`.
"""

from __future__ import annotations

import contextlib
import hmac
import ipaddress
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from typing import Protocol, cast, get_args

from headrace import errors
from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace_chassis.caller import ALL_PERMISSIONS, Caller, PrincipalKind

WORKSPACE_KEY = "headrace-workspace"
INTERNAL_TOKEN_KEY = "headrace-internal-token"
ON_BEHALF_OF_KEY = "headrace-on-behalf-of"
ACCESS_TOKEN_KEY = "headrace-access-token"
CORRELATION_KEY = "headrace-correlation-id"

NO_WORKSPACE_ID = uuid.UUID(int=0)
"""Workspace of internal calls that act for no caller; no row belongs to it."""

UNSIGNED = frozenset({"service", "anonymous"})
"""Kinds of callers that services may name without a signed token where there is sign-in."""

Metadata = Mapping[str, str | bytes]

_DEFAULT_WORKSPACE = str(DEFAULT_WORKSPACE_ID)


class CallerResolver(Protocol):
    """Tells who makes a call from outside."""

    @property
    def requires_sign_in(self) -> bool:
        """Whether callers have to prove who they are."""
        ...

    @property
    def has_proofs(self) -> bool:
        """Whether services pass callers on with signed tokens, and take nobody's word for them."""
        ...

    async def resolve(self, metadata: Metadata, correlation_id: str) -> Caller:
        """Return the caller that the metadata proves.

        Raises:
            errors.Unauthenticated: It proves none.
        """
        ...

    async def accept(self, token: str, correlation_id: str) -> Caller:
        """Return the caller that another service passes on with a signed token.

        Raises:
            errors.Unauthenticated: The token is not good.
        """
        ...

    def counting(self, caller: Caller) -> contextlib.AbstractContextManager[None] | None:
        """Count a call of a caller while it goes on; None where calls are not counted.

        Raises:
            errors.ResourceExhausted: On entering: its workspace calls too much.
        """
        ...

    def watching(
        self,
        metadata: Metadata,
        caller: Caller,
        check: Callable[[Caller], None],
        refuse: Callable[[errors.HeadraceError], None],
    ) -> contextlib.AbstractContextManager[None] | None:
        """Look at the caller of a long call again whenever rights change.

        Args:
            metadata: Of the call.
            caller: As it was let in.
            check: Raises where a caller may no longer make the call.
            refuse: Ends the call.
        """
        ...


class UnprovenCallers:
    """What resolvers have in common that know no proofs."""

    requires_sign_in = False
    has_proofs = False

    async def accept(self, token: str, correlation_id: str) -> Caller:
        """Refuse.

        Raises:
            errors.Unauthenticated: Always.
        """
        raise errors.Unauthenticated("this server has no sign-in", reason="ACCESS_TOKEN_WRONG")

    def counting(self, caller: Caller) -> contextlib.AbstractContextManager[None] | None:
        """Return None: calls are not counted."""
        return None

    def watching(
        self,
        metadata: Metadata,
        caller: Caller,
        check: Callable[[Caller], None],
        refuse: Callable[[errors.HeadraceError], None],
    ) -> contextlib.AbstractContextManager[None] | None:
        """Return None: rights do not change."""
        return None


class Workspaces(Protocol):
    """Knows which workspaces there are."""

    async def find_workspace(self, named: str) -> uuid.UUID:
        """Return the id of the workspace with an id or handle.

        Raises:
            errors.NotFound: There is none.
        """
        ...


class LocalCallerResolver(UnprovenCallers):
    """For servers on loopback without sign-in: whoever can connect is the owner of every workspace.

    Args:
        workspaces: Finds the workspaces that callers name; without it any id is taken for one.
    """

    def __init__(self, workspaces: Workspaces | None = None) -> None:
        self._workspaces = workspaces

    async def resolve(self, metadata: Metadata, correlation_id: str) -> Caller:
        """Return the principal `local` on the workspace that the metadata names, or the default one.

        Raises:
            errors.NotFound: It names one that there is not.
        """
        return Caller(
            workspace_id=await self._workspace(metadata),
            principal_id="local",
            principal_kind="local",
            display_name="local",
            permissions=frozenset({ALL_PERMISSIONS}),
            correlation_id=correlation_id,
        )

    async def _workspace(self, metadata: Metadata) -> uuid.UUID:
        named = metadata.get(WORKSPACE_KEY)
        if not named or named == _DEFAULT_WORKSPACE:
            return DEFAULT_WORKSPACE_ID
        if self._workspaces is None:
            return named_workspace(metadata) or DEFAULT_WORKSPACE_ID
        return await self._workspaces.find_workspace(named if isinstance(named, str) else named.decode())


class ClosedCallerResolver(UnprovenCallers):
    """For servers that are reachable from elsewhere while no sign-in is set up: nobody is let in."""

    requires_sign_in = True

    async def resolve(self, metadata: Metadata, correlation_id: str) -> Caller:
        """Refuse.

        Raises:
            errors.Unauthenticated: Always.
        """
        raise errors.Unauthenticated(
            "this server listens beyond loopback and has no sign-in; set HEADRACE_SERVER_AUTH=on, listen on 127.0.0.1, "
            "or set HEADRACE_SERVER_ALLOW_WITHOUT_SIGN_IN=true on a network that you trust",
            reason="SIGN_IN_NOT_SET_UP",
        )


def anonymous(correlation_id: str) -> Caller:
    """Return the caller of public methods that did not say who it is: no workspace, no permission."""
    return Caller(NO_WORKSPACE_ID, "anonymous", "anonymous", "anonymous", frozenset(), correlation_id)


def service_caller(name: str, workspace_id: uuid.UUID = NO_WORKSPACE_ID, correlation_id: str = "") -> Caller:
    """Return the caller that stands for a part of the server itself, as loops use for calls to neighbours."""
    return Caller(workspace_id, name, "service", name, frozenset({ALL_PERMISSIONS}), correlation_id)


def internal_caller(metadata: Metadata, internal_token: str | None, correlation_id: str) -> Caller | None:
    """Return the caller of a call between services, None if the call carries no internal token.

    Raises:
        errors.Unauthenticated: The token is wrong, or this server has none.
    """
    given = metadata.get(INTERNAL_TOKEN_KEY)
    if given is None:
        return None
    given_bytes = given if isinstance(given, bytes) else given.encode()
    if not internal_token or not hmac.compare_digest(given_bytes, internal_token.encode()):
        raise errors.Unauthenticated("the internal token is wrong", reason="INTERNAL_TOKEN_WRONG")
    packed = metadata.get(ON_BEHALF_OF_KEY)
    if not isinstance(packed, str):
        return service_caller("service", correlation_id=correlation_id)
    return _unpack(packed, correlation_id)


def pack_caller(caller: Caller) -> str:
    """Return `caller` as the value of the on-behalf-of metadata."""
    return urllib.parse.urlencode(
        {
            "workspace": str(caller.workspace_id),
            "principal": caller.principal_id,
            "kind": caller.principal_kind,
            "name": caller.display_name,
        }
    )


def _unpack(packed: str, correlation_id: str) -> Caller:
    try:
        fields = dict(urllib.parse.parse_qsl(packed, max_num_fields=8))
        kind = fields.get("kind", "")
        workspace_id = uuid.UUID(fields["workspace"])
        if kind not in get_args(PrincipalKind):
            raise ValueError(kind)
    except (KeyError, ValueError):
        raise errors.Unauthenticated("the original caller is not readable", reason="ON_BEHALF_OF_WRONG") from None
    # The service that sends the call has checked what its caller may; the token vouches for it.
    return Caller(
        workspace_id=workspace_id,
        principal_id=fields.get("principal", ""),
        principal_kind=cast(PrincipalKind, kind),
        display_name=fields.get("name", ""),
        permissions=frozenset({ALL_PERMISSIONS}),
        correlation_id=correlation_id,
    )


def named_workspace(metadata: Metadata) -> uuid.UUID | None:
    """Return the workspace that the metadata names, None if none.

    Raises:
        errors.InvalidArgument: It is not an id.
    """
    value = metadata.get(WORKSPACE_KEY)
    if not value:
        return None
    try:
        return uuid.UUID(value if isinstance(value, str) else value.decode())
    except ValueError:
        raise errors.InvalidArgument.of_field(WORKSPACE_KEY, "must be the id of a workspace") from None


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
