"""Which batches of a writing process are committed, told by their sequence numbers.

Kept are the highest number and those below it that were passed over. So a batch that comes twice is known,
and one that comes late is still taken. Both hold within a window; what is further behind cannot be told apart.
"""

from __future__ import annotations

import dataclasses
import enum

WINDOW = 256
"""How far behind the highest number a batch may come. Writers have fewer batches under way."""


class Verdict(enum.Enum):
    """What to do with a batch."""

    NEW = "new"
    """Store it."""
    REPEATED = "repeated"
    """It is committed: acknowledge it."""
    TOO_OLD = "too old"
    """Whether it is committed is not known any more: refuse it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How far a process has come."""

    last_sequence: int = 0
    missing: frozenset[int] = frozenset()
    """Numbers within the window below `last_sequence` that are not committed."""


def judge(progress: Progress, sequence: int) -> Verdict:
    """Return what to do with the batch numbered `sequence`."""
    if sequence > progress.last_sequence or sequence in progress.missing:
        return Verdict.NEW
    if sequence <= progress.last_sequence - WINDOW:
        return Verdict.TOO_OLD
    return Verdict.REPEATED


def take(progress: Progress, sequence: int) -> Progress:
    """Return the progress after the batch numbered `sequence`, which was judged NEW, is stored."""
    if sequence <= progress.last_sequence:
        return Progress(progress.last_sequence, progress.missing - {sequence})
    oldest = sequence - WINDOW
    passed_over = range(max(progress.last_sequence, oldest) + 1, sequence)
    still_missing = (number for number in progress.missing if number > oldest)
    return Progress(sequence, frozenset((*still_missing, *passed_over)))
