"""Where a call comes from that went through proxies: what they say is believed of those alone that are named.

Anybody can send `X-Forwarded-For`. It is read from its end, where the nearest proxy wrote: as long as an address is
one of a named proxy, the one before it is what that proxy saw.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from headrace import errors

HEADER = "x-forwarded-for"
PROTOCOL_HEADER = "x-forwarded-proto"
MOST_PROXIES = 20
"""Proxies in a row that are looked at."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class TrustedProxies:
    """The proxies whose word is taken.

    Args:
        networks: Their addresses, such as `10.0.0.7`, or networks, such as `10.0.0.0/8`.

    Raises:
        errors.InvalidArgument: One is neither.
    """

    def __init__(self, networks: Sequence[str] = ()) -> None:
        try:
            self._networks = tuple(ipaddress.ip_network(network) for network in networks)
        except ValueError as error:
            raise errors.InvalidArgument.of_field("HEADRACE_SERVER_TRUSTED_PROXIES", str(error)) from None

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusts(self, address: str) -> bool:
        """Return whether an address is one of them."""
        found = _read(address)
        return found is not None and any(
            found.version == network.version and found in network for network in self._networks
        )

    def origin_of(self, peer: str, forwarded: str) -> str:
        """Return where a call comes from.

        Args:
            peer: Who is connected.
            forwarded: The header, as it came; several are joined by commas.
        """
        origin = peer
        for given in reversed(forwarded.split(",")[-MOST_PROXIES:]):
            if not self.trusts(origin):
                break
            claimed = _read(given.strip())
            if claimed is None:
                break
            origin = str(claimed)
        return origin


NOBODY = TrustedProxies()
"""No proxy is believed: a call comes from whoever is connected."""


def _read(text: str) -> _Address | None:
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        # Some proxies add the port.
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
