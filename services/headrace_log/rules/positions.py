"""Positions of records: an order over all records of the installation in which they were committed.

A group of records draws one block, and each record an index in it. Blocks are positions of the outbox, so
what is known about the outbox (everything up to here is committed) is known about records.
"""

from __future__ import annotations

BLOCK_BITS = 20

MOST_RECORDS_IN_BLOCK = 1 << BLOCK_BITS


def first_position(block: int) -> int:
    """Return the position of the first record of a block."""
    return block << BLOCK_BITS


def last_position(block: int) -> int:
    """Return the highest position that a record of a block may have."""
    return (block << BLOCK_BITS) | (MOST_RECORDS_IN_BLOCK - 1)
