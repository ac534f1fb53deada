"""Channels as generated stubs want them, with Headrace's manners: deadlines, identity, retries, mapped errors.

`AsyncChannel` wraps a `grpc.aio` channel and lives on one event loop. `SyncChannel` gives the same calls to
synchronous code by way of the loop thread. Both are handed to the generated stubs, so that every RPC of the
contract is there, typed, without a line of code for each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import grpc
import grpc.aio

from headrace import errors, tracing
from headrace.client.loop import LoopThread
from headrace.client.retry import patiently
from headrace.client.trust import refused_by_grpc
from headrace.rpc.status import from_rpc_error

Metadata = Sequence[tuple[str, str]]


@dataclasses.dataclass(frozen=True, slots=True)
class CallPolicy:
    """How calls are made.

    Args:
        metadata: Sent with each call: who calls, and for which workspace.
        timeout_seconds: Deadline of a unary call that names none.
        patience_seconds: How long unary calls are tried again while the server is away.
        server: Version and address of the server, for messages.
    """

    metadata: Metadata = ()
    timeout_seconds: float = 30.0
    patience_seconds: float = 10.0
    server: str = "the server"

    def explain(self, error: grpc.RpcError, path: str) -> errors.HeadraceError:
        """Return what a failed call means to people."""
        cause = from_rpc_error(error)
        if isinstance(cause, errors.Unimplemented):
            return errors.Unimplemented(
                f"{self.server} does not know {path.rpartition('.')[2]}: it is older than this client. "
                "Upgrade the server, or install the client of its version.",
                metadata=cause.metadata,
            )
        if isinstance(cause, errors.Unavailable) and (distrust := refused_by_grpc(self.server, cause.message)):
            return distrust
        if isinstance(cause, errors.Unavailable) and cause.reason == errors.Unavailable.default_reason:
            return errors.Unavailable(
                f"{self.server} cannot be reached: {cause.message or 'no connection'}",
                retry_after_seconds=cause.retry_after_seconds,
                metadata=cause.metadata,
            )
        return cause


class AsyncChannel(grpc.aio.Channel):
    """A `grpc.aio` channel whose unary and server-streaming calls raise `headrace.errors`.

    Streams in both directions are the raw calls of `grpc.aio`: their users reconnect by themselves.
    """

    def __init__(self, inner: grpc.aio.Channel, policy: CallPolicy) -> None:
        self._inner = inner
        self.policy = policy

    async def __aenter__(self) -> AsyncChannel:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Close the connection; calls in progress have `grace` seconds."""
        await self._inner.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Return how the connection stands."""
        return self._inner.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until the connection stands differently than given."""
        await self._inner.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until the connection stands."""
        await self._inner.channel_ready()

    def unary_unary(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Return the callable of a unary RPC."""
        inner = self._inner.unary_unary(method, *arguments, **keywords)

        def call(request: Any, *, timeout: float | None = None, **options: Any) -> Any:
            return self._call(inner, method, request, timeout, options)

        return call

    def unary_stream(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Return the callable of a server-streaming RPC; it returns an asynchronous generator."""
        inner = self._inner.unary_stream(method, *arguments, **keywords)

        def call(request: Any, *, timeout: float | None = None, **options: Any) -> AsyncIterator[Any]:
            return self._stream(inner, method, request, timeout, options)

        return call

    def stream_unary(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Return the callable of a client-streaming RPC, as `grpc.aio` has it."""
        return self._identified(self._inner.stream_unary(method, *arguments, **keywords))

    def stream_stream(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Return the callable of an RPC that streams both ways, as `grpc.aio` has it."""
        return self._identified(self._inner.stream_stream(method, *arguments, **keywords))

    async def _call(
        self, inner: Callable[..., Any], method: str, request: Any, timeout: float | None, options: dict[str, Any]
    ) -> Any:
        policy = self.policy
        deadline = timeout if timeout is not None else policy.timeout_seconds
        metadata = (*policy.metadata, *(options.pop("metadata", None) or ()))

        async def attempt() -> Any:
            try:
                return await inner(request, timeout=deadline, metadata=metadata, **options)
            except grpc.RpcError as error:
                raise policy.explain(error, method) from None

        spans = tracing.spans()
        if spans is None:
            return await patiently(attempt, policy.patience_seconds)
        with spans.call(method) as headers:
            metadata += headers
            return await patiently(attempt, policy.patience_seconds)

    async def _stream(
        self, inner: Callable[..., Any], method: str, request: Any, timeout: float | None, options: dict[str, Any]
    ) -> AsyncIterator[Any]:
        metadata = self._told(options)
        call = inner(request, timeout=timeout, metadata=metadata, **options)
        try:
            async for response in call:
                yield response
        except grpc.RpcError as error:
            raise self.policy.explain(error, method) from None
        finally:
            call.cancel()

    def _told(self, options: dict[str, Any]) -> Metadata:
        spans = tracing.spans()
        headers = () if spans is None else spans.headers()
        return (*self.policy.metadata, *headers, *(options.pop("metadata", None) or ()))

    def _identified(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        def call(request_iterator: Any = None, **options: Any) -> Any:
            metadata = self._told(options)
            return inner(request_iterator, metadata=metadata, **options)

        return call


class SyncChannel(grpc.Channel):
    """The unary and server-streaming calls of an `AsyncChannel` for synchronous code.

    Args:
        inner: Opened on the loop of `thread`.
        thread: Runs the calls.
    """

    def __init__(self, inner: AsyncChannel, thread: LoopThread) -> None:
        self._inner = inner
        self._thread = thread

    def __enter__(self) -> SyncChannel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._thread.run(self._inner.close())

    def subscribe(self, callback: Callable[..., object], try_to_connect: bool | None = False) -> None:
        """Refuse: connectivity is watched on the asynchronous channel."""
        raise TypeError("connectivity is watched on the asynchronous channel")

    def unsubscribe(self, callback: Callable[..., object]) -> None:
        """Forget a callback; as none was taken, nothing happens."""

    def unary_unary(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Return the callable of a unary RPC."""
        inner = self._inner.unary_unary(method, *arguments, **keywords)

        def call(request: Any, timeout: float | None = None, **options: Any) -> Any:
            return self._thread.run(inner(request, timeout=timeout, **options))

        return call

    def unary_stream(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Return the callable of a server-streaming RPC; it returns an iterator that can be closed."""
        inner = self._inner.unary_stream(method, *arguments, **keywords)

        def call(request: Any, timeout: float | None = None, **options: Any) -> Iterator[Any]:
            return self._pull(inner(request, timeout=timeout, **options))

        return call

    def stream_unary(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Return a callable that refuses: streams of requests are for asynchronous code."""
        return _refuse(method)

    def stream_stream(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Return a callable that refuses: streams of requests are for asynchronous code."""
        return _refuse(method)

    def _pull(self, responses: Any) -> Iterator[Any]:
        async def next_one() -> tuple[bool, Any]:
            try:
                return True, await anext(responses)
            except StopAsyncIteration:
                return False, None

        try:
            while True:
                more, response = self._thread.run(next_one())
                if not more:
                    return
                yield response
        finally:
            self._thread.run(responses.aclose())


def _refuse(method: str) -> Callable[..., Any]:
    def call(*_: object, **__: object) -> Any:
        raise TypeError(f"{method} streams requests; use it through AsyncClient")

    return call
