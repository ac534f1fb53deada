"""Lines out of the output of a run's process."""

from __future__ import annotations

import asyncio

import pytest

from headrace.api.v1 import log_pb2
from headrace.worker import output


async def _lines(*pieces: bytes) -> list[str]:
    reader = asyncio.StreamReader()
    for piece in pieces:
        reader.feed_data(piece)
    reader.feed_eof()
    lines: list[str] = []
    await output.forward_lines(reader, log_pb2.LOG_SOURCE_STDOUT, lambda line, _source: lines.append(line))
    return lines


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([b"one\ntwo\n"], ["one", "two"]),
        ([b"on", b"e\nrest"], ["one", "rest"]),
        ([b"windows\r\n"], ["windows"]),
        ([b"10 %\r20 %\r100 %\n"], ["100 %"]),
        ([b"\n"], [""]),
        ([b""], []),
        ([b"bad \xff byte\n"], ["bad \\xff byte"]),
    ],
)
async def test_output_is_cut_into_lines(pieces: list[bytes], lines: list[str]) -> None:
    assert await _lines(*pieces) == lines


async def test_an_endless_line_is_cut_into_several() -> None:
    endless = b"x" * (output.LONGEST_LINE_BYTES * 2 + 10)
    lines = await _lines(endless)
    assert "".join(lines).encode() == endless
    assert max(map(len, lines)) <= output.LONGEST_LINE_BYTES
