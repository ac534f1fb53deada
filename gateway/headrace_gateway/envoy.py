"""The configuration of Envoy as the front door: one port for HTTP, gRPC, gRPC-Web and the UI.

Which service a call goes to, and its JSON form, come from the contract; so there is nothing here to keep up by
hand when a method is added. Envoy translates JSON straight to the services; event streams for browsers, pages
and documents go to the gateway.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headrace_chassis.resolving import ACCESS_TOKEN_KEY, INTERNAL_TOKEN_KEY, ON_BEHALF_OF_KEY
from headrace_chassis.settings import SERVICE_NAMES
from headrace_gateway import edge_guards, edge_plain, edge_secrets, edge_spread
from headrace_gateway.backends import SERVICE_OF
from headrace_gateway.contract import PUBLIC_PACKAGE, load_contract
from headrace_gateway.edge_guards import Checks, UpstreamTls
from headrace_gateway.edge_parts import address, addresses_of, filter_of, typed
from headrace_gateway.edge_plain import PlainPort

GATEWAY = "gateway"

PARTS: tuple[str, ...] = (*SERVICE_NAMES, GATEWAY)
"""The parts of a server that stand behind the edge."""

MAX_BODY_BYTES = 16 * 1024 * 1024
"""Largest message that is translated from JSON; services refuse larger ones too."""

_WITHOUT_HTTP = {"RecordService": "state", "WorkerService": "scheduler"}
"""gRPC services of streams alone, which the gateway does not serve."""

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-]+(:[0-9]+)?")

_HTTP_FILTERS = "envoy.extensions.filters.http"
_ENDLESS = "0s"
_QUIET_STREAM = "3600s"
"""After this long without a byte either way a stream is cut; ours say something every few seconds."""


@dataclasses.dataclass(frozen=True, slots=True)
class Edge:
    """Where an Envoy listens, and what stands behind it."""

    targets: Mapping[str, str]
    """`host:port` of each part of the server by name; a name may stand for several addresses, and several may be
    given with commas between them."""
    port: int = 4200
    host: str = "0.0.0.0"
    descriptors: str = "/etc/envoy/descriptors.binpb"
    """The contract, `headrace/api/descriptors.binpb`, as a file of Envoy's machine."""
    secrets: str = ""
    """File that names the certificate and key, as `edge_secrets.certificate_secret` writes it for the name `edge`:
    HTTPS and gRPC over TLS."""
    hosts: Sequence[str] = ("*",)
    """Names under which it is reached, with ports where they are in the address; others are refused."""
    origins: Sequence[str] = ()
    """Further web pages that may call, as `https://ci.example.org`; those from the edge itself always may."""
    admin_port: int | None = 9901
    """Where Envoy's own state and figures are told, on loopback; None tells them to nobody."""
    checks: Checks = dataclasses.field(default_factory=Checks)
    """What is checked before a request reaches a part."""
    client_authority: str = ""
    """File that names the certificate of an authority, as `edge_secrets.authority_secret` writes it for the name
    `clients`: only clients with a certificate of it are let in. Needs `secrets`."""
    upstream: UpstreamTls | None = None
    """For TLS with certificates on both sides between Envoy and the parts."""
    plain: PlainPort | None = None
    """A port without TLS beside the one with it. Needs `secrets`."""


def configuration(edge: Edge) -> dict[str, Any]:
    """Return the configuration of an Envoy, as it goes into its YAML or JSON file.

    Raises:
        ValueError: The address of a part is missing or is none, or something needs TLS and there is none.
    """
    missing = [part for part in PARTS if part not in edge.targets]
    if missing:
        raise ValueError(f"the address of {', '.join(missing)} is missing")
    if edge.client_authority and not edge.secrets:
        raise ValueError("certificates of clients need a certificate of the edge")
    if edge.plain is not None and not edge.secrets:
        raise ValueError("a port beside that with TLS needs a certificate of the edge")
    listeners = [_listener(edge)]
    clusters = [_cluster(part, edge.targets[part], edge.upstream) for part in PARTS]
    clusters += edge_guards.clusters(edge.checks)
    if edge.plain is not None:
        listeners.append(edge_plain.listener(edge.plain, edge.host, _access_log()))
        clusters += edge_plain.clusters(edge.plain)
    answer: dict[str, Any] = {
        "node": {"id": "edge", "cluster": "headrace"},
        "static_resources": {
            "listeners": listeners,
            "clusters": clusters,
        },
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": typed(
                        "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                        max_active_downstream_connections=50_000,
                    ),
                }
            ]
        },
    }
    if edge.admin_port is not None:
        answer["admin"] = {"address": address("127.0.0.1", edge.admin_port)}
    return answer


