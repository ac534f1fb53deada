"""A port without TLS beside one with it: pages are sent on to HTTPS, and an ACME client proves whose name it is.

Authorities such as Let's Encrypt ask for a file below `/.well-known/acme-challenge/` on port 80 before they sign.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from headrace_gateway.edge_parts import Address, address, filter_of, typed

ACME = "acme"
CHALLENGES = "/.well-known/acme-challenge/"
_HTTPS = 443


@dataclasses.dataclass(frozen=True, slots=True)
class PlainPort:
    """What is answered without TLS."""

    port: int
    tls_port: int
    """The port of HTTPS, as clients see it."""
    acme: Address | None = None
    """An ACME client that answers challenges, such as `certbot certonly --standalone`."""


def listener(plain: PlainPort, host: str, access_log: dict[str, Any]) -> dict[str, Any]:
    """Return the listener."""
    manager = typed(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="plain",
        use_remote_address=True,
        normalize_path=True,
        request_headers_timeout="10s",
        common_http_protocol_options={"idle_timeout": "30s", "headers_with_underscores_action": "REJECT_REQUEST"},
        access_log=[access_log],
        route_config={
            "name": "plain",
            "virtual_hosts": [{"name": "plain", "domains": ["*"], "routes": list(_routes(plain))}],
        },
        http_filters=[filter_of("router", "envoy.extensions.filters.http.router.v3.Router")],
    )
    return {
        "name": "plain",
        "address": address(host, plain.port),
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }


def clusters(plain: PlainPort) -> Iterable[dict[str, Any]]:
    """Return what the listener asks."""
    if plain.acme is not None:
        yield {
            "name": ACME,
            "type": "STRICT_DNS",
            "connect_timeout": "2s",
            "load_assignment": {
                "cluster_name": ACME,
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(*plain.acme)}}]}],
            },
        }


def _routes(plain: PlainPort) -> Iterable[dict[str, Any]]:
    if plain.acme is not None:
        yield {"match": {"prefix": CHALLENGES}, "route": {"cluster": ACME, "timeout": "10s"}}
    reads = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}
    # The port that nobody writes is left out.
    port = {"port_redirect": plain.tls_port} if plain.tls_port != _HTTPS else {}
    yield {
        "match": {"prefix": "/", "headers": [reads]},
        "redirect": {"https_redirect": True, **port, "response_code": "PERMANENT_REDIRECT"},
    }
    # Who sends something has sent it to be read already; it is not made a habit by working.
    yield {
        "match": {"prefix": "/"},
        "direct_response": {"status": 403, "body": {"inline_string": "use https\n"}},
    }
