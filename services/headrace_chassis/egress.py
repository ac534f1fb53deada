"""The way out: which addresses of a host may be called, and connections to those and no others.

A name is resolved once; all its addresses are looked at; the connection goes to one of those that were looked at.
So a name cannot mean another address a moment later.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from headrace_chassis.addresses import AllowList, why_no_host, why_refused

CONNECT_SECONDS = 5.0
RESOLVE_SECONDS = 5.0
MOST_ADDRESSES = 3
"""Addresses of a name that are tried."""

_ALLOWED_BY = "; HEADRACE_SERVER_EGRESS_ALLOW of the server may name it"
_ASKED_FOR_BY = "; the action may ask for it with allow_private_addresses"

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host.

Raises:
    OSError: It has none.
"""

Connect = Callable[[str, int], Awaitable[socket.socket]]
"""Returns a connection to an address.

Raises:
    OSError: There is none.
"""


class EgressRefused(Exception):
    """A host must not be called; the message says why."""


async def resolve_by_system(host: str, port: int) -> list[str]:
    """Return the addresses of a host as the system's resolver tells them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


async def connect_by_system(address: str, port: int) -> socket.socket:
    """Return a connection to an address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, (address, port))
    except BaseException:
        made.close()
        raise
    return made


class Egress:
    """Finds the addresses that may be called.

    Args:
        allow: What may be called though it is private.
        trusts_callers: Whether private addresses may be called, too, where a caller asks for it: true where nobody but
            this machine can call the server.
        resolve: Returns the addresses of a host.
        connect: Makes connections.
    """

    def __init__(
        self,
        allow: AllowList,
        *,
        trusts_callers: bool = False,
        resolve: Resolve = resolve_by_system,
        connect: Connect = connect_by_system,
    ) -> None:
        self._allow = allow
        self._trusts_callers = trusts_callers
        self._resolve = resolve
        self._connect = connect

    async def addresses(self, host: str, port: int, *, asks_for_private: bool = True) -> list[str]:
        """Return addresses of a host, all of which may be called.

        Args:
            host: Its name or address.
            port: Where to.
            asks_for_private: False: private ones are refused even if they are allowed.

        Raises:
            EgressRefused: It must not be called.
            OSError: It has no address, or it is not known in time.
        """
        reason = why_no_host(host)
        if reason is not None:
            raise EgressRefused(f"{host[:253]} is not called: it {reason}")
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = await self._resolve(host, port)
        except TimeoutError:
            raise OSError(f"no answer within {RESOLVE_SECONDS:g} s") from None
        except UnicodeError as error:
            raise OSError(str(error)) from error
        for address in found:
            reason = why_refused(address, allow_private=asks_for_private and self._may_be_private(host, address))
            if reason is not None:
                way = _ALLOWED_BY if asks_for_private else _ASKED_FOR_BY
                is_never_called = why_refused(address, allow_private=True) is not None
                raise EgressRefused(f"{host} is not called: {address} {reason}{'' if is_never_called else way}")
        if not found:
            raise OSError("it has no address")
        return found[:MOST_ADDRESSES]

    def _may_be_private(self, host: str, address: str) -> bool:
        return self._trusts_callers or self._allow.allows(host, address)

    async def connect(self, host: str, port: int) -> socket.socket:
        """Return a connection to a host, at an address that was looked at.

        Raises:
            EgressRefused: It must not be called.
            OSError: It cannot be reached.
        """
        failure: OSError | None = None
        for address in await self.addresses(host, port):
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await self._connect(address, port)
            except TimeoutError:
                failure = OSError(f"{address} does not answer within {CONNECT_SECONDS:g} s")
            except OSError as error:
                failure = error
        raise failure or OSError("it has no address")
