"""What an Envoy in front of a server checks by itself: tokens, a word from elsewhere, how many requests, certificates.

All of it is optional and comes before what the services check themselves, which it does not replace.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import urllib.parse
from collections.abc import Iterable, Sequence
from typing import Any

from headrace_gateway import edge_secrets
from headrace_gateway.edge_parts import Address, address, filter_of, typed

TOKENS = "token_keys"
AUTHORIZATION = "authorization"

_FILTERS = "envoy.extensions.filters.http"
_TLS = "envoy.extensions.transport_sockets.tls.v3"
_MACHINE_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
_JWT_BEGINS = "Bearer eyJ"
"""What a JSON web token in a header begins with; keys of this server do not."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tokens:
    """Whose JSON web tokens are let through; those of others end at the edge. Keys of this server are not looked at."""

    issuer: str
    keys: str
    """File of its keys on Envoy's machine, or `https://` address of them."""
    audiences: Sequence[str] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class UpstreamTls:
    """How Envoy proves itself to the parts of the server, and by whom they have to be signed."""

    authority: str
    """File on Envoy's machine that names the certificate of their authority, as `edge_secrets.authority_secret` writes
    it for the name `authority`."""
    certificate: str
    """File that names Envoy's own certificate and key, as `edge_secrets.certificate_secret` writes it for the name
    `own`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Checks:
    """What the edge checks; nothing by default."""

    tokens: Tokens | None = None
    authorization: Address | None = None
    """A service that speaks `envoy.service.auth.v3.Authorization`, and is asked about each request."""
    requests_per_second: int | None = None
    """How many requests this Envoy lets through, with bursts of as many as in two seconds; more are told 429."""


def filters(checks: Checks) -> Iterable[dict[str, Any]]:
    """Return the filters, in the order in which requests pass them."""
    if checks.requests_per_second is not None:
        rate = checks.requests_per_second
        everything = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
        yield filter_of(
            "local_ratelimit",
            f"{_FILTERS}.local_ratelimit.v3.LocalRateLimit",
            stat_prefix="edge",
            token_bucket={"max_tokens": 2 * rate, "tokens_per_fill": rate, "fill_interval": "1s"},
            filter_enabled=everything,
            filter_enforced=everything,
            # To a gRPC client UNAVAILABLE would say that it should try again at once.
            rate_limited_as_resource_exhausted=True,
        )
    if checks.tokens is not None:
        yield filter_of(
            "jwt_authn",
            f"{_FILTERS}.jwt_authn.v3.JwtAuthentication",
            providers={TOKENS: _provider(checks.tokens)},
            rules=[
                {
                    "match": {
                        "prefix": "/",
                        "headers": [{"name": "authorization", "string_match": {"prefix": _JWT_BEGINS}}],
                    },
                    "requires": {"provider_name": TOKENS},
                }
            ],
        )
    if checks.authorization is not None:
        yield filter_of(
            "ext_authz",
            f"{_FILTERS}.ext_authz.v3.ExtAuthz",
            transport_api_version="V3",
            grpc_service={"envoy_grpc": {"cluster_name": AUTHORIZATION}, "timeout": "0.5s"},
            # Who cannot be asked has not agreed.
            failure_mode_allow=False,
            status_on_error={"code": "ServiceUnavailable"},
        )


def clusters(checks: Checks) -> Iterable[dict[str, Any]]:
    """Return what the filters ask."""
    if checks.tokens is not None and checks.tokens.keys.startswith("https://"):
        place = urllib.parse.urlsplit(checks.tokens.keys)
        host = place.hostname or ""
        yield {
            **_cluster(TOKENS, (host, place.port or 443)),
            "transport_socket": _tls_socket([host], {"validation_context": _believing([host], _MACHINE_AUTHORITIES)}),
        }
    if checks.authorization is not None:
        options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
        protocol = typed(options, explicit_http_config={"http2_protocol_options": {}})
        yield {
            **_cluster(AUTHORIZATION, checks.authorization),
            "typed_extension_protocol_options": {options: protocol},
        }


def upstream_socket(upstream: UpstreamTls, names: Sequence[str]) -> dict[str, Any]:
    """Return how Envoy calls a part over TLS.

    Args:
        upstream: Who is believed, and who Envoy is.
        names: Hosts or addresses that may stand in the certificate of who is called.
    """
    return _tls_socket(
        names,
        {
            "combined_validation_context": {
                "default_validation_context": _believing(names),
                "validation_context_sds_secret_config": edge_secrets.named("authority", upstream.authority),
            },
            "tls_certificate_sds_secret_configs": [edge_secrets.named("own", upstream.certificate)],
        },
    )


def _believing(names: Sequence[str], authority: str = "") -> dict[str, Any]:
    trusted = {"trusted_ca": {"filename": authority}} if authority else {}
    kinds = ["IP_ADDRESS" if _is_ip(name) else "DNS" for name in names]
    matchers = [{"san_type": kind, "matcher": {"exact": name}} for kind, name in zip(kinds, names, strict=True)]
    return {**trusted, "match_typed_subject_alt_names": matchers}


def _tls_socket(names: Sequence[str], context: dict[str, Any]) -> dict[str, Any]:
    named = {} if _is_ip(names[0]) else {"sni": names[0]}
    settings = {"tls_params": {"tls_minimum_protocol_version": "TLSv1_2"}, **context}
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": typed(f"{_TLS}.UpstreamTlsContext", common_tls_context=settings, **named),
    }


def _provider(tokens: Tokens) -> dict[str, Any]:
    keys: dict[str, Any]
    if tokens.keys.startswith("https://"):
        uri = {"uri": tokens.keys, "cluster": TOKENS, "timeout": "5s"}
        keys = {"remote_jwks": {"http_uri": uri, "cache_duration": "300s"}}
    else:
        keys = {"local_jwks": {"filename": tokens.keys}}
    audiences = {"audiences": list(tokens.audiences)} if tokens.audiences else {}
    # Handed on: the services find out by it who calls.
    return {"issuer": tokens.issuer, **audiences, "forward": True, **keys}


def _cluster(name: str, place: Address) -> dict[str, Any]:
    return {
        "name": name,
        "type": "STRICT_DNS",
        "connect_timeout": "2s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(*place)}}]}],
        },
    }


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
