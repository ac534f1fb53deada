from __future__ import annotations

import pathlib

from headrace_server.log_file import shorten


def test_a_long_log_is_moved_aside_under_its_writers(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "server.log"
    with path.open("ab", buffering=0) as writer:
        writer.write(b"a" * 100)
        assert not shorten(path, 100)
        writer.write(b"b")
        assert shorten(path, 100)
        writer.write(b"c")
    assert path.read_bytes() == b"c"
    assert (tmp_path / "server.log.1").read_bytes() == b"a" * 100 + b"b"


def test_a_log_that_is_not_there_is_short(tmp_path: pathlib.Path) -> None:
    assert not shorten(tmp_path / "server.log", 0)
