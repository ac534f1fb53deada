"""Channels to Headrace servers, with the settings that all clients share.

Keepalive finds a dead peer within about half a minute without any call in progress. Only UNAVAILABLE is
retried, by gRPC itself, a limited number of times with exponential backoff and jitter: it is the one
code that says that nothing was decided.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

import grpc
import grpc.aio

from headrace.rpc.loopback import is_loopback

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""The largest message that clients send or take; servers have the same default."""

KEEPALIVE_SECONDS = 20.0
KEEPALIVE_TIMEOUT_SECONDS = 10.0
RETRY_ATTEMPTS = 5
RECONNECT_SECONDS = 5.0
"""The longest pause between attempts to connect; a server that comes back must bear all its clients."""

_LISTED = ("ipv4:", "ipv6:")
"""What targets begin with that list addresses, with commas between them."""

ChannelOptions = list[tuple[str, str | int]]


def _is_worth_telling(record: logging.LogRecord) -> bool:
    """Say no to what gRPC lets asyncio log where two event loops of a process use it: both are woken for one event.

    The loop that comes second finds nothing to read, which hurts nobody.
    """
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, BlockingIOError) and "PollerCompletionQueue" in record.getMessage())


logging.getLogger("asyncio").addFilter(_is_worth_telling)


def service_config(attempts: int = RETRY_ATTEMPTS, *, spread: bool = False) -> str:
    """Return the gRPC service config, as JSON, that retries UNAVAILABLE, and what a server cut off that stopped.

    A call that its caller cancels is over at once; CANCELLED as an answer comes of a server that had no time for it.

    Args:
        attempts: Tries of a call including the first; 1 means no retry. gRPC takes at most 5.
        spread: Whether calls take turns among all addresses of a name.
    """
    config: dict[str, object] = {"methodConfig": [{"name": [{}]}]}
    if attempts > 1:
        config = {
            "methodConfig": [
                {
                    "name": [{}],
                    "retryPolicy": {
                        "maxAttempts": min(attempts, 5),
                        "initialBackoff": "0.1s",
                        "maxBackoff": "2s",
                        "backoffMultiplier": 2,
                        "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
                    },
                }
            ],
            # A server in trouble sees the retries stop when half of the recent calls failed.
            "retryThrottling": {"maxTokens": 20, "tokenRatio": 0.5},
        }
    if spread:
        config["loadBalancingConfig"] = [{"round_robin": {}}]
    return json.dumps(config, separators=(",", ":"))


def channel_options(
    *,
    max_message_bytes: int = MAX_MESSAGE_BYTES,
    retry_attempts: int = RETRY_ATTEMPTS,
    reconnect_seconds: float = RECONNECT_SECONDS,
    spread: bool = False,
) -> ChannelOptions:
    """Return the gRPC channel arguments that every Headrace client uses.

    Args:
        max_message_bytes: The largest message in either direction.
        retry_attempts: Tries of a call that ends UNAVAILABLE, including the first.
        reconnect_seconds: The longest pause between attempts to connect.
        spread: Whether calls take turns among all addresses of a name, the replicas of a service.
    """
    return [
        ("grpc.max_send_message_length", max_message_bytes),
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.keepalive_time_ms", int(KEEPALIVE_SECONDS * 1000)),
        ("grpc.keepalive_timeout_ms", int(KEEPALIVE_TIMEOUT_SECONDS * 1000)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", int(reconnect_seconds * 1000)),
        ("grpc.enable_retries", 1),
        ("grpc.service_config", service_config(retry_attempts, spread=spread)),
    ]


def open_aio_channel(
    target: str,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    interceptors: Sequence[grpc.aio.ClientInterceptor] | None = None,
    max_message_bytes: int = MAX_MESSAGE_BYTES,
    retry_attempts: int = RETRY_ATTEMPTS,
    reconnect_seconds: float = RECONNECT_SECONDS,
) -> grpc.aio.Channel:
    """Open a channel for asyncio code; it connects at the first call.

    Args:
        target: A gRPC target, for example `127.0.0.1:4201`, `dns:///headrace:443`, `ipv4:10.0.0.1:4201,10.0.0.2:4201`
            or `unix:/run/state.sock`. Calls take turns among all addresses of a name or a list.
        credentials: TLS credentials; without them the channel is in the clear.
        interceptors: Client interceptors, outermost first.
        max_message_bytes: The largest message in either direction.
        retry_attempts: Tries of a call that ends UNAVAILABLE, including the first.
        reconnect_seconds: The longest pause between attempts to connect.
    """
    options = _options_to(target, max_message_bytes, retry_attempts, reconnect_seconds)
    if credentials is None:
        return grpc.aio.insecure_channel(target, options=options, interceptors=interceptors)
    return grpc.aio.secure_channel(target, credentials, options=options, interceptors=interceptors)


def _options_to(
    target: str, max_message_bytes: int, retry_attempts: int, reconnect_seconds: float = RECONNECT_SECONDS
) -> ChannelOptions:
    options = channel_options(
        max_message_bytes=max_message_bytes,
        retry_attempts=retry_attempts,
        reconnect_seconds=reconnect_seconds,
        spread=target.startswith(("dns:", *_LISTED)),
    )
    places = target.removeprefix("ipv4:").removeprefix("ipv6:").split(",")
    if all(is_loopback(place.rpartition(":")[0]) for place in places):
        # A proxy of the environment cannot reach this machine's own loopback.
        options.append(("grpc.enable_http_proxy", 0))
    return options
