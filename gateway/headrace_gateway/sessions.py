"""Sessions of browsers: answers that hold a session become cookies that scripts cannot read.

No method is named here. An answer with the field `session_token` begins a session, and one that says `signed_out`
ends it; both are fields of the contract.
"""

from __future__ import annotations

import datetime
from typing import Any

from google.protobuf import descriptor

from headrace_gateway.http import Scope, header

SECURE_COOKIE = "__Host-headrace-session"
"""Over TLS. Browsers take a name that begins so only from the host itself, over TLS and for all paths."""
COOKIE = "headrace-session"

_TOKEN_FIELD = "session_token"
_ENDED_FIELD = "signed_out"


class Sessions:
    """Turns sessions into cookies.

    Args:
        is_secure: Whether browsers reach this server over TLS even where this process does not speak it.
    """

    def __init__(self, is_secure: bool = False) -> None:
        self._is_secure = is_secure

    def headers(self, scope: Scope, response: Any) -> list[tuple[bytes, bytes]]:
        """Return the headers that an answer needs, and take the session out of it."""
        token = getattr(response, _TOKEN_FIELD, "")
        if token:
            response.ClearField(_TOKEN_FIELD)
            expires_at = response.expires_at.ToDatetime(datetime.UTC)
            seconds = max(0, int((expires_at - datetime.datetime.now(datetime.UTC)).total_seconds()))
            return [self._cookie(scope, token, seconds)]
        if getattr(response, _ENDED_FIELD, False):
            return [self._cookie(scope, "", 0)]
        return []

    def _cookie(self, scope: Scope, value: str, seconds: int) -> tuple[bytes, bytes]:
        is_secure = self._is_secure or scope.get("scheme") == "https"
        name = SECURE_COOKIE if is_secure else COOKIE
        attributes = f"Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{'; Secure' if is_secure else ''}"
        return b"set-cookie", f"{name}={value}; {attributes}".encode("ascii")


def is_about_sessions(response: descriptor.Descriptor) -> bool:
    """Return whether answers of a kind may begin or end a session."""
    return bool({_TOKEN_FIELD, _ENDED_FIELD} & set(response.fields_by_name))


def has_session(scope: Scope) -> bool:
    """Return whether a browser sent a session along."""
    cookies = header(scope, b"cookie") or b""
    return any(
        part.strip().partition(b"=")[0].decode("latin-1") in (SECURE_COOKIE, COOKIE) for part in cookies.split(b";")
    )


def session_cookie(scope: Scope, cookies: bytes) -> bytes:
    """Return the cookie of the session alone, empty if there is none.

    Args:
        scope: The request.
        cookies: All that the browser sent along. Over TLS the one in the clear does not count: another name below the
            same domain could have set it, and have somebody act in a session that is not theirs.
    """
    found: dict[bytes, bytes] = {}
    for part in cookies.split(b";"):
        found.setdefault(part.strip().partition(b"=")[0], part.strip())
    in_the_clear = b"" if scope.get("scheme") in ("https", "wss") else found.get(COOKIE.encode(), b"")
    return found.get(SECURE_COOKIE.encode()) or in_the_clear
