"""What a directory, or somebody on the way to it, may answer: from small servers that answer wrongly."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from headrace import errors
from headrace_harness.certificates import Authority
from headrace_identity.neighbours import ldap
from headrace_identity.rules.sign_in import DirectorySettings, directory_settings

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

START_TLS_TAKEN = bytes.fromhex("300c02010178070a010004000400")
BOUND = bytes.fromhex("300c02010261070a010004000400")


def settings_of(port: int, authority: str = "", **changes: object) -> DirectorySettings:
    named = {
        "url": f"ldap://127.0.0.1:{port}",
        "in_the_clear": not authority,
        "ca_certificates": authority,
        "bind_dn": "",
        "user_base": "dc=x",
        "user_filter": "",
        "subject_attribute": "",
        "email_attribute": "",
        "name_attribute": "",
        "group_base": "",
        "group_filter": "",
        "group_attribute": "",
    }
    return directory_settings(named | changes, has_bind_password=False)


@contextlib.asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[int]:
    conversations: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.add(asyncio.current_task())
        with contextlib.suppress(OSError, EOFError):
            await answer(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        # A connection that a test leaves open complains of it in another test.
        await asyncio.gather(*(task for task in conversations if task is not None))


async def refused(settings: DirectorySettings) -> errors.Unavailable:
    with pytest.raises(errors.Unavailable) as caught:
        await ldap.Ldap().prove(settings, "", "ada", "a password")
    return caught.value


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x80\x00\x00",
        b"\x30\x03\x02\x01\x01",
        bytes.fromhex("300c02010161070a010004000400"),
        bytes.fromhex("300c02010065070a010004000400"),
        b"",
    ],
)
async def test_what_is_no_answer_proves_nobody(said: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(said)
        await writer.drain()

    async with answering(answer) as port:
        assert (await refused(settings_of(port))).reason == "PROVIDER_UNREACHABLE"


async def test_a_directory_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ldap, "WHOLE_SECONDS", 0.1)
    is_over = asyncio.Event()

    async def answer(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await is_over.wait()

    async with answering(answer) as port:
        assert "no answer" in (await refused(settings_of(port))).message
        is_over.set()


async def test_what_is_put_behind_the_answer_to_start_tls_is_not_believed(tmp_path: pathlib.Path) -> None:
    authority = Authority.new()
    authority.issue("localhost", tmp_path / "server.pem", tmp_path / "server.key", serial=5)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    seen = bytearray()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        # As if somebody on the way had added that the first bind went well.
        writer.write(START_TLS_TAKEN + BOUND)
        await writer.drain()
        while part := await reader.read(1000):
            seen.extend(part)

    async with answering(answer) as port:
        error = await refused(settings_of(port, authority.certificate.decode()))
    assert error.reason == "PROVIDER_UNREACHABLE"
    assert b"a password" not in seen


async def test_tls_that_a_directory_does_not_begin_is_not_done_without() -> None:
    seen = bytearray()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.extend(await reader.read(100))
        writer.write(bytes.fromhex("300c02010178070a010204000400"))
        await writer.drain()
        seen.extend(await reader.read(1000))

    async with answering(answer) as port:
        error = await refused(settings_of(port, Authority.new().certificate.decode()))
    assert "StartTLS" in error.message
    assert b"a password" not in seen
