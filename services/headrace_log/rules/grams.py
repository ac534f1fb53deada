"""Which pieces of text a stretch of records contains: a filter that may say yes wrongly, never no.

Text is cut into all its pieces of four bytes and of two, upper and lower case of ASCII alike. Each piece sets one
bit, told by a hash; a text can be in the stretch only if the bits of all its own pieces are set.
"""

from __future__ import annotations

LEAST_BITS = 1 << 10
MOST_BITS = 1 << 17
"""Hashes have as many values."""

_LONG = 4
_SHORT = 2
_FACTOR = 0x9E3779B1
_SHORT_SALT = 0x5BD1E995
_WORD = 0xFFFFFFFF
_SHIFT = 15


def summarise(text: bytes) -> bytes:
    """Return the filter of a text: a power of two of bits, more for a text with more pieces."""
    longs = _pieces(text.lower() + b"\0" * (_LONG - _SHORT))
    hashes = {((piece * _FACTOR) & _WORD) >> _SHIFT for piece in longs}
    # The shorter piece at each place is the lower half of the longer one.
    hashes.update(((piece * _FACTOR + _SHORT_SALT) & _WORD) >> _SHIFT for piece in {piece & 0xFFFF for piece in longs})
    bits = LEAST_BITS
    while bits < MOST_BITS and bits < 3 * len(hashes):
        bits *= 2
    grams = bytearray(bits // 8)
    mask = bits - 1
    for value in hashes:
        place = value & mask
        grams[place >> 3] |= 1 << (place & 7)
    return bytes(grams)


def hashes_of(part: str) -> list[int]:
    """Return the hashes of the pieces of a text that is looked for; none if it is too short to tell."""
    folded = part.encode(errors="replace").lower()
    size = _LONG if len(folded) >= _LONG else _SHORT
    found = set()
    for start in range(len(folded) - size + 1):
        piece = folded[start : start + size]
        # Beyond ASCII upper and lower case differ in ways that only the database knows.
        if piece.isascii():
            value = int.from_bytes(piece, "little") * _FACTOR + (_SHORT_SALT if size == _SHORT else 0)
            found.add((value & _WORD) >> _SHIFT)
    return sorted(found)


def may_contain(grams: bytes, part: str) -> bool:
    """Return whether a text with this filter may contain `part`."""
    mask = len(grams) * 8 - 1
    return all(grams[(value & mask) >> 3] >> (value & mask & 7) & 1 for value in hashes_of(part))


def _pieces(text: bytes) -> set[int]:
    # Views of words in the order of this machine: servers run on little-endian machines only.
    found: set[int] = set()
    view = memoryview(text)
    for start in range(_LONG):
        length = (len(text) - start) // _LONG * _LONG
        if length > 0:
            found.update(view[start : start + length].cast("I"))
    return found
