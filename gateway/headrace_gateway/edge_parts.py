"""Pieces that the configuration of an Envoy is made of."""

from __future__ import annotations

from typing import Any, TypeAlias

Address: TypeAlias = "tuple[str, int]"
"""Host and port."""

TYPE = "type.googleapis.com/"


def typed(kind: str, **settings: Any) -> dict[str, Any]:
    """Return settings with the name of their message."""
    return {"@type": f"{TYPE}{kind}", **settings}


def filter_of(name: str, kind: str, **settings: Any) -> dict[str, Any]:
    """Return an HTTP filter with its settings."""
    return {"name": f"envoy.filters.http.{name}", "typed_config": typed(kind, **settings)}


def address(host: str, port: int) -> dict[str, Any]:
    """Return a host and a port as Envoy wants them."""
    return {"socket_address": {"address": host, "port_value": port}}


def addresses_of(target: str) -> list[Address]:
    """Return the addresses in `host:port[,host:port...]`.

    Raises:
        ValueError: One is none.
    """
    found = []
    for one in target.split(","):
        host, _, port = one.strip().rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"{one!r} is no address: use host:port")
        found.append((host.strip("[]"), int(port)))
    return found
