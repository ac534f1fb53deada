"""What a server tells about itself."""

from __future__ import annotations

import uuid

from grpc_health.v1 import health_pb2, health_pb2_grpc

from headrace import __version__
from headrace.api.v1 import system_pb2, system_pb2_grpc
from headrace_harness.servers import Addresses
from headrace_harness.stack import Stack


async def test_a_server_tells_its_version_and_installation(stack: Stack, addresses: Addresses) -> None:
    over_http = (await stack.http.get("/v1/system")).json()
    over_grpc = await stack.stub(system_pb2_grpc.SystemServiceStub).GetSystem(system_pb2.GetSystemRequest())
    assert over_http["version"] == over_grpc.version == __version__
    assert uuid.UUID(over_http["installation_id"]) == uuid.UUID(over_grpc.installation_id)
    assert over_http["authentication_required"] is (addresses.credentials is not None)


async def test_every_part_is_healthy_and_ready(stack: Stack) -> None:
    assert (await stack.http.get("/health")).status_code == 200
    assert (await stack.http.get("/ready")).status_code == 200
    for channel in stack.channels.values():
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_all_services_of_an_installation_tell_the_same_one(stack: Stack, addresses: Addresses) -> None:
    told = set()
    for channel in stack.channels.values():
        answer = await system_pb2_grpc.SystemServiceStub(channel).GetSystem(system_pb2.GetSystemRequest())
        told.add(answer.installation_id)
    assert len(addresses.targets) == 5
    assert len(told) == 1
