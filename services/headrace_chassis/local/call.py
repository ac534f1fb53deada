"""The client's side of a call within the process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable
from typing import Any

import grpc
import grpc.aio

from headrace_chassis.local.exchange import Exchange
from headrace_chassis.local.pipe import PipeClosed

logger = logging.getLogger(__name__)


class LocalCall(
    grpc.aio.UnaryUnaryCall[Any, Any],
    grpc.aio.UnaryStreamCall[Any, Any],
    grpc.aio.StreamUnaryCall[Any, Any],
    grpc.aio.StreamStreamCall[Any, Any],
):
    """The client's side of a call, of whichever kind. Dropping it ends the call."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __del__(self) -> None:
        # Nobody can read the answers any more. The loop may be gone already when the interpreter ends.
        with contextlib.suppress(RuntimeError):
            self._exchange.cancel()

    def __await__(self) -> Generator[Any, None, Any]:
        return self._response().__await__()

    async def _response(self) -> Any:
        await self._ended()
        self._raise_status()
        return self._exchange.response

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[Any]:
        while (response := await self.read()) is not grpc.aio.EOF:
            yield response

    async def read(self) -> Any:
        """Return the next answer, `grpc.aio.EOF` after the last.

        Raises:
            grpc.aio.AioRpcError: The call failed.
        """
        try:
            response = await self._exchange.responses.get()
        except asyncio.CancelledError:
            self._exchange.cancel()
            raise
        if response is grpc.aio.EOF:
            await self._ended()
            self._raise_status()
        return response

    async def write(self, request: Any) -> None:
        """Send a message.

        Raises:
            grpc.aio.AioRpcError: The call has failed.
            asyncio.InvalidStateError: It has ended.
        """
        try:
            await self._exchange.write(request)
        except PipeClosed:
            await self._ended()
            self._raise_status()
            raise asyncio.InvalidStateError("the call has ended") from None

    async def done_writing(self) -> None:
        """Tell the handler that there are no more messages."""
        self._exchange.requests.close()

    def pump(self, source: AsyncIterable[Any] | Iterable[Any]) -> None:
        """Send what `source` yields."""
        pump = asyncio.get_running_loop().create_task(_pump(self._exchange, source))
        self._exchange.on_done(lambda: _cancel(pump))

    def cancel(self) -> bool:
        """Give the call up."""
        return self._exchange.cancel()

    def cancelled(self) -> bool:
        """Return whether it was given up by `cancel`."""
        return self._exchange.is_cancelled

    def done(self) -> bool:
        """Return whether it has ended."""
        return self._exchange.code is not None

    def time_remaining(self) -> float | None:
        """Return seconds until the deadline, None without one."""
        return self._exchange.time_remaining()

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Call `callback` with this call once it has ended."""
        self._exchange.on_done(lambda: callback(self))

    async def initial_metadata(self) -> grpc.aio.Metadata:
        """Return what the handler has said before its first message; wait for that one to be sure of it."""
        return grpc.aio.Metadata(*self._exchange.initial_metadata)

    async def trailing_metadata(self) -> grpc.aio.Metadata:
        """Return what came with the status."""
        await self._ended()
        return grpc.aio.Metadata(*self._exchange.trailing_metadata)

    async def code(self) -> grpc.StatusCode:
        """Return the status once the call has ended."""
        await self._ended()
        return self._exchange.code or grpc.StatusCode.UNKNOWN

    async def details(self) -> str:
        """Return the words of the status once the call has ended."""
        await self._ended()
        return self._exchange.details

    async def wait_for_connection(self) -> None:
        """Return at once."""

    async def _ended(self) -> None:
        task = self._exchange.task
        if task is None or task.done():
            return
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            self._exchange.cancel()
            raise

    def _raise_status(self) -> None:
        exchange = self._exchange
        if exchange.code is grpc.StatusCode.OK:
            return
        if exchange.is_cancelled:
            raise asyncio.CancelledError
        raise grpc.aio.AioRpcError(
            exchange.code or grpc.StatusCode.UNKNOWN,
            grpc.aio.Metadata(),
            grpc.aio.Metadata(*exchange.trailing_metadata),
            details=exchange.details,
        )


async def _pump(exchange: Exchange, source: AsyncIterable[Any] | Iterable[Any]) -> None:
    try:
        if isinstance(source, AsyncIterable):
            async for request in source:
                await exchange.write(request)
        else:
            for request in source:
                await exchange.write(request)
    except PipeClosed:
        pass
    except Exception:
        logger.exception("the source of a stream failed")
        # What the handler would wait for does not come.
        exchange.cancel()
    else:
        exchange.requests.close()


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
