"""Envoy in front of a distributed server: one address for gRPC and HTTP, each call goes to the part that serves it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pathlib
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

from headrace_gateway.backends import SERVICE_OF
from headrace_harness.stack import LOOPBACK
from headrace_server.parts import GATEWAY

ENVOY = shutil.which("envoy", path=f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
"""The program; None where there is none. The wheel that brings it exists for Linux on x86-64 only."""

_API = "headrace.api.v1"
_WORKERS = {"WorkerService": "scheduler"}
"""What the gateway does not serve."""
_START_SECONDS = 20.0
_ENDLESS = "0s"


def _cluster(name: str, target: str, *, speaks_http2: bool) -> dict[str, Any]:
    host, _, port = target.rpartition(":")
    address = {"socket_address": {"address": host, "port_value": int(port)}}
    protocol: dict[str, Any] = {"http2_protocol_options": {}} if speaks_http2 else {"http_protocol_options": {}}
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            options: {"@type": f"type.googleapis.com/{options}", "explicit_http_config": protocol}
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }


def configuration(port: int, targets: Mapping[str, str]) -> dict[str, Any]:
    """Return the configuration of an edge.

    Args:
        port: Where it listens.
        targets: Addresses of the parts by name, that of the gateway among them.
    """
    owners = {**SERVICE_OF, **_WORKERS, "SystemService": "state"}
    endless = {"timeout": _ENDLESS, "idle_timeout": _ENDLESS}
    routes = [
        {"match": {"prefix": f"/{_API}.{service}/"}, "route": {"cluster": owner, **endless}}
        for service, owner in owners.items()
    ]
    routes.append({"match": {"prefix": "/"}, "route": {"cluster": GATEWAY, **endless}})
    manager = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    }
    connections = {
        "@type": f"type.googleapis.com/{manager}",
        "stat_prefix": "edge",
        "stream_idle_timeout": _ENDLESS,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [router],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": connections}]
    listener = {
        "name": "edge",
        "address": {"socket_address": {"address": LOOPBACK, "port_value": port}},
        "filter_chains": [{"filters": filters}],
    }
    clusters = [_cluster(name, target, speaks_http2=name != GATEWAY) for name, target in targets.items()]
    return {"static_resources": {"listeners": [listener], "clusters": clusters}}


@contextlib.asynccontextmanager
async def running_edge(folder: pathlib.Path, port: int, targets: Mapping[str, str]) -> AsyncIterator[None]:
    """Run an edge; arguments as of `configuration`, and a folder for its files."""
    assert ENVOY is not None, "there is no envoy on this machine"
    path = folder / "envoy.json"
    path.write_text(json.dumps(configuration(port, targets)))
    with (folder / "envoy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            ENVOY, "-c", str(path), "--disable-hot-restart", "--concurrency", "1", "-l", "warning",
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        async with asyncio.timeout(_START_SECONDS):
            while True:
                assert process.returncode is None, (folder / "envoy.log").read_text()
                try:
                    _, writer = await asyncio.open_connection(LOOPBACK, port)
                except OSError:
                    await asyncio.sleep(0.05)
                    continue
                writer.close()
                break
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
