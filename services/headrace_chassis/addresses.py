"""Which addresses the server may call on behalf of its users.

Without this, whoever may write an automation could make the server talk to what only the server can reach: its
own ports, the private network, the credentials of a cloud machine.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Iterable
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

# IPv6 addresses that stand for an IPv4 address somewhere in them.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = ipaddress.IPv6Network("::/96")

# Where clouds keep the credentials of a machine, beside the link-local one.
_METADATA = frozenset(
    ipaddress.ip_address(address) for address in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192")
)


_HOST = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")


@dataclasses.dataclass(frozen=True, slots=True)
class AllowList:
    """Hosts and networks that may be called though they are private."""

    hosts: frozenset[str] = frozenset()
    """In lower case; those with `*.` in front are all below."""
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[str]) -> AllowList:
        """Return the list that is written as names of hosts, addresses and networks.

        Raises:
            ValueError: An entry is none of these.
        """
        hosts, networks = set(), []
        for entry in entries:
            text = entry.strip().lower()
            try:
                networks.append(ipaddress.ip_network(text, strict=False))
            except ValueError:
                if not _HOST.fullmatch(text) or _is_number(text):
                    raise ValueError(
                        f"{entry!r} is neither a host (app.lan, *.lan) nor a network (10.0.0.0/8)"
                    ) from None
                hosts.add(text)
        return cls(frozenset(hosts), tuple(networks))

    def allows(self, host: str, text: str) -> bool:
        """Return whether a host at an address is on the list."""
        name = host.rstrip(".").lower()
        parents = name.split(".")
        names = {name, *("*." + ".".join(parents[place:]) for place in range(1, len(parents)))}
        if names & self.hosts:
            return True
        try:
            address: Address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return False
        return any(
            meaning.version == network.version and meaning in network
            for meaning in _meanings(address)
            for network in self.networks
        )


def why_no_host(host: str) -> str | None:
    """Return why a host is not even looked up, None if it may be.

    Addresses written as one number, in octal, in hexadecimal or with parts left out mean different things to different
    readers; nobody needs them.
    """
    if not host or len(host) > 253:
        return "is not the name of a host"
    if "%" in host:
        return "names a zone of this machine"
    if _is_number(host):
        try:
            ipaddress.IPv4Address(host.removesuffix("."))
        except ValueError:
            return "is an address in a form that is not understood everywhere; write it with four decimal numbers"
    return None


def _is_number(host: str) -> bool:
    return _NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]) is not None


def why_refused(text: str, *, allow_private: bool) -> str | None:
    """Return why an address must not be called, None if it may be.

    Args:
        text: The address, as the resolver returned it.
        allow_private: Whether private networks and this machine are allowed. Link-local addresses, the metadata
            services of clouds, and what is no address of one machine are refused in any case.
    """
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "is not an address"
    for inner in _meanings(address):
        reason = _why_refused(inner, allow_private=allow_private)
        if reason is not None:
            return reason
    return None


def _meanings(address: Address) -> list[Address]:
    meanings: list[Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        embedded = (
            address.ipv4_mapped,
            address.sixtofour,
            *(address.teredo or ()),
            ipaddress.IPv4Address(address.packed[-4:])
            if address in _NAT64 or (address in _COMPATIBLE and int(address) > 0xFFFF)
            else None,
        )
        meanings += [inner for inner in embedded if inner is not None]
        if address.ipv4_mapped is not None:
            # The mapped form itself is reserved; what counts is the address in it.
            meanings.remove(address)
    return meanings


def _why_refused(address: Address, *, allow_private: bool) -> str | None:
    if address in _METADATA:
        return "is the metadata service of a cloud"
    if address.is_link_local:
        return "is link-local"
    if address.is_unspecified or address.is_multicast:
        return "is not the address of one machine"
    if address.is_loopback:
        return None if allow_private else "is this machine"
    if isinstance(address, ipaddress.IPv6Address) and (address in _NAT64_LOCAL or address.is_site_local):
        return None if allow_private else "is private"
    if isinstance(address, ipaddress.IPv4Address) and address == ipaddress.IPv4Address("255.255.255.255"):
        return "is not the address of one machine"
    if not address.is_global:
        is_private = address.is_private or address in _SHARED
        return None if allow_private and is_private and not address.is_reserved else "is private"
    return None


_SHARED = ipaddress.IPv4Network("100.64.0.0/10")
