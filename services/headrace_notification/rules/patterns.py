"""Names and values with "*" at the end for any rest, and "!" at the start for none of these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def fits(value: str, pattern: str) -> bool:
    """Return whether `value` is what `pattern` says: the same, or the same up to a "*" at the end."""
    if pattern.endswith("*"):
        return value.startswith(pattern[:-1])
    return value == pattern


def fits_any(value: str, patterns: Iterable[str]) -> bool:
    """Return whether `value` fits one of the patterns."""
    return any(fits(value, pattern) for pattern in patterns)


def allows(value: str | None, patterns: Sequence[str]) -> bool:
    """Return whether a label's value is one of those wanted.

    A pattern with "!" in front excludes, and excludes before any other allows. With exclusions alone
    everything else is allowed, even no value. A label that is not there fits no other pattern.
    """
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    if value is not None and fits_any(value, unwanted):
        return False
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    if not wanted:
        return True
    return value is not None and fits_any(value, wanted)


def is_exact(pattern: str) -> bool:
    """Return whether a pattern stands for one value only."""
    return not pattern.endswith("*") and not pattern.startswith("!")
