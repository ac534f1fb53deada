"""Server streams over HTTP: Server-Sent Events for browsers, lines of JSON for everybody else.

SSE: each answer is an event without a name; the stream ends with an event `end`, or `status` with the error.
Lines: each answer is a line; an error is a last line `{"error": {...}}`. Both send a sign of life (a comment,
an empty line) while nothing happens, and end by themselves when the server is about to stop.

A stream of `google.api.HttpBody` is a document: its parts are sent as they are, with the name of the file that the
service gave it. Where it breaks off the connection is cut, so that nobody takes a part of it for the whole.

Back-pressure goes through: an answer is taken from the service only after the one before was handed to the
connection, whose buffer is bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Callable
from typing import Any

import grpc.aio
import orjson

from headrace import errors
from headrace_gateway import failures
from headrace_gateway.http import NO_STORE, Receive, Send
from headrace_gateway.transcoding.wellknown import Encode

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 15.0
FIRST_ANSWER_SECONDS = 1.0
"""So long the HTTP status waits for the first answer, so that an error at the start is an error in HTTP, too."""


class DocumentBrokeOff(Exception):
    """A document cannot be sent to its end; its connection has to be cut."""


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    """How the answers of a stream are written."""

    media_type: bytes
    keep_alive: bytes
    opening: bytes
    answer: Callable[[bytes], bytes]
    end: bytes
    error: Callable[[bytes], bytes]


EVENTS = Form(
    media_type=b"text/event-stream",
    keep_alive=b":\n\n",
    # After a lost connection browsers wait this many milliseconds.
    opening=b"retry: 1000\n\n",
    answer=lambda body: b"data: " + body + b"\n\n",
    end=b"event: end\ndata: {}\n\n",
    error=lambda body: b"event: status\ndata: " + body + b"\n\n",
)
LINES = Form(
    media_type=b"application/x-ndjson",
    keep_alive=b"\n",
    opening=b"",
    answer=lambda body: body + b"\n",
    end=b"",
    error=lambda body: b'{"error":' + body + b"}\n",
)


def choose(accept: bytes | None) -> Form:
    """Return the form for what a client accepts: events where it names them, else lines."""
    return EVENTS if accept is not None and b"text/event-stream" in accept else LINES


class Streams:
    """The streams of a server.

    Args:
        limit: So many at a time; further ones are refused.
        encode_status: Writes a `google.rpc.Status`.
    """

    def __init__(self, limit: int, encode_status: Encode) -> None:
        self._limit = limit
        self._encode_status = encode_status
        self._draining = asyncio.Event()
        self._open = 0

    def drain(self) -> None:
        """Tell all streams to end, and refuse further ones."""
        self._draining.set()

    async def serve(self, call: Any, form: Form, encode: Encode, receive: Receive, send: Send) -> None:
        """Send the answers of `call` until it ends, the client leaves or the server is about to stop.

        Raises:
            grpc.aio.AioRpcError: The call failed before anything was sent.
            errors.ResourceExhausted: There are too many streams.
        """
        if self._open >= self._limit:
            raise errors.ResourceExhausted(
                f"this server has {self._limit} streams open already", reason="TOO_MANY_STREAMS", retry_after_seconds=5
            )
        self._open += 1
        try:
            await self._serve(call, form, encode, receive, send)
        finally:
            self._open -= 1
            call.cancel()

    async def serve_document(self, call: Any, receive: Receive, send: Send) -> None:
        """Send the document that the answers of `call` are the parts of, until the client leaves.

        Raises:
            grpc.aio.AioRpcError: The call failed before anything was sent.
            DocumentBrokeOff: It failed afterwards.
            errors.ResourceExhausted: There are too many streams.
        """
        if self._open >= self._limit:
            raise errors.ResourceExhausted(
                f"this server has {self._limit} streams open already", reason="TOO_MANY_STREAMS", retry_after_seconds=5
            )
        self._open += 1
        gone = asyncio.ensure_future(_wait_for_disconnect(receive))
        sending = asyncio.ensure_future(_send_document(call, send))
        try:
            await asyncio.wait((gone, sending), return_when="FIRST_COMPLETED")
            if sending.done():
                sending.result()
        finally:
            self._open -= 1
            call.cancel()
            for task in (gone, sending):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task

    async def _serve(self, call: Any, form: Form, encode: Encode, receive: Receive, send: Send) -> None:
        answers = aiter(call)
        first = asyncio.ensure_future(anext(answers, None))
        gone = asyncio.ensure_future(_wait_for_disconnect(receive))
        stopping = asyncio.ensure_future(self._draining.wait())
        writer = _Writer(form, send)
        pump: asyncio.Task[None] | None = None
        try:
            await asyncio.wait((first, gone, stopping), timeout=FIRST_ANSWER_SECONDS, return_when="FIRST_COMPLETED")
            if gone.done():
                return
            if first.done():
                # Raises what the service refused with, as long as the HTTP status is open.
                first.result()
            await writer.start()
            pump = asyncio.create_task(_pump(first, answers, encode, writer))
            while not pump.done() and not gone.done() and not stopping.done():
                writer.is_idle = True
                await asyncio.wait((pump, gone, stopping), timeout=KEEP_ALIVE_SECONDS, return_when="FIRST_COMPLETED")
                if writer.is_idle and not (pump.done() or gone.done() or stopping.done()):
                    await writer.write(form.keep_alive)
            if not gone.done():
                await self._finish(pump, writer)
        finally:
            for task in (first, gone, stopping, *((pump,) if pump is not None else ())):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task

    async def _finish(self, pump: asyncio.Task[None], writer: _Writer) -> None:
        if not pump.done():
            error: BaseException | None = errors.Unavailable("the server is stopping", reason="SERVER_STOPPING")
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await pump
        else:
            error = pump.exception()
        if error is None:
            await writer.end(writer.form.end)
            return
        if isinstance(error, grpc.aio.AioRpcError):
            failure = failures.of_call(error)
        elif isinstance(error, errors.HeadraceError):
            failure = failures.of_error(error)
        else:
            logger.error("a stream failed", exc_info=error)
            failure = failures.of_error(errors.Internal("internal error"))
        await writer.end(writer.form.error(failures.body(failure, self._encode_status)))


class _Writer:
    """Writes one stream."""

    def __init__(self, form: Form, send: Send) -> None:
        self.form = form
        self.is_idle = True
        self._send = send

    async def start(self) -> None:
        """Send the status and what stands in front."""
        headers = [
            (b"content-type", self.form.media_type),
            NO_STORE,
            (b"x-accel-buffering", b"no"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self.write(self.form.opening)

    async def write(self, part: bytes) -> None:
        """Send a part; returns when the connection has room for more."""
        self.is_idle = False
        await self._send({"type": "http.response.body", "body": part, "more_body": True})

    async def end(self, part: bytes) -> None:
        """Send the last part."""
        await self._send({"type": "http.response.body", "body": part, "more_body": False})


async def _pump(first: asyncio.Future[Any], answers: Any, encode: Encode, writer: _Writer) -> None:
    answer = await first
    while answer is not None:
        await writer.write(writer.form.answer(orjson.dumps(encode(answer))))
        answer = await anext(answers, None)


async def _send_document(call: Any, send: Send) -> None:
    answers = aiter(call)
    part = await anext(answers)
    said = {str(name).lower(): str(value) for name, value in await call.initial_metadata() or ()}
    headers = [
        (b"content-type", part.content_type.encode("latin-1")),
        NO_STORE,
        (b"x-content-type-options", b"nosniff"),
    ]
    if "content-disposition" in said:
        headers.append((b"content-disposition", said["content-disposition"].encode("latin-1")))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": part.data, "more_body": True})
    try:
        async for part in answers:
            await send({"type": "http.response.body", "body": part.data, "more_body": True})
    except grpc.aio.AioRpcError as error:
        # The status is sent: only a broken connection can tell that the document is not whole.
        raise DocumentBrokeOff(error.details()) from error
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
