"""Services that prove to each other who they are."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc.aio
import pytest

from headrace import errors
from headrace.api.v1 import variable_pb2, variable_pb2_grpc
from headrace.rpc.status import from_rpc_error
from headrace_chassis.neighbours import Neighbours
from headrace_chassis.resolving import ClosedCallerResolver
from headrace_chassis.server import ServiceServer
from headrace_chassis.settings import ServerSettings
from headrace_chassis.tls import ServerTls, neighbour_credentials
from headrace_harness.certificates import Authority

TOKEN = "the internal token"


class Variables(variable_pb2_grpc.VariableServiceServicer):
    async def GetVariable(self, request: variable_pb2.GetVariableRequest, context: Any) -> Any:
        return variable_pb2.GetVariableResponse()


@dataclasses.dataclass(frozen=True, slots=True)
class Network:
    """A folder with certificates, and an authority that signs them."""

    folder: pathlib.Path
    authority: Authority

    def settings(self, name: str, **more: Any) -> ServerSettings:
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        self.authority.issue("localhost", certificate, key, serial=1)
        return ServerSettings(tls_cert_file=certificate, tls_key_file=key, **more)

    @property
    def ca(self) -> pathlib.Path:
        path = self.folder / "ca.pem"
        path.write_bytes(self.authority.certificate)
        return path


@pytest.fixture
def network(tmp_path: pathlib.Path) -> Network:
    return Network(tmp_path, Authority.new())


@pytest.fixture
async def target(network: Network) -> AsyncIterator[str]:
    """A service that lets in neighbours with a certificate only."""
    tls = ServerTls.of_settings(network.settings("server", tls_client_ca_file=network.ca))
    assert tls is not None
    server = ServiceServer(resolver=ClosedCallerResolver(), internal_token=TOKEN)
    # It writes only the method that is called.
    servicer: Any = Variables
    server.add_servicer(servicer())
    port = server.listen("127.0.0.1:0", tls.grpc_credentials())
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(0)


@contextlib.asynccontextmanager
async def neighbour(target: str, settings: ServerSettings) -> AsyncIterator[Callable[[], Any]]:
    """Lend what calls the service at `target` as a process with `settings` does."""
    neighbours = Neighbours({"state": target}, TOKEN, credentials=neighbour_credentials(settings))
    stub: Any = variable_pb2_grpc.VariableServiceStub(neighbours.channel("state"))
    try:
        yield lambda: stub.GetVariable(variable_pb2.GetVariableRequest(name="name"), timeout=20)
    finally:
        await neighbours.close()


async def test_neighbours_with_certificates_of_the_same_authority_call_each_other(
    network: Network, target: str
) -> None:
    settings = network.settings("client", tls_neighbour_ca_file=network.ca)
    async with neighbour(target, settings) as call:
        assert await call() == variable_pb2.GetVariableResponse()


async def test_a_neighbour_without_a_certificate_is_not_let_in(network: Network, target: str) -> None:
    async with neighbour(target, ServerSettings(tls_neighbour_ca_file=network.ca)) as call:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call()
    assert isinstance(from_rpc_error(raised.value), errors.Unavailable)


async def test_a_certificate_of_another_authority_is_not_let_in(
    network: Network, target: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Network(tmp_path_factory.mktemp("other"), Authority.new("another"))
    async with neighbour(target, other.settings("client", tls_neighbour_ca_file=network.ca)) as call:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call()
    assert isinstance(from_rpc_error(raised.value), errors.Unavailable)


async def test_a_service_of_another_authority_is_not_believed(
    network: Network, target: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Network(tmp_path_factory.mktemp("other"), Authority.new("another"))
    async with neighbour(target, network.settings("client", tls_neighbour_ca_file=other.ca)) as call:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call()
    assert "CERTIFICATE_VERIFY_FAILED" in (raised.value.details() or "")


def test_files_that_do_not_belong_together_are_refused(network: Network) -> None:
    one, other = network.settings("one"), network.settings("other")
    assert other.tls_key_file is not None
    with pytest.raises(errors.InvalidArgument, match="is not the key of the certificate"):
        ServerTls.of_settings(one.model_copy(update={"tls_key_file": other.tls_key_file}))
    with pytest.raises(errors.InvalidArgument, match="cannot read"):
        ServerTls.of_settings(one.model_copy(update={"tls_key_file": network.folder / "none.key"}))


def test_half_of_the_settings_is_refused() -> None:
    with pytest.raises(errors.InvalidArgument, match="set both --tls-cert and --tls-key"):
        ServerSettings.load(tls_cert_file="server.pem")
    with pytest.raises(errors.InvalidArgument, match="set --tls-cert"):
        ServerSettings.load(tls_client_ca_file="ca.pem")
