"""What stands in front of the server: proxies whose word is taken, and whether browsers come over TLS."""

from __future__ import annotations

from headrace_chassis.forwarding import HEADER, PROTOCOL_HEADER, TrustedProxies
from headrace_chassis.resolving import is_loopback
from headrace_gateway.http import Message, Scope, Send, header

_FORWARDED, _PROTOCOL = HEADER.encode(), PROTOCOL_HEADER.encode()
_OVER_TLS = {"http": "https", "ws": "wss"}
_ONLY_TLS = (b"strict-transport-security", b"max-age=31536000")


class Front:
    """Tells requests from where they come.

    Args:
        proxies: Whose word is taken.
        is_secure: Whether browsers reach this server over TLS whatever this process speaks.
    """

    def __init__(self, proxies: TrustedProxies, *, is_secure: bool) -> None:
        self._proxies = proxies
        self._is_secure = is_secure

    def enter(self, scope: Scope) -> None:
        """Put into a request where it comes from, as a named proxy tells, and whether the browser came over TLS."""
        self._enter(scope)
        if self._is_secure:
            scope["scheme"] = _OVER_TLS.get(scope.get("scheme", ""), scope.get("scheme"))

    def _enter(self, scope: Scope) -> None:
        client = scope.get("client")
        if not self._proxies or not client or not self._proxies.trusts(str(client[0])):
            return
        forwarded = b",".join(value for name, value in scope["headers"] if name == _FORWARDED)
        scope["client"] = (self._proxies.origin_of(str(client[0]), forwarded.decode("latin-1")), client[1])
        protocol = (header(scope, _PROTOCOL) or b"").rpartition(b",")[2].strip().lower()
        if protocol in (b"http", b"https"):
            scope["scheme"] = protocol.decode()

    def sending(self, scope: Scope, send: Send) -> Send:
        """Return how to answer: over TLS browsers are told to come in no other way from now on."""
        if not self._is_secure and scope.get("scheme") != "https":
            return send
        host = (header(scope, b"host") or b"").decode("latin-1")
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        # On one's own machine other programs have pages under the same name.
        if is_loopback(name) or name.endswith(".localhost"):
            return send

        async def extended(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], _ONLY_TLS]
            await send(message)

        return extended
