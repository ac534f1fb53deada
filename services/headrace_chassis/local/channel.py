"""The channel to a server of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio

from headrace_chassis.local.call import LocalCall
from headrace_chassis.local.exchange import Codec, Pairs
from headrace_chassis.local.server import LocalServer

Outgoing = Callable[[Pairs], Pairs]
"""Returns the metadata of a call with what the channel adds to it."""


class LocalChannel(grpc.aio.Channel):
    """The channel to a `LocalServer`; for stubs like any other.

    Args:
        server: Where calls go.
        outgoing: Adds to the metadata of each call.
    """

    def __init__(self, server: LocalServer, outgoing: Outgoing | None = None) -> None:
        self._server = server
        self._outgoing = outgoing

    async def __aenter__(self) -> LocalChannel:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Do nothing: there is no connection, and calls end by themselves or with the server."""

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Return READY until the server stops."""
        is_open = not self._server.draining.is_set()
        return grpc.ChannelConnectivity.READY if is_open else grpc.ChannelConnectivity.SHUTDOWN

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Return when the state is another one."""
        if last_observed_state is grpc.ChannelConnectivity.READY:
            await self._server.draining.wait()
        elif self.get_state() is last_observed_state:
            await asyncio.get_running_loop().create_future()

    async def channel_ready(self) -> None:
        """Return at once."""

    def unary_unary(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: Any = False,
    ) -> Any:
        """Return the callable of a method with one request and one answer."""
        return self._callable(method, request_serializer, response_deserializer)

    def unary_stream(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: Any = False,
    ) -> Any:
        """Return the callable of a method that answers with a stream."""
        return self._callable(method, request_serializer, response_deserializer)

    def stream_unary(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: Any = False,
    ) -> Any:
        """Return the callable of a method that takes a stream."""
        return self._callable(method, request_serializer, response_deserializer, streams_requests=True)

    def stream_stream(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: Any = False,
    ) -> Any:
        """Return the callable of a method with streams both ways."""
        return self._callable(method, request_serializer, response_deserializer, streams_requests=True)

    def _callable(
        self, method: str, request_serializer: Any, response_deserializer: Any, *, streams_requests: bool = False
    ) -> Callable[..., LocalCall]:
        codec = Codec(request_serializer or _same, response_deserializer or _same)
        server, outgoing = self._server, self._outgoing

        def call(
            request: Any = None, *, timeout: float | None = None, metadata: Any = None, **options: Any
        ) -> LocalCall:
            pairs: Pairs = tuple(metadata or ())
            if outgoing is not None:
                pairs = outgoing(pairs)
            if not streams_requests:
                return LocalCall(server.begin(method, request, pairs, timeout, codec))
            made = LocalCall(server.begin(method, None, pairs, timeout, codec))
            source = options.get("request_iterator", request)
            if source is not None:
                made.pump(source)
            return made

        return call


def _same(message: Any) -> Any:
    return message
