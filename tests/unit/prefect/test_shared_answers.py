"""Operations that only ask: who asks the same at the same time shares an answer."""

from __future__ import annotations

import asyncio
from typing import Any

from headrace_prefect.answers import Answer, ok
from headrace_prefect.application import Application, Limits
from headrace_prefect.request import Request
from headrace_prefect.resources.routes import Route

_CALLERS_AT_ONCE = 5


class Server:
    """Counts the calls of a handler that answers with the number of its call."""

    def __init__(self) -> None:
        self.calls = 0
        routes = [
            Route("POST", "/things/filter", self.answer_things, only_asks=True),
            Route("POST", "/things/", self.answer_things),
        ]
        services: Any = None
        self.application = Application(services, routes, (), Limits(1_000_000, 30.0), self.ready)

    async def ready(self) -> list[str]:
        """Return nothing that is missing."""
        return []

    async def answer_things(self, request: Request) -> Answer:
        """Answer after a while."""
        self.calls += 1
        number = self.calls
        for _ in range(3):
            await asyncio.sleep(0)
        return ok({"call": number, "body": request.json})

    async def post(self, path: str, body: bytes, *headers: tuple[bytes, bytes]) -> bytes:
        """Send a request and return the body of its answer."""
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"content-type", b"application/json"), *headers],
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.application(scope, receive, send)
        assert sent[0]["status"] == 200
        return bytes(sent[1]["body"])


async def test_the_same_question_is_asked_twice_for_all_who_ask_at_once() -> None:
    server = Server()
    answers = await asyncio.gather(*(server.post("/api/things/filter", b"{}") for _ in range(_CALLERS_AT_ONCE)))
    # Who came while the first was being answered got that of the next one.
    assert answers == [b'{"call":1,"body":{}}'] + [b'{"call":2,"body":{}}'] * (_CALLERS_AT_ONCE - 1)


async def test_other_bodies_and_other_callers_get_answers_of_their_own() -> None:
    server = Server()
    path, other = "/api/things/filter", (b"authorization", b"Bearer other")
    answers = await asyncio.gather(
        server.post(path, b"[1]"), server.post(path, b"[2]"), server.post(path, b"[1]", other)
    )
    assert server.calls == 3
    assert [answer.partition(b'"body":')[2] for answer in answers] == [b"[1]}", b"[2]}", b"[1]}"]


async def test_what_changes_something_is_done_for_each() -> None:
    server = Server()
    await asyncio.gather(*(server.post("/api/things/", b"{}") for _ in range(_CALLERS_AT_ONCE)))
    assert server.calls == _CALLERS_AT_ONCE
