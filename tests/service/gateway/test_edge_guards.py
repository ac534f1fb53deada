"""What a real Envoy checks before the services do: tokens, a service that it asks, a rate, certificates."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pathlib
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc
import grpc.aio
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from headrace.api.v1 import system_pb2, system_pb2_grpc
from headrace.rpc.channel import open_aio_channel
from headrace_chassis.settings import ServerSettings
from headrace_gateway.edge_guards import Checks, Tokens, UpstreamTls
from headrace_gateway.edge_secrets import authority_secret, certificate_secret
from headrace_gateway.envoy import PARTS, Edge, configuration
from headrace_harness.certificates import Authority
from headrace_harness.edge import ENVOY, running_edge
from headrace_harness.front import Front
from headrace_harness.servers import free_port
from headrace_harness.stack import LOOPBACK
from headrace_harness.waiting import eventually
from headrace_server.composition import Composition, load
from headrace_server.parts import ALL_PARTS

ISSUER = "https://issuer.example.org"
CHECK = "/envoy.service.auth.v3.Authorization/Check"
YES, NO = b"", b"\x0a\x02\x08\x07"
"""Answers of an `Authorization` service: the status OK, the status PERMISSION_DENIED."""


def behind(front: Front) -> dict[str, str]:
    """Return where the parts of a server in this process are."""
    return {
        **dict.fromkeys(PARTS, f"{LOOPBACK}:{front.running.grpc_port}"),
        "gateway": f"{LOOPBACK}:{front.running.gateway.port}",
    }


@contextlib.asynccontextmanager
async def edge(folder: pathlib.Path, targets: Mapping[str, str], **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Lend a client of an edge."""
    port = free_port()
    async with (
        running_edge(folder, port, targets, **more),
        httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}", trust_env=False) as client,
    ):
        yield client


class Door:
    """An `Authorization` service that answers as it is told."""

    def __init__(self) -> None:
        self.answer = YES

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        """Return the handler of its one method."""

        async def check(request: bytes, context: Any) -> bytes:
            return self.answer

        return grpc.unary_unary_rpc_method_handler(check) if details.method == CHECK else None


def test_what_does_not_fit_is_refused() -> None:
    targets = dict.fromkeys(PARTS, "a:1,b:2")
    with pytest.raises(ValueError, match="certificates of clients"):
        configuration(Edge(targets, client_authority="ca.pem"))
    with pytest.raises(ValueError, match="state: 'b' is no address"):
        configuration(Edge({**targets, "state": "a:1,b"}))


