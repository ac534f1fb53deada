"""What the supervisor tells a server process, and what that answers.

The order is one line of JSON on the process's standard input, which stays open: its end tells that the
supervisor has died. The report is a line of JSON on a pipe of its own, on which signs of life follow. So no
secret stands on a command line or in an environment.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson

SIGN_OF_LIFE = b"\n"
"""What a process that serves writes every `SIGN_OF_LIFE_SECONDS`, for as long as its event loop runs."""

SIGN_OF_LIFE_SECONDS = 5.0


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """How to run."""

    database_url: str | None
    settings: dict[str, Any]
    """Values of `ServerSettings` that go before the environment's."""

    def to_line(self) -> bytes:
        """Return the order as one line."""
        return orjson.dumps(dataclasses.asdict(self)) + b"\n"

    @classmethod
    def from_line(cls, line: bytes | str) -> Order:
        """Return the order of a line.

        Raises:
            ValueError: It is none.
        """
        return cls(**orjson.loads(line))


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """What has become of a process."""

    is_ready: bool
    fault: str = ""
    """Why it cannot start."""

    def to_line(self) -> bytes:
        """Return the report as one line."""
        return orjson.dumps(dataclasses.asdict(self)) + b"\n"

    @classmethod
    def from_line(cls, line: bytes | str) -> Report:
        """Return the report of a line.

        Raises:
            ValueError: It is none.
        """
        return cls(**orjson.loads(line))
