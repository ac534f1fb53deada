from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from headrace_gateway import protocol
from headrace_gateway.server import bind
from headrace_harness.front import Front

HEAD = b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n"


async def talk(front: Front, *parts: bytes) -> bytes:
    """Send parts on one connection and return all that comes back until the server closes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", front.running.gateway.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(60):
            return await reader.read()
    except ConnectionResetError:
        # Closed while more was on its way: the answer may be lost then.
        return b""
    finally:
        writer.close()


async def test_requests_follow_each_other_on_one_connection(front: Front) -> None:
    answer = await talk(front, HEAD + b"\r\n", HEAD + b"\r\n" + HEAD + b"connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 3


@pytest.mark.parametrize("size", [protocol.MAX_HEAD_BYTES, 10 * protocol.MAX_HEAD_BYTES])
async def test_a_head_that_is_too_large_is_refused(front: Front, size: int) -> None:
    answer = await talk(front, HEAD, b"x-large: ", b"x" * size)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431")


async def test_many_small_headers_are_refused_as_one_large_one(front: Front) -> None:
    answer = await talk(front, HEAD, *(b"x-%d: %s\r\n" % (index, b"x" * 1000) for index in range(80)))
    assert answer.startswith(b"HTTP/1.1 431")


async def test_what_is_not_http_is_refused(front: Front) -> None:
    assert (await talk(front, b"\x16\x03\x01\x02\x00\x01\r\n\r\n")).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "headers",
    [
        b"host: elsewhere.example.org\r\n",
        b"content-length: 4\r\ntransfer-encoding: chunked\r\n",
        b"transfer-encoding: other\r\ntransfer-encoding: chunked\r\n",
        b"transfer-encoding: other, chunked\r\n",
        b"transfer-encoding : chunked\r\n",
        b"content-length: 0\r\ncontent-length: 4\r\n",
        b"content-length: +4\r\n",
        b"x-folded: a\r\n b\r\n",
    ],
)
async def test_what_a_proxy_may_read_in_another_way_is_refused(front: Front, headers: bytes) -> None:
    hidden = b"0\r\n\r\n" + HEAD + b"\r\n"
    answer = await talk(front, b"POST /health HTTP/1.1\r\nhost: 127.0.0.1\r\n" + headers + b"\r\n" + hidden)
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("parts", [(), (HEAD,), (HEAD + b"\r\n", HEAD)])
async def test_a_connection_that_never_completes_a_request_is_closed(
    front: Front, monkeypatch: pytest.MonkeyPatch, parts: tuple[bytes, ...]
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    answer = await talk(front, *parts)
    assert answer.count(b"HTTP/1.1 200 OK") == max(0, len(parts) - 1)


async def test_answers_are_sent_without_delay(front: Front) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", front.running.gateway.port)
    writer.write(HEAD + b"\r\n")
    await reader.readuntil(b"\r\n\r\n")
    [connection] = front.running.gateway._server._server.server_state.connections
    accepted = connection.transport.get_extra_info("socket")
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    writer.close()


def test_an_occupied_port_is_an_error_unless_it_is_shared_by_both() -> None:
    with contextlib.closing(bind("127.0.0.1", 0)) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        for shared in (False, True):
            with pytest.raises(OSError, match=f"127.0.0.1:{port}"):
                bind("127.0.0.1", port, shared=shared)
    with contextlib.closing(bind("127.0.0.1", 0, shared=True)) as first:
        bind("127.0.0.1", first.getsockname()[1], shared=True).close()