if ENVOY is not None:

    async def test_tokens_of_others_end_at_the_edge(front: Front, tmp_path: pathlib.Path) -> None:
        key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
        keys = tmp_path / "keys.json"
        keys.write_text(json.dumps({"keys": [{**public, "alg": "ES256", "kid": "one"}]}))
        tokens = Tokens(ISSUER, str(keys), ("headrace",))

        def token(signer: ec.EllipticCurvePrivateKey = key, **claims: Any) -> str:
            said = {"iss": ISSUER, "aud": "headrace", "sub": "ci", "exp": time.time() + 3600, **claims}
            return jwt.encode(said, signer, "ES256", headers={"kid": "one"})

        async with edge(tmp_path, behind(front), checks=Checks(tokens=tokens)) as client:

            async def status(bearer: str | None) -> int:
                headers = {"authorization": f"Bearer {bearer}"} if bearer is not None else {}
                return (await client.get("/v1/system", headers=headers)).status_code

            assert await status(token()) == 200
            assert await status(token(other)) == 401
            assert await status(token(iss="https://elsewhere.example.org")) == 401
            assert await status(token(aud="another")) in (401, 403)
            assert await status(token(exp=time.time() - 3600)) == 401
            # What is no such token is for the services to look at.
            assert await status("hr_a_key") == 200
            assert await status(None) == 200

    async def test_who_cannot_be_asked_has_not_agreed(front: Front, tmp_path: pathlib.Path) -> None:
        door, server = Door(), grpc.aio.server()
        server.add_generic_rpc_handlers((door,))  # type: ignore[arg-type]
        port = server.add_insecure_port(f"{LOOPBACK}:0")
        await server.start()
        checks = Checks(authorization=(LOOPBACK, port))
        async with edge(tmp_path, behind(front), checks=checks) as client:
            assert (await client.get("/v1/system")).status_code == 200
            door.answer = NO
            assert (await client.get("/v1/system")).status_code == 403
            await server.stop(None)
            assert (await client.get("/v1/system")).status_code == 503

    async def test_more_than_the_rate_is_told_to_wait(front: Front, tmp_path: pathlib.Path) -> None:
        async with edge(tmp_path, behind(front), checks=Checks(requests_per_second=1)) as client:
            answers = await asyncio.gather(*(client.get("/v1/system") for _ in range(40)))
            assert {answer.status_code for answer in answers} == {200, 429}
            target = str(client.base_url).removeprefix("http://").rstrip("/")
            codes = set()
            async with open_aio_channel(target, retry_attempts=1) as channel:
                for _ in range(40):
                    try:
                        await system_pb2_grpc.SystemServiceStub(channel).GetSystem(system_pb2.GetSystemRequest())
                    except grpc.aio.AioRpcError as error:
                        codes.add(error.code())
            assert codes == {grpc.StatusCode.RESOURCE_EXHAUSTED}

    async def test_only_clients_with_a_certificate_get_in(front: Front, tmp_path: pathlib.Path) -> None:
        authority, clients = Authority.new(), Authority.new("authority of clients")
        certificate = (tmp_path / "tls.crt", tmp_path / "tls.key")
        authority.issue("localhost", *certificate, serial=2)
        (tmp_path / "clients.crt").write_bytes(clients.certificate)
        own = (tmp_path / "own.crt", tmp_path / "own.key")
        clients.issue("laptop", *own, serial=3)
        port = free_port()
        named = tmp_path / "clients.json"
        named.write_text(json.dumps(authority_secret("clients", str(tmp_path / "clients.crt"))))
        async with running_edge(tmp_path, port, behind(front), certificate=certificate, client_authority=str(named)):
            context = ssl.create_default_context(cadata=authority.certificate.decode())
            async with httpx.AsyncClient(verify=context, trust_env=False) as client:
                # Refused with the first answer of TLS 1.3: what is read then, the client hands on as it comes.
                with pytest.raises((httpx.TransportError, ssl.SSLError)):
                    await client.get(f"https://localhost:{port}/v1/system")
            context.load_cert_chain(*own)
            async with httpx.AsyncClient(verify=context, trust_env=False) as client:
                assert (await client.get(f"https://localhost:{port}/v1/system")).status_code == 200

    async def test_envoy_and_the_parts_prove_themselves_to_each_other(
        database_url: str, tmp_path: pathlib.Path
    ) -> None:
        authority, stranger = Authority.new(), Authority.new("nobody's authority")
        (tmp_path / "ca.crt").write_bytes(authority.certificate)
        part, own = (tmp_path / "part.crt", tmp_path / "part.key"), (tmp_path / "own.crt", tmp_path / "own.key")
        authority.issue("localhost", *part, serial=2)
        stranger.issue("edge", *own, serial=3)
        settings = {
            "tls_cert_file": part[0],
            "tls_key_file": part[1],
            "tls_client_ca_file": tmp_path / "ca.crt",
        }
        load(ALL_PARTS)
        chosen = ServerSettings.load(host=LOOPBACK, port=0, grpc_port=0, drain_seconds=1.0, **settings)
        server = Composition(ALL_PARTS, chosen, database_url)
        await server.start()
        try:
            targets = dict.fromkeys(PARTS, f"{LOOPBACK}:{server.grpc_port}")
            targets["gateway"] = f"{LOOPBACK}:{server.http_port}"
            (tmp_path / "ca.json").write_text(json.dumps(authority_secret("authority", str(tmp_path / "ca.crt"))))
            (tmp_path / "own.json").write_text(json.dumps(certificate_secret("own", *map(str, own))))
            upstream = UpstreamTls(str(tmp_path / "ca.json"), str(tmp_path / "own.json"))
            async with edge(tmp_path, targets, upstream=upstream) as client:
                assert (await client.get("/v1/system")).status_code == 503
                # One that the parts believe is taken without a restart.
                renewed = tmp_path / "renewed.crt", tmp_path / "renewed.key"
                authority.issue("edge", *renewed, serial=4)
                for new, old in zip(reversed(renewed), reversed(own), strict=True):
                    new.replace(old)

                async def answers() -> bool:
                    both = [await client.get("/v1/system"), await client.get("/openapi.json")]
                    return [answer.status_code for answer in both] == [200, 200]

                await eventually(answers, 30)
            async with edge(tmp_path, targets) as client:
                assert (await client.get("/v1/system")).status_code == 503
        finally:
            await server.stop()
