from __future__ import annotations

import errno
import io
import sys

import pytest

from headrace_server.entry import tell


class Gone(io.StringIO):
    """A terminal that was closed."""

    def flush(self) -> None:
        raise OSError(errno.EIO, "Input/output error")


def test_a_server_goes_on_without_whoever_it_told_things(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Gone())
    tell("ready")
