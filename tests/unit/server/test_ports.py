from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from headrace import errors
from headrace_server.ports import ReservedPort


@contextlib.contextmanager
def listener(*, shares: bool = False) -> Iterator[int]:
    with socket.socket() as taken:
        if shares:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def reserve(host: str, port: int) -> ReservedPort:
    return ReservedPort(host, port, purpose="HTTP", option="--port")


@pytest.mark.parametrize("shares", [False, True])
def test_a_port_on_which_somebody_listens_is_refused_with_the_way_out(shares: bool) -> None:
    with (
        listener(shares=shares) as port,
        pytest.raises(errors.FailedPrecondition, match=f"port {port} .* HTTP: another program .* --port"),
    ):
        reserve("127.0.0.1", port)


def test_a_port_that_another_server_has_reserved_is_refused() -> None:
    first = reserve("127.0.0.1", 0)
    with pytest.raises(errors.FailedPrecondition, match="another program"):
        reserve("127.0.0.1", first.number)
    first.close()
    reserve("127.0.0.1", first.number).close()


def test_processes_of_the_server_share_a_reserved_port() -> None:
    reserved = reserve("127.0.0.1", 0)
    with socket.socket() as one, socket.socket() as other:
        for sharing in (one, other):
            sharing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sharing.bind(("127.0.0.1", reserved.number))
            sharing.listen()
        with socket.create_connection(("127.0.0.1", reserved.number)):
            pass
    reserved.close()


def test_nobody_answers_on_a_port_that_is_only_reserved() -> None:
    reserved = reserve("127.0.0.1", 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", reserved.number))
    reserved.close()


@pytest.mark.parametrize(
    ("host", "words"), [("192.0.2.1", "not an address of this machine"), ("no.such.host.invalid", "cannot listen on")]
)
def test_a_host_that_is_not_here_is_refused(host: str, words: str) -> None:
    with pytest.raises(errors.FailedPrecondition, match=words):
        reserve(host, 0)
