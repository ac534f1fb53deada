"""The text search: words that a message must contain or must not, and messages that are too long.

`error -debug "out of memory"` finds messages that contain "error" and "out of memory" and not "debug", upper
and lower case alike.
"""

from __future__ import annotations

import dataclasses
import re

_WORD = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')


@dataclasses.dataclass(frozen=True, slots=True)
class TextQuery:
    """What a message must be like."""

    wanted: tuple[str, ...] = ()
    """Each of these is part of it."""
    unwanted: tuple[str, ...] = ()
    """None of these is part of it."""

    def __len__(self) -> int:
        return len(self.wanted) + len(self.unwanted)


def parse_text(text: str) -> TextQuery:
    """Return what `text` asks for; a minus alone and empty quotes ask for nothing."""
    wanted: list[str] = []
    unwanted: list[str] = []
    for minus, phrase, word in _WORD.findall(text):
        part = phrase or word
        if part and part != "-":
            (unwanted if minus else wanted).append(part)
    return TextQuery(tuple(wanted), tuple(unwanted))


def like_pattern(part: str) -> str:
    r"""Return the pattern for LIKE that finds `part` anywhere, with the backslash as escape."""
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def cut_text(text: bytes, most_bytes: int) -> bytes:
    """Return UTF-8 `text` with at most `most_bytes` bytes, and a marker that tells how many were cut."""
    if len(text) <= most_bytes:
        return text
    kept = text[:most_bytes].decode(errors="ignore").encode()
    return kept + f"… [{len(text) - len(kept)} bytes cut]".encode()
