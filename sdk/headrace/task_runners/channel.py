"""Messages between a flow's process and a process of its pool: a kind, a length, bytes; over a socket."""

from __future__ import annotations

import socket
import struct
import threading

_HEADER = struct.Struct("!cQ")

SETUP = b"S"
"""To the pool's process, first of all: where modules are, and what to do at the start."""
JOB = b"J"
"""To the pool's process: a job."""
INTERRUPT = b"I"
"""To the pool's process: end the code of a job."""
STARTED = b"B"
"""From it: the job is being executed."""
REPORTS = b"R"
"""From it: what happens in the job."""
OUTCOME = b"O"
"""From it: how the job ended."""
BROKEN = b"X"
"""From it: it cannot execute any job; the content says why."""


class Channel:
    """One end of the socket. Any thread may send, one may receive.

    Args:
        end: The socket.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._lock = threading.Lock()

    def send(self, kind: bytes, content: bytes = b"") -> None:
        """Send a message; waits while the other end does not read.

        Raises:
            OSError: The other end has gone.
        """
        with self._lock:
            self._socket.sendall(_HEADER.pack(kind, len(content)))
            if content:
                self._socket.sendall(content)

    def receive(self) -> tuple[bytes, bytes] | None:
        """Wait for a message; None if the other end has gone."""
        head = self._read(_HEADER.size)
        if head is None:
            return None
        kind, size = _HEADER.unpack(head)
        content = self._read(size)
        return None if content is None else (kind, content)

    def end(self) -> None:
        """Send no more; the other end learns it."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def _read(self, size: int) -> bytes | None:
        parts = bytearray(size)
        view, place = memoryview(parts), 0
        while place < size:
            try:
                count = self._socket.recv_into(view[place:])
            except OSError:
                return None
            if not count:
                return None
            place += count
        return bytes(parts)
