"""The few words of ASGI that the gateway speaks, and answers that are sent in one go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from headrace import errors

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = (b"content-type", b"application/json")
NO_STORE = (b"cache-control", b"no-store")
_PASSED = 4
"""So many times the limit of a body is read, and forgotten, before the connection is cut."""


class ClientGone(Exception):
    """The client closed the connection before it had sent its whole request; nobody waits for an answer."""


class TooLarge(errors.ResourceExhausted):
    """The request's body is larger than the server takes."""

    default_reason = "REQUEST_TOO_LARGE"


async def respond(send: Send, status: int, body: bytes, headers: Headers) -> None:
    """Send a whole answer."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, (b"content-length", b"%d" % len(body))],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Return the body of a request.

    Args:
        scope: The request.
        receive: Gives the parts.
        limit: So many bytes at most.

    Raises:
        TooLarge: It is larger.
        ClientGone: It did not come whole.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size <= limit:
            parts.append(part)
        else:
            parts.clear()
        ended = not message.get("more_body", False)
        # A client that is still sending would lose the answer with the connection, so a little more is let pass.
        if size > limit and (ended or size > _PASSED * limit):
            raise TooLarge(f"the body has more than {limit} bytes")
        if ended:
            return b"".join(parts) if len(parts) != 1 else parts[0]


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return the first header called `name` (lower case), None if there is none."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None
