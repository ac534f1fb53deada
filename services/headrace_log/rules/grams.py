"""Which pieces of text a stretch of records contains: a filter that may say yes wrongly, never no.

Text is cut into words, wherever there is a space, and these into all their pieces of four bytes and of two, upper and
lower case of ASCII alike. Each piece sets one bit, told by a hash; a text can be in the stretch only if the bits of
all its own pieces are set.
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

_SPACE = b" "
# No text has this character, so a piece that does not begin with it begins in a word, and ends in it if it is larger
# than what three bytes can say.
_BETWEEN = b"\0" * (_LONG - 1)
_FIRST, _TWO, _THREE = 0xFF, 0xFFFF, 0xFFFFFF
_ONE = ord("1")


def summarise(text: bytes) -> bytes:
    """Return the filter of a text: a power of two of bits, more for a text with more pieces."""
    # Most words of a log come again and again, so there is far less to cut up than there is text.
    words = _BETWEEN.join({*text.lower().split(_SPACE)})
    pieces = {piece for piece in _pieces(words + _BETWEEN) if piece & _FIRST}
    hashes = {((piece * _FACTOR) & _WORD) >> _SHIFT for piece in pieces if piece > _THREE}
    # The shorter piece at each place is the lower half of the longer one.
    hashes.update([((piece * _FACTOR + _SHORT_SALT) & _WORD) >> _SHIFT for piece in {each & _TWO for each in pieces}])
    bits = LEAST_BITS
    while bits < MOST_BITS and bits < 3 * len(hashes):
        bits *= 2
    mask = bits - 1
    digits = bytearray(b"0") * bits
    for value in hashes:
        digits[mask - (value & mask)] = _ONE
    return int(digits, 2).to_bytes(bits // 8, "little")


def hashes_of(part: str) -> list[int]:
    """Return the hashes of the pieces of a text that is looked for; none if it is too short to tell."""
    found = set()
    for word in part.encode(errors="replace").lower().split(_SPACE):
        size = _LONG if len(word) >= _LONG else _SHORT
        for start in range(len(word) - size + 1):
            piece = word[start : start + size]
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
