"""What flows of tests note about themselves in a file, so that a test can compare what happened with what was recorded.

A line is one write to a file opened for appending, so it is there whole or not at all, even if the process is killed.
"""

from __future__ import annotations

import json
import os
import pathlib
import time
from typing import Any

NAME = "ledger.jsonl"


def note(event: str, **facts: Any) -> None:
    """Append a line to the ledger of the current folder."""
    line = json.dumps({"event": event, "pid": os.getpid(), "at": time.time(), **facts}) + "\n"
    descriptor = os.open(NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def read(folder: pathlib.Path, event: str | None = None) -> list[dict[str, Any]]:
    """Return the lines of a folder's ledger in the order in which they were written.

    Args:
        folder: Where the flows ran.
        event: Only lines of this event.
    """
    path = folder / NAME
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in lines if event is None or line["event"] == event]
