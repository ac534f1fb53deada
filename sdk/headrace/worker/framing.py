"""Length-prefixed JSON messages, with an optional blob, between a worker and its fork server."""

from __future__ import annotations

import json
import struct
from typing import Any

_HEADER = struct.Struct("!II")

Message = dict[str, Any]
"""A message; its keys are plain words, its values plain JSON."""


def encode(message: Message, blob: bytes = b"") -> bytes:
    """Return the bytes of one message followed by its blob."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return _HEADER.pack(len(body), len(blob)) + body + blob


class Decoder:
    """Turns a stream of bytes back into messages, however it is cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[Message, bytes]]:
        """Take more bytes and return the messages that are now whole, each with its blob."""
        self._buffer += data
        whole: list[tuple[Message, bytes]] = []
        while len(self._buffer) >= _HEADER.size:
            body_size, blob_size = _HEADER.unpack_from(self._buffer)
            end = _HEADER.size + body_size + blob_size
            if len(self._buffer) < end:
                break
            body = bytes(self._buffer[_HEADER.size : _HEADER.size + body_size])
            blob = bytes(self._buffer[_HEADER.size + body_size : end])
            del self._buffer[:end]
            whole.append((json.loads(body), blob))
        return whole
