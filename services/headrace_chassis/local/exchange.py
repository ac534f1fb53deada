"""One call that stays within the process, as its handler sees it: a `grpc.aio` call without a wire.

Messages are packed and unpacked all the same, so that neither side can change what the other holds. The
handler runs in a task and a context of its own and sees nothing of its caller but the metadata.
"""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import logging
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio

from headrace_chassis.local.context import LocalContext
from headrace_chassis.local.pipe import Pipe, PipeClosed

logger = logging.getLogger(__name__)

RETRY_ATTEMPTS = 5
"""Tries of a unary call that ends UNAVAILABLE, including the first; as on channels over the network."""

_RETRY_FIRST_SECONDS = 0.1
_RETRY_MOST_SECONDS = 2.0

Pairs = tuple[tuple[str, str | bytes], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Codec:
    """How the client's side packs and unpacks."""

    pack_request: Callable[[Any], bytes]
    unpack_response: Callable[[bytes], Any]


class Exchange:
    """A call in progress. Make it, then `start` it.

    Args:
        handler: The guarded `grpc.RpcMethodHandler`.
        metadata: What the client sends along.
        timeout: Seconds until the call has to have ended; None for no limit.
        codec: Of the client's side.
    """

    def __init__(self, handler: Any, metadata: Pairs, timeout: float | None, codec: Codec) -> None:
        self._loop = asyncio.get_running_loop()
        self._handler = handler
        self._codec = codec
        self._deadline = self._loop.time() + timeout if timeout is not None else None
        self.metadata = metadata
        self.requests = Pipe()
        """Unpacked for the handler."""
        self.responses = Pipe()
        """Unpacked for the client."""
        self.response: Any = None
        """The answer of a method with a unary one."""
        self.code: grpc.StatusCode | None = None
        """How the call ended; None while it is in progress."""
        self.details = ""
        self.initial_metadata: Pairs = ()
        """What the handler said before its first message."""
        self.trailing_metadata: Pairs = ()
        self.is_cancelled = False
        """Whether the client has given the call up."""
        self._callbacks: list[Callable[[], None]] = []
        self.task: asyncio.Task[None] | None = None

    def start(self, request: Any = None) -> asyncio.Task[None]:
        """Start the handler; `request` is the message of a unary request."""
        # Packed at once: the client may change its message as soon as the call is made.
        packed = None if self._handler.request_streaming else self._codec.pack_request(request)
        self.task = self._loop.create_task(self._serve(packed), context=contextvars.Context())
        self.task.add_done_callback(self._ensure_ended)
        return self.task

    async def write(self, request: Any) -> None:
        """Send one message of a client stream.

        Raises:
            PipeClosed: The call has ended.
        """
        await self.requests.put(self._handler.request_deserializer(self._codec.pack_request(request)))

    async def answer(self, response: Any) -> None:
        """Send one message of a server stream.

        Raises:
            PipeClosed: The call has ended.
        """
        await self.responses.put(self._unpacked(response))

    def cancel(self) -> bool:
        """Give the call up; returns whether it was still in progress."""
        if self.code is not None or self.task is None:
            return False
        self.is_cancelled = True
        return self.task.cancel()

    def refuse(self, code: grpc.StatusCode, details: str) -> None:
        """End the call before it has begun."""
        self.code, self.details = code, details
        self._end()

    def time_remaining(self) -> float | None:
        """Return seconds until the deadline, None without one."""
        return max(0.0, self._deadline - self._loop.time()) if self._deadline is not None else None

    def on_done(self, callback: Callable[[], None]) -> None:
        """Call `callback` once the call has ended, at once if it has."""
        if self.code is not None:
            callback()
        else:
            self._callbacks.append(callback)

    async def _serve(self, packed: bytes | None) -> None:
        context = LocalContext(self)
        try:
            async with asyncio.timeout_at(self._deadline) as deadline:
                context = await self._handle(packed)
            self._set_status(context.code(), context.details(), context.trailing_metadata())
        except _Aborted as aborted:
            context = aborted.context
            self._set_status(context.code(), context.details(), context.trailing_metadata())
        except asyncio.CancelledError:
            self._set_status(grpc.StatusCode.CANCELLED, "the call was cancelled")
        except PipeClosed:
            self._set_status(grpc.StatusCode.CANCELLED, "the stream was closed")
        except TimeoutError:
            if not deadline.expired():
                self._fail()
            else:
                self._set_status(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
        except Exception:
            self._fail()
        finally:
            self._end()

    async def _handle(self, packed: bytes | None) -> LocalContext:
        handler = self._handler
        attempt = 1
        while True:
            context = LocalContext(self)
            argument = _iterate(self.requests) if packed is None else handler.request_deserializer(packed)
            try:
                response = await _behaviour(handler)(argument, context)
            except grpc.aio.AbortError:
                is_final = packed is None or handler.response_streaming or attempt >= RETRY_ATTEMPTS
                if is_final or context.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise _Aborted(context) from None
            else:
                if not handler.response_streaming and context.code() is grpc.StatusCode.OK:
                    self.response = self._unpacked(response)
                return context
            pause = min(_RETRY_FIRST_SECONDS * 2 ** (attempt - 1), _RETRY_MOST_SECONDS)
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))
            attempt += 1

    def _unpacked(self, response: Any) -> Any:
        return self._codec.unpack_response(self._handler.response_serializer(response))

    def _set_status(self, code: grpc.StatusCode, details: str, trailing_metadata: Pairs = ()) -> None:
        self.code, self.details, self.trailing_metadata = code, details, trailing_metadata

    def _fail(self) -> None:
        logger.exception("a handler failed outside of its guards")
        self._set_status(grpc.StatusCode.UNKNOWN, "the handler failed")

    def _ensure_ended(self, _task: asyncio.Task[None]) -> None:
        # A task that is cancelled before its first step never gets to its end.
        if self.code is None:
            self.refuse(grpc.StatusCode.CANCELLED, "the call was cancelled")

    def _end(self) -> None:
        self.requests.close()
        self.responses.close()
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()


class _Aborted(Exception):
    """A handler has ended its call with a status, which its context has."""

    def __init__(self, context: LocalContext) -> None:
        super().__init__(context.details())
        self.context = context


def _behaviour(handler: Any) -> Callable[[Any, LocalContext], Any]:
    if handler.request_streaming:
        found = handler.stream_stream if handler.response_streaming else handler.stream_unary
    else:
        found = handler.unary_stream if handler.response_streaming else handler.unary_unary
    behaviour: Callable[[Any, LocalContext], Any] = found
    return behaviour


async def _iterate(requests: Pipe) -> AsyncIterator[Any]:
    while (request := await requests.get()) is not grpc.aio.EOF:
        yield request
