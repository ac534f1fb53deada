"""Channels from one service to the others, which carry who the call is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from headrace import errors
from headrace.rpc.channel import MAX_MESSAGE_BYTES, open_aio_channel
from headrace_chassis import resolving, telemetry
from headrace_chassis.caller import maybe_caller
from headrace_chassis.local.channel import LocalChannel, Outgoing
from headrace_chassis.local.exchange import Pairs
from headrace_chassis.local.server import LocalServer

LIVENESS = "liveness"
_HEALTH_TIMEOUT_SECONDS = 3.0
_RECONNECT_SECONDS = 1.0
"""Less than what the tries of a call take together: a service that was away is there with its first call."""

_propagator = TraceContextTextMapPropagator()


class Neighbours:
    """Channels to other services by name, opened when first asked for.

    Args:
        targets: gRPC targets by service name.
        internal_token: Attached to each call; None makes calls of an outsider, who has to say who it is.
        local: The services of this process, which are called directly.
        credentials: For TLS; without them other processes are called in the clear.
        max_message_bytes: The largest message in either direction.
    """

    def __init__(
        self,
        targets: Mapping[str, str],
        internal_token: str | None,
        *,
        local: Mapping[str, LocalServer] | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        self._targets = dict(targets)
        self._credentials = credentials
        self._local = local if local is not None else {}
        self._outgoing = _outgoing(internal_token) if internal_token is not None else None
        self._interceptors = _interceptors(self._outgoing) if self._outgoing is not None else None
        self._max_message_bytes = max_message_bytes
        self._channels: dict[str, grpc.aio.Channel] = {}

    def channel(self, name: str) -> grpc.aio.Channel:
        """Return the channel to the service `name`.

        Raises:
            errors.FailedPrecondition: Nobody said where it is.
        """
        channel = self._channels.get(name)
        if channel is None and name in self._local:
            channel = self._channels[name] = LocalChannel(self._local[name], self._outgoing)
        if channel is None:
            if name not in self._targets:
                raise errors.FailedPrecondition(
                    f"the address of the service {name} is not known; "
                    f"set HEADRACE_SERVER_{name.upper()}_ADDRESS, for example to {name}:4201",
                    reason="NEIGHBOUR_UNKNOWN",
                )
            channel = self._channels[name] = open_aio_channel(
                self._targets[name],
                credentials=self._credentials,
                interceptors=self._interceptors,
                max_message_bytes=self._max_message_bytes,
                reconnect_seconds=_RECONNECT_SECONDS,
            )
        return channel

    async def check(self) -> None:
        """Return if every neighbour that was asked for answers.

        Their liveness is asked for, not their readiness: services that need each other could otherwise
        never become ready.

        Raises:
            errors.Unavailable: One does not.
        """
        for name, channel in list(self._channels.items()):
            if isinstance(channel, LocalChannel):
                continue
            stub = health_pb2_grpc.HealthStub(channel)
            try:
                await stub.Check(health_pb2.HealthCheckRequest(service=LIVENESS), timeout=_HEALTH_TIMEOUT_SECONDS)
            except grpc.aio.AioRpcError as error:
                raise errors.Unavailable(f"the service {name} does not answer: {error.details()}") from error

    async def close(self) -> None:
        """Close all channels; calls in progress end as cancelled."""
        for channel in self._channels.values():
            await channel.close(None)
        self._channels.clear()


def _outgoing(internal_token: str) -> Outgoing:
    def add_metadata(metadata: Pairs) -> Pairs:
        added: list[tuple[str, str | bytes]] = [*metadata, (resolving.INTERNAL_TOKEN_KEY, internal_token)]
        caller = maybe_caller()
        if caller is not None and caller.proof is not None:
            added.append((resolving.ACCESS_TOKEN_KEY, caller.proof.token))
        elif caller is not None:
            added.append((resolving.ON_BEHALF_OF_KEY, resolving.pack_caller(caller)))
        if correlation_id := telemetry.correlation_id.get():
            added.append((resolving.CORRELATION_KEY, correlation_id))
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        added.extend(carrier.items())
        return tuple(added)

    return add_metadata


def _interceptors(add_metadata: Outgoing) -> list[Any]:
    def outgoing(details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
        metadata = add_metadata(tuple(details.metadata or ()))
        return details._replace(metadata=grpc.aio.Metadata(*metadata))  # type: ignore[attr-defined, no-any-return]

    # grpc.aio looks at the class of an interceptor and takes one kind of call from each.
    class UnaryUnary(grpc.aio.UnaryUnaryClientInterceptor):
        async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
            return await continuation(outgoing(client_call_details), request)

    class UnaryStream(grpc.aio.UnaryStreamClientInterceptor):
        async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
            return await continuation(outgoing(client_call_details), request)

    class StreamUnary(grpc.aio.StreamUnaryClientInterceptor):
        async def intercept_stream_unary(
            self, continuation: Any, client_call_details: Any, request_iterator: Any
        ) -> Any:
            return await continuation(outgoing(client_call_details), request_iterator)

    class StreamStream(grpc.aio.StreamStreamClientInterceptor):
        async def intercept_stream_stream(
            self, continuation: Any, client_call_details: Any, request_iterator: Any
        ) -> Any:
            return await continuation(outgoing(client_call_details), request_iterator)

    return [UnaryUnary(), UnaryStream(), StreamUnary(), StreamStream()]
