"""The text search: words that a message must contain or must not, and messages that are too long.

`error -debug "out of memory"` finds messages that contain "error" and "out of memory" and not "debug", upper
and lower case alike.
"""

from __future__ import annotations

import dataclasses
import re

_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: titles, links
    r"|\x1b[PX^_][^\x1b]*\x1b\\"
    r"|\x1b[ -/]*[0-~]"
)
_WORD = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')


@dataclasses.dataclass(frozen=True, slots=True)
class TextQuery:
    """What a message must be like."""

    wanted: tuple[str, ...] = ()
    """Each of these is part of it."""
    unwanted: tuple[str, ...] = ()
    """None of these is part of it."""
    match_case: bool = False
    """Whether upper and lower case are told apart."""
    whole_words: bool = False
    """Whether a part must begin and end where words do."""

    def __len__(self) -> int:
        return len(self.wanted) + len(self.unwanted)


def parse_text(text: str, *, match_case: bool = False, whole_words: bool = False) -> TextQuery:
    """Return what `text` asks for; a minus alone and empty quotes ask for nothing."""
    wanted: list[str] = []
    unwanted: list[str] = []
    for minus, phrase, word in _WORD.findall(text):
        part = phrase or word
        if part and part != "-":
            (unwanted if minus else wanted).append(part)
    return TextQuery(tuple(wanted), tuple(unwanted), match_case, whole_words)


def like_pattern(part: str) -> str:
    r"""Return the pattern for LIKE that finds `part` anywhere, with the backslash as escape."""
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def word_pattern(part: str) -> str:
    r"""Return the regular expression of Postgres that finds `part` where no word goes on before or behind it."""
    escaped = re.sub(r"([^\w\s])", r"\\\1", part)
    return rf"(?<!\w){escaped}(?!\w)"


def strip_ansi(text: str) -> str:
    """Return text without ANSI control sequences: colours, movements of the cursor, titles, links."""
    return _ANSI.sub("", text) if "\x1b" in text or "\x9b" in text else text


def cut_text(text: bytes, most_bytes: int) -> bytes:
    """Return UTF-8 `text` with at most `most_bytes` bytes, and a marker that tells how many were cut."""
    if len(text) <= most_bytes:
        return text
    kept = text[:most_bytes].decode(errors="ignore").encode()
    return kept + f"… [{len(text) - len(kept)} bytes cut]".encode()
