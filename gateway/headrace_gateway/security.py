"""What protects the server from web pages of others, and people from what a page of ours may load.

A browser can reach a server on loopback from any page. Three walls stand in front of it: the `Host` header
must be a name of this server (a name that was rebound to loopback is not), a request that changes something must
not come from a page of another origin, and no answer may be read by one.
"""

from __future__ import annotations

import ipaddress
import urllib.parse
from collections.abc import Sequence

from headrace import errors
from headrace_gateway.http import Headers, Scope, header
from headrace_gateway.sessions import has_session

PAGE_HEADERS: Headers = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; "
        # Image artifacts carry pictures in themselves or point to them.
        b"img-src 'self' data: blob: https:; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
        b"form-action 'none'; frame-ancestors 'none'",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
"""On every page and file."""

READING = frozenset({"GET", "HEAD", "OPTIONS"})
_PREFLIGHT_SECONDS = b"600"


class Walls:
    """Decides which requests are let in.

    Args:
        host: The address that the server listens on.
        allowed_hosts: Further names under which browsers know it.
        allowed_origins: Origins of pages that may call it, as `https://ci.example.org`; none by default.
    """

    def __init__(self, host: str, allowed_hosts: Sequence[str] = (), allowed_origins: Sequence[str] = ()) -> None:
        self._checks_host = _is_loopback(host)
        self._hosts = frozenset(name.lower() for name in (host, *allowed_hosts))
        self._origins = frozenset(origin.rstrip("/").lower() for origin in allowed_origins)

    def check(self, scope: Scope) -> None:
        """Return if the request may go on.

        Raises:
            errors.PermissionDenied: It may not; the message says what to set where it should.
        """
        host = (header(scope, b"host") or b"").decode("latin-1").lower()
        if self._checks_host and not self._knows(_name_of(host)):
            raise errors.PermissionDenied(
                f"this server is not known as {host!r}; name it in HEADRACE_SERVER_ALLOWED_HOSTS if it should be",
                reason="HOST_NOT_ALLOWED",
            )
        # A websocket has no method, and may change something.
        if scope.get("method") in READING:
            return
        origin = header(scope, b"origin")
        if origin is not None and not self._is_own(origin.decode("latin-1").lower(), host, scope):
            raise errors.PermissionDenied(
                "pages of another origin may not change anything here; name the origin in "
                "HEADRACE_SERVER_ALLOWED_ORIGINS if it should",
                reason="ORIGIN_NOT_ALLOWED",
            )
        # Browsers send a session along whoever asks; programs that act for it say where they come from.
        is_by_cookie = has_session(scope) and header(scope, b"authorization") is None
        if is_by_cookie and origin is None and header(scope, b"sec-fetch-site") != b"same-origin":
            raise errors.PermissionDenied(
                "a request with a session that changes something has to say which page it comes from (Origin)",
                reason="ORIGIN_MISSING",
            )

    def headers_for(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Return the CORS headers of an answer: none, unless the request comes from an allowed origin."""
        if not self._origins:
            return []
        origin = header(scope, b"origin")
        if origin is None or origin.decode("latin-1").lower() not in self._origins:
            return [(b"vary", b"origin")]
        headers = [
            (b"vary", b"origin"),
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", b"retry-after"),
        ]
        if scope["method"] == "OPTIONS":
            headers += [
                (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
                (b"access-control-allow-headers", b"authorization, content-type, headrace-workspace, traceparent"),
                (b"access-control-max-age", _PREFLIGHT_SECONDS),
            ]
        return headers

    def _knows(self, name: str) -> bool:
        return name in self._hosts or _is_loopback(name)

    def _is_own(self, origin: str, host: str, scope: Scope) -> bool:
        if origin in self._origins:
            return True
        # Whoever is on the way can put a page into the clear under the name of a server that speaks TLS. Nobody is on
        # the way on one's own machine, where the server may be looked at past the proxy that speaks it.
        is_over_tls = scope.get("scheme") in ("https", "wss") and not _is_loopback(_name_of(host))
        is_in_the_clear = is_over_tls and origin.startswith("http:")
        return bool(host) and not is_in_the_clear and _authority(origin) == host


def _authority(origin: str) -> str:
    try:
        return urllib.parse.urlsplit(origin).netloc
    except ValueError:
        return ""


def _name_of(host: str) -> str:
    """Return the name or address in a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
