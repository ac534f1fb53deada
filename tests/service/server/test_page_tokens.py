"""Whatever stands in a page token, a list refuses it or gives a page; it never fails."""

from __future__ import annotations

import datetime
import importlib
import itertools
import pkgutil
import types
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

import headrace.api.v1
from headrace.api.v1 import (
    deployment_pb2,
    deployment_pb2_grpc,
    flow_run_pb2,
    flow_run_pb2_grpc,
    state_pb2,
    work_pool_pb2,
    work_pool_pb2_grpc,
)
from headrace.ids import uuid7
from headrace.rpc.channel import open_aio_channel
from headrace_chassis import paging
from headrace_chassis.host import ServiceHost
from headrace_chassis.settings import SERVICE_NAMES, ServerSettings

PARTS: Sequence[paging.KeyValue] = ("x", 7, 1.5, True, None, uuid7(), datetime.datetime.now(datetime.UTC))
KEYS = [(), *((part,) for part in PARTS), *itertools.product(PARTS, repeat=2), (7, PARTS[-1], PARTS[-2]), ("x",) * 9]
BROKEN = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED}


class NoDigest:
    """Gives every question the same digest, so that keys can be made up for all of them."""

    def __init__(self, digest_size: int) -> None:
        self._size = digest_size

    def update(self, _: bytes) -> None:
        """Take no note."""

    def digest(self) -> bytes:
        """Return zeros."""
        return bytes(self._size)


def lists() -> Iterator[MethodDescriptor]:
    """Yield the methods of the contract that are paged."""
    for module in pkgutil.iter_modules(headrace.api.v1.__path__):
        if not module.name.endswith("_pb2"):
            continue
        descriptor = importlib.import_module(f"headrace.api.v1.{module.name}").DESCRIPTOR
        for service in descriptor.services_by_name.values():
            for method in service.methods:
                if "page_token" in method.input_type.fields_by_name:
                    yield method


@pytest.fixture
async def channel(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[grpc.aio.Channel]:
    """To all services in this process."""
    monkeypatch.setattr(paging, "hashlib", types.SimpleNamespace(blake2b=NoDigest))
    builders: dict[str, Any] = {
        name: importlib.import_module(f"headrace_{name}.wiring").build for name in SERVICE_NAMES
    }
    settings = ServerSettings.model_validate({"port": 0, "grpc_port": 0, "drain_seconds": 1.0})
    async with (
        ServiceHost(settings, builders, database_url) as host,
        open_aio_channel(f"127.0.0.1:{host.grpc_port}") as made,
    ):
        yield made


async def call(channel: grpc.aio.Channel, method: MethodDescriptor, request: Any) -> grpc.StatusCode:
    """Return how a call ends."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    answer = GetMessageClass(method.output_type)
    try:
        await channel.unary_unary(path, type(request).SerializeToString, answer.FromString)(request, timeout=60)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def known(channel: grpc.aio.Channel) -> dict[str, str]:
    """Make what lists are about; return names and ids by the names of their fields."""
    pools = work_pool_pb2_grpc.WorkPoolServiceStub(channel)
    await pools.CreateWorkPool(
        work_pool_pb2.CreateWorkPoolRequest(work_pool=work_pool_pb2.WorkPool(name="pool", type="process"))
    )
    applied = await deployment_pb2_grpc.DeploymentServiceStub(channel).ApplyDeployment(
        deployment_pb2.ApplyDeploymentRequest(
            flow_name="etl",
            name="nightly",
            content=deployment_pb2.DeploymentContent(work_pool_name="pool", entrypoint="flows.py:etl"),
        )
    )
    created = await flow_run_pb2_grpc.FlowRunServiceStub(channel).CreateFlowRun(
        flow_run_pb2.CreateFlowRunRequest(
            flow_run_id=str(uuid7()),
            flow_name="etl",
            state=state_pb2.State(state_id=str(uuid7()), type=state_pb2.STATE_TYPE_RUNNING, name="Running"),
        )
    )
    return {
        "work_pool_name": "pool",
        "deployment_id": applied.deployment.deployment_id,
        "flow_run_id": created.flow_run.flow_run_id,
    }


def ask(method: MethodDescriptor, names: dict[str, str], token: str) -> Any:
    """Return a request with a token, with what it needs filled in."""
    request = GetMessageClass(method.input_type)(page_token=token)
    for field in method.input_type.fields:
        if field.name in names:
            setattr(request, field.name, names[field.name])
        elif field.name.endswith("_id") and not field.has_presence:
            setattr(request, field.name, str(uuid.uuid4()))
    return request


async def test_a_forged_page_token_breaks_no_list(channel: grpc.aio.Channel) -> None:
    names = await known(channel)
    found: dict[str, set[grpc.StatusCode]] = {}
    for method in lists():
        codes = found.setdefault(method.full_name, set())
        codes.add(await call(channel, method, ask(method, names, "")))
        for key in KEYS:
            token = paging.encode_page_token(key, bytes(12))
            codes.add(await call(channel, method, ask(method, names, token)))
    assert not {name: codes for name, codes in found.items() if codes & BROKEN}
    # The first page is there, and some keys are refused.
    both = {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT}
    assert sum(both <= codes for codes in found.values()) > len(found) // 2
