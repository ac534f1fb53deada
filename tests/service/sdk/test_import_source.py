"""Reading a Prefect server that is busy, breaks off, refuses, or is something else."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from headrace import errors
from headrace.importing.source import TRIES, Access, NotAtSource, PrefectSource, SourceRefused

Answer = tuple[int, bytes]


class PlayedServer(http.server.ThreadingHTTPServer):
    """Answers as a test says, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer | None] = []
        """In turn; None breaks the connection off."""
        self.asked: list[tuple[str, str, str]] = []
        """Method, path and authorization."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: PlayedServer

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        self.rfile.read(length)
        self.server.asked.append((self.command, self.path, self.headers.get("authorization") or ""))
        answer = self.server.answers.pop(0)
        if answer is None:
            self.close_connection = True
            return
        status, content = answer
        self.send_response(status)
        if status == 307:
            self.send_header("location", "http://127.0.0.1:1/elsewhere")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedServer]:
    """A server that answers as it is told; nobody waits between tries."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with PlayedServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def reader(played: PlayedServer) -> Iterator[Callable[..., PrefectSource]]:
    """Make readers of the server."""
    made = []

    def make(key: str = "", auth_string: str = "") -> PrefectSource:
        source = PrefectSource(Access(f"http://127.0.0.1:{played.server_address[1]}", key, auth_string))
        made.append(source)
        return source

    yield make
    for source in made:
        source.close()


def told(value: object) -> Answer:
    """Return an answer that brings a value."""
    return 200, json.dumps(value).encode()


def test_a_busy_server_and_a_broken_connection_are_asked_again(
    played: PlayedServer, reader: Callable[..., PrefectSource]
) -> None:
    played.answers = [(503, b"busy"), None, (429, b""), told("3.8.8")]
    assert reader(key="k").version() == "3.8.8"
    assert played.asked == [("GET", "/api/admin/version", "Bearer k")] * 4


def test_a_server_that_stays_busy_is_given_up(played: PlayedServer, reader: Callable[..., PrefectSource]) -> None:
    played.answers = [(503, b"")] * TRIES
    with pytest.raises(errors.Unavailable, match="503"):
        reader().version()


def test_lists_are_read_to_their_end(played: PlayedServer, reader: Callable[..., PrefectSource]) -> None:
    played.answers = [told([{"id": 1}, {"id": 2}]), told([{"id": 3}]), told([])]
    assert [found["id"] for found in reader().items("/flows/filter")] == [1, 2, 3]
    assert {path for _, path, _ in played.asked} == {"/api/flows/filter"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((401, b"{}"), SourceRefused),
        ((404, b"{}"), NotAtSource),
        ((307, b""), SourceRefused),
        ((200, b"<html>"), SourceRefused),
        (told("2.20.1"), SourceRefused),
        (told(None), SourceRefused),
    ],
)
def test_what_is_no_answer_of_such_a_server_is_said(
    played: PlayedServer, reader: Callable[..., PrefectSource], answer: Answer, error: type[Exception]
) -> None:
    played.answers = [answer]
    with pytest.raises(error):
        reader(auth_string="admin:pass").version()
    assert played.asked == [("GET", "/api/admin/version", "Basic YWRtaW46cGFzcw==")]
