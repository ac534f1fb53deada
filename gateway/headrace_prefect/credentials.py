"""What Prefect's client proves itself with, as what our services take.

`PREFECT_API_KEY` comes as `Bearer <key>`, which is passed on. `PREFECT_API_AUTH_STRING` comes as Basic
authentication, and on websockets as it is: what stands behind its first colon is the key, whatever name goes before.
"""

from __future__ import annotations

import base64
import binascii

from headrace import errors
from headrace_gateway.http import Scope, header

_BASIC = b"basic "


def authorization_of_header(scope: Scope) -> str | None:
    """Return the authorization to pass on in place of the request's own, None where that will do.

    Raises:
        errors.Unauthenticated: The header is malformed.
    """
    value = header(scope, b"authorization")
    if value is None or value[: len(_BASIC)].lower() != _BASIC:
        return None
    try:
        decoded = base64.b64decode(value[len(_BASIC) :].strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise errors.Unauthenticated("the Authorization header is malformed") from None
    return authorization_of_token(decoded)


def authorization_of_token(token: str) -> str:
    """Return the authorization that a token of a websocket, or a decoded auth string, stands for."""
    _, colon, password = token.partition(":")
    return f"Bearer {password if colon else token}"
