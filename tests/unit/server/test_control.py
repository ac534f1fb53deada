from __future__ import annotations

import pytest

from headrace_server.cli import control


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (
            b'{"status": "not ready", "missing": ["no Postgres", "the server is stopping"]}',
            "no Postgres; the server is",
        ),
        (b"Bad gateway\n", "Bad gateway"),
        (b"[1]", "[1]"),
    ],
)
def test_what_a_server_lacks_is_told_in_its_words(answer: bytes, shown: str) -> None:
    assert control._missing(answer).startswith(shown)