def _listener(edge: Edge) -> dict[str, Any]:
    chain: dict[str, Any] = {
        "filters": [
            edge_spread.connection_filter(),
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": _manager(edge)},
        ]
    }
    if edge.secrets:
        clients = {"validation_context_sds_secret_config": edge_secrets.named("clients", edge.client_authority)}
        chain["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": typed(
                "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                require_client_certificate=bool(edge.client_authority),
                common_tls_context={
                    **(clients if edge.client_authority else {}),
                    "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
                    "alpn_protocols": ["h2", "http/1.1"],
                    "tls_certificate_sds_secret_configs": [edge_secrets.named("edge", edge.secrets)],
                },
            ),
        }
    return {
        "name": "edge",
        "address": address(edge.host, edge.port),
        "per_connection_buffer_limit_bytes": MAX_BODY_BYTES,
        "filter_chains": [chain],
    }


def _manager(edge: Edge) -> dict[str, Any]:
    return typed(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="edge",
        # Who called is whom this Envoy sees; what a client claims about itself on the way is not taken over.
        use_remote_address=True,
        normalize_path=True,
        merge_slashes=True,
        # Names of limits and variables may have a slash in them, as %2F.
        path_with_escaped_slashes_action="KEEP_UNCHANGED",
        server_header_transformation="PASS_THROUGH",
        # Websockets of Prefect's clients; the gateway refuses those of foreign pages.
        upgrade_configs=[{"upgrade_type": "websocket"}],
        request_headers_timeout="10s",
        stream_idle_timeout=_QUIET_STREAM,
        common_http_protocol_options={
            "idle_timeout": _QUIET_STREAM,
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        http2_protocol_options={
            "max_concurrent_streams": 1000,
            "initial_stream_window_size": 1024 * 1024,
            "initial_connection_window_size": 4 * 1024 * 1024,
            "connection_keepalive": {"interval": "30s", "timeout": "10s"},
        },
        access_log=[_access_log()],
        route_config={
            "name": "edge",
            "virtual_hosts": [
                {
                    "name": "headrace",
                    "domains": list(edge.hosts),
                    "typed_per_filter_config": {"envoy.filters.http.cors": _cors(edge.origins)},
                    # Only services say these to each other.
                    "request_headers_to_remove": [INTERNAL_TOKEN_KEY, ON_BEHALF_OF_KEY, ACCESS_TOKEN_KEY],
                    "routes": list(_routes()),
                }
            ],
        },
        http_filters=list(_filters(edge)),
    )


def _cors(origins: Sequence[str]) -> dict[str, Any]:
    return typed(
        f"{_HTTP_FILTERS}.cors.v3.CorsPolicy",
        allow_origin_string_match=[{"exact": origin} for origin in origins],
        allow_methods="GET, POST, PUT, PATCH, DELETE",
        allow_headers="authorization, content-type, headrace-workspace, traceparent, x-grpc-web, grpc-timeout",
        expose_headers="grpc-status, grpc-message, grpc-status-details-bin, headrace-correlation-id",
        max_age="600",
    )


def _routes() -> Iterable[dict[str, Any]]:
    # What services say to each other, and what Prometheus asks each part by itself.
    for match in ({"prefix": "/headrace.internal."}, {"path": "/metrics"}):
        yield {
            "match": match,
            "direct_response": {"status": 404, "body": {"inline_string": "there is nothing here\n"}},
        }
    # Browsers ask for event streams, which the gateway makes of answers; they are not translated here.
    accepts_events = {"name": "accept", "string_match": {"contains": "text/event-stream", "ignore_case": True}}
    yield {
        "match": {"prefix": "/v1/", "headers": [accepts_events]},
        "route": {"cluster": GATEWAY, "timeout": _ENDLESS, "idle_timeout": _QUIET_STREAM},
        "typed_per_filter_config": {
            "envoy.filters.http.grpc_json_transcoder": typed(
                f"{_HTTP_FILTERS}.grpc_json_transcoder.v3.GrpcJsonTranscoder", proto_descriptor_bin="", services=[]
            )
        },
    }
    routed = {f"/{PUBLIC_PACKAGE}.{service}/": owner for service, owner in sorted(service_owners().items())}
    # To a client that asks how the server is, the part is meant that most calls need.
    for prefix, owner in {**routed, "/grpc.health.v1.Health/": "state"}.items():
        yield {
            "match": {"prefix": prefix},
            "route": {
                "cluster": owner,
                "hash_policy": edge_spread.by_connection(),
                # A call has the deadline that its client gives it; a stream has none.
                "timeout": _ENDLESS,
                "idle_timeout": _QUIET_STREAM,
                "max_stream_duration": {"grpc_timeout_header_max": _ENDLESS},
                # Only what no service has begun with, or what one refused because it was stopping: a call that has
                # come and not been looked at yet is cancelled then.
                "retry_policy": _retries("connect-failure,refused-stream,unavailable,cancelled"),
            },
        }
    # What only reads may begin anew; else only what the gateway has not begun with.
    only_reads = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD|OPTIONS"}}}
    for headers, causes in (([only_reads], "connect-failure,reset"), ([], "connect-failure,reset-before-request")):
        yield {
            "match": {"prefix": "/", "headers": headers} if headers else {"prefix": "/"},
            "route": {
                "cluster": GATEWAY,
                "timeout": _ENDLESS,
                "idle_timeout": _QUIET_STREAM,
                "retry_policy": _retries(causes),
            },
        }


def _retries(causes: str) -> dict[str, Any]:
    hosts = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
    return {
        "retry_on": causes,
        "num_retries": 3,
        "retry_back_off": {"base_interval": "0.05s", "max_interval": "1s"},
        "retry_host_predicate": [{"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": typed(hosts)}],
        "host_selection_retry_max_attempts": 20,
    }


def service_owners() -> dict[str, str]:
    """Return which part of the server serves each public gRPC service, by its name without package."""
    # Every part can tell about the installation.
    return {**SERVICE_OF, **_WITHOUT_HTTP, "SystemService": "state"}


def _filters(edge: Edge) -> Iterable[dict[str, Any]]:
    yield filter_of("cors", f"{_HTTP_FILTERS}.cors.v3.Cors")
    yield from edge_guards.filters(edge.checks)
    # Envoy's own filter against forged requests refuses every client that is no browser.
    yield filter_of(
        "lua", f"{_HTTP_FILTERS}.lua.v3.Lua", default_source_code={"inline_string": _same_origin(edge.origins)}
    )
    yield filter_of("grpc_web", f"{_HTTP_FILTERS}.grpc_web.v3.GrpcWeb")
    yield filter_of(
        "grpc_json_transcoder",
        f"{_HTTP_FILTERS}.grpc_json_transcoder.v3.GrpcJsonTranscoder",
        proto_descriptor=edge.descriptors,
        services=sorted({method.path[1:].partition("/")[0] for method in load_contract().methods}),
        convert_grpc_status=True,
        print_options={
            "always_print_primitive_fields": True,
            "preserve_proto_field_names": True,
            "stream_newline_delimited": True,
        },
        request_validation_options={"reject_unknown_query_parameters": True},
        url_unescape_spec="ALL_CHARACTERS",
        query_param_unescape_plus=True,
        max_request_body_size=MAX_BODY_BYTES,
    )
    # How long a part took is for the access log.
    yield filter_of("router", f"{_HTTP_FILTERS}.router.v3.Router", suppress_envoy_headers=True)


def _same_origin(origins: Sequence[str]) -> str:
    """Return the filter by which a page of another site cannot act for whoever looks at it."""
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is no origin: use https://host or https://host:port")
    allowed = ", ".join(f'["{origin}"] = true' for origin in origins)
    return f"""local allowed = {{{allowed}}}
function envoy_on_request(handle)
  local headers = handle:headers()
  local origin, method = headers:get("origin"), headers:get(":method")
  if origin == nil or method == "GET" or method == "HEAD" or method == "OPTIONS" or allowed[origin] then
    return
  end
  if origin:match("^https?://(.+)$") ~= headers:get(":authority") then
    handle:respond({{[":status"] = "403"}}, "pages of another site may not call\\n")
  end
end
"""


def _access_log() -> dict[str, Any]:
    # No query: it may hold what a user searches for.
    fields = {
        "time": "%START_TIME%",
        "method": "%REQ(:METHOD)%",
        "path": "%REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH?:PATH)%",
        "status": "%RESPONSE_CODE%",
        "grpc_status": "%GRPC_STATUS%",
        "flags": "%RESPONSE_FLAGS%",
        "milliseconds": "%DURATION%",
        "bytes_in": "%BYTES_RECEIVED%",
        "bytes_out": "%BYTES_SENT%",
        "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "upstream": "%UPSTREAM_HOST%",
        "correlation_id": "%REQ(HEADRACE-CORRELATION-ID)%",
        "traceparent": "%REQ(TRACEPARENT)%",
    }
    formatter = {
        "json_format": fields,
        "formatters": [
            {
                "name": "envoy.formatter.req_without_query",
                "typed_config": typed("envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery"),
            }
        ],
    }
    return {
        "name": "envoy.access_loggers.stdout",
        "typed_config": typed("envoy.extensions.access_loggers.stream.v3.StdoutAccessLog", log_format=formatter),
    }


def _cluster(part: str, target: str, upstream: UpstreamTls | None) -> dict[str, Any]:
    try:
        places = addresses_of(target)
    except ValueError as error:
        raise ValueError(f"{part}: {error}") from None
    speaks_grpc = part != GATEWAY
    check: dict[str, Any] = {
        "timeout": "3s",
        "interval": "2s",
        # Also before the first call has come, so that a part that starts after Envoy is found soon.
        "no_traffic_interval": "2s",
        "unhealthy_threshold": 2,
        "healthy_threshold": 1,
    }
    if speaks_grpc:
        check["grpc_health_check"] = {}
    else:
        check["http_health_check"] = {"path": "/ready", "host": "localhost"}
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    protocol: dict[str, Any] = {"http2_protocol_options": {}} if speaks_grpc else {"http_protocol_options": {}}
    limits = {
        "max_connections": 4096,
        "max_pending_requests": 4096,
        "max_requests": 65536,
        # When a replica goes, everything that it had begun is tried elsewhere at once; when all are in trouble, no
        # more than a fifth of what goes on.
        "retry_budget": {"budget_percent": {"value": 20.0}, "min_retry_concurrency": 256},
    }
    cluster = {
        "name": part,
        # All addresses that a name has: each replica is known.
        "type": "STRICT_DNS",
        "connect_timeout": "2s",
        **(edge_spread.balancing() if speaks_grpc else {"lb_policy": "LEAST_REQUEST"}),
        "per_connection_buffer_limit_bytes": MAX_BODY_BYTES,
        "typed_extension_protocol_options": {options: typed(options, explicit_http_config=protocol)},
        "health_checks": [check],
        "outlier_detection": {"consecutive_gateway_failure": 5, "interval": "5s", "base_ejection_time": "5s"},
        "circuit_breakers": {"thresholds": [limits]},
        "load_assignment": {
            "cluster_name": part,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(*place)}} for place in places]}],
        },
    }
    if upstream is not None:
        names = list(dict.fromkeys(host for host, _ in places))
        cluster["transport_socket"] = edge_guards.upstream_socket(upstream, names)
    return cluster
