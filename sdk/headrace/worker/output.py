"""The output of a run's process, line by line, into the run's log."""

from __future__ import annotations

from collections.abc import Callable

from headrace.api.v1 import log_pb2
from headrace.worker.launcher import ByteStream

LONGEST_LINE_BYTES = 64 * 1024
"""A longer line is cut into several."""

LineSink = Callable[[str, "log_pb2.LogSource.ValueType"], None]
"""Takes one line without its end, and which stream it came from."""


async def forward_lines(stream: ByteStream, source: log_pb2.LogSource.ValueType, sink: LineSink) -> None:
    """Hand each line of a stream to the sink until the stream ends; what has no line end at last counts too."""
    rest = b""
    while data := await stream.read(LONGEST_LINE_BYTES):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            sink(_text(line), source)
        while len(rest) > LONGEST_LINE_BYTES:
            sink(_text(rest[:LONGEST_LINE_BYTES]), source)
            rest = rest[LONGEST_LINE_BYTES:]
    if rest:
        sink(_text(rest), source)


def _text(line: bytes) -> str:
    # A progress bar rewrites its line: only what stands there in the end is of interest.
    return line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "backslashreplace")
