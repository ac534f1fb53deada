"""The port without TLS beside one with it: pages are sent on, challenges of ACME answered, all else refused."""

from __future__ import annotations

import asyncio
import pathlib

import httpx
import pytest

from headrace_gateway.edge_plain import PlainPort
from headrace_gateway.envoy import PARTS, Edge, configuration
from headrace_harness.certificates import Authority
from headrace_harness.edge import ENVOY, running_edge
from headrace_harness.front import Front
from headrace_harness.servers import free_port
from headrace_harness.stack import LOOPBACK


def test_it_stands_beside_one_with_tls() -> None:
    with pytest.raises(ValueError, match="needs a certificate"):
        configuration(Edge(dict.fromkeys(PARTS, "a:1"), plain=PlainPort(80, tls_port=443)))


if ENVOY is not None:

    async def test_pages_are_sent_on_and_challenges_answered(front: Front, tmp_path: pathlib.Path) -> None:
        asked: list[bytes] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nproof")
            await writer.drain()
            writer.close()

        acme = await asyncio.start_server(answer, LOOPBACK, 0)
        authority, certificate, key = Authority.new(), tmp_path / "tls.crt", tmp_path / "tls.key"
        authority.issue("localhost", certificate, key, serial=1)
        targets = dict.fromkeys(PARTS, f"{LOOPBACK}:{front.running.grpc_port}")
        targets["gateway"] = f"{LOOPBACK}:{front.running.gateway.port}"
        port, plain = free_port(), free_port()
        answers_challenges = PlainPort(plain, tls_port=443, acme=(LOOPBACK, acme.sockets[0].getsockname()[1]))
        async with (
            acme,
            running_edge(tmp_path, port, targets, certificate=(certificate, key), plain=answers_challenges),
            httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{plain}", trust_env=False) as client,
        ):
            page = await client.get("/runs?text=a", headers={"host": "headrace.example.org"})
            assert page.status_code == 308
            assert page.headers["location"] == "https://headrace.example.org/runs?text=a"
            # What was sent in the clear is not made to work.
            assert (await client.post("/v1/flow-runs:search", json={})).status_code == 403
            challenge = await client.get("/.well-known/acme-challenge/token")
            assert (challenge.status_code, challenge.text) == (200, "proof")
            assert asked == [b"GET /.well-known/acme-challenge/token HTTP/1.1"]
