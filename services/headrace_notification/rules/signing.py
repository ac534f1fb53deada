"""The signature of what is sent to URLs of users."""

from __future__ import annotations

import hashlib
import hmac


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Return the value of the header `Headrace-Signature`.

    `t=<Unix time>,v1=<hex>`: HMAC-SHA256, keyed with the secret, of the time, a dot and the body. A receiver checks
    it, and that the time is of the last minutes, to know that the call is ours and not a repetition by another.
    """
    signed = f"{timestamp}.".encode() + body
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
