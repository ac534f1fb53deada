"""What the command line passes to the process that it becomes or starts."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import orjson

DatabaseKind = Literal["embedded", "memory", "url"]
"""The embedded Postgres, one that is gone with the server, or the one that `HEADRACE_DATABASE_URL` names."""


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """How to run."""

    database: DatabaseKind
    parts: tuple[str, ...]
    settings: dict[str, Any]
    """Values of `ServerSettings` that go before the environment's."""
    log_file: str | None = None
    """Where the output goes; None for a terminal."""
    is_ephemeral: bool = False
    """Whether the server ends with whoever holds the other end of its standard input, and takes its home with it."""

    def to_argument(self) -> str:
        """Return the options as one argument. Other users of the machine can see it: it must hold no secret."""
        return orjson.dumps(dataclasses.asdict(self)).decode()

    @classmethod
    def from_argument(cls, argument: str) -> Options:
        """Return the options of an argument."""
        values = orjson.loads(argument)
        return cls(**{**values, "parts": tuple(values["parts"])})
