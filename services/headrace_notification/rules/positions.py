"""Positions of events: the order in which they were committed.

Events that are stored together draw one block, and each an index in it. Blocks are positions of the
outbox, so what is known about the outbox (everything up to here is committed) is known about events.
"""

from __future__ import annotations

BLOCK_BITS = 12

MOST_EVENTS_IN_BLOCK = 1 << BLOCK_BITS


def first_position(block: int) -> int:
    """Return the position of the first event of a block."""
    return block << BLOCK_BITS


def last_position(block: int) -> int:
    """Return the highest position that an event of a block may have."""
    return (block << BLOCK_BITS) | (MOST_EVENTS_IN_BLOCK - 1)
