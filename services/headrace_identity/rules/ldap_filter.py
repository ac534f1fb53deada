"""Filters of directories (RFC 4515), read once, with places for what a person typed.

A filter is read before anything is put into it, so what a person typed can only ever be a value: there is nothing to
escape and nothing to forget.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping
from typing import Literal

DEEPEST = 20
"""Filters in filters."""

Matching = Literal["=", ">=", "<=", "~=", ":="]
Sign = Literal["&", "|", "!"]

_SIGNS: dict[str, Sign] = {"&": "&", "|": "|", "!": "!"}
_ATTRIBUTE = re.compile(r"[A-Za-z0-9.][A-Za-z0-9.;-]*")
_ITEM = re.compile(r"(?P<attribute>[^=~<>:()*\\\s]+)(?::(?P<rule>[A-Za-z0-9.-]+))?(?P<matching>:=|~=|>=|<=|=)")
_PLACE = re.compile(r"\{([a-z]+)\}")
_ESCAPED = re.compile(r"\\([0-9A-Fa-f]{2})")


class FilterMalformed(Exception):
    """A text is no filter; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes."""

    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """That an attribute has a value. `pieces` are what stands between the asterisks of the value."""

    attribute: str
    matching: Matching
    pieces: tuple[tuple[bytes | Place, ...], ...]
    rule: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Junction:
    """Filters that hold together (`&`), of which one holds (`|`), or that does not hold (`!`)."""

    kind: Sign
    filters: tuple[Filter, ...]


Filter = Item | Junction


def read_filter(text: str, places: Collection[str]) -> Filter:
    """Return the filter that a text is.

    Args:
        text: As in RFC 4515, with places such as `{name}` in values.
        places: The names of places that there may be.

    Raises:
        FilterMalformed: It is none.
    """
    found, end = _read(text, 0, frozenset(places), 0)
    if end != len(text):
        raise FilterMalformed(f"there is more after the filter: {text[end:][:50]!r}")
    return found


def fill(item: Item, values: Mapping[str, str]) -> tuple[bytes, ...]:
    """Return what stands between the asterisks of an item's value, with its places filled."""
    return tuple(
        b"".join(values[part.name].encode() if isinstance(part, Place) else part for part in piece)
        for piece in item.pieces
    )


def _read(text: str, at: int, places: frozenset[str], depth: int) -> tuple[Filter, int]:
    if depth > DEEPEST:
        raise FilterMalformed("there are too many filters in filters")
    if text[at : at + 1] != "(":
        raise FilterMalformed(f"a filter begins with ( where {text[at : at + 20]!r} is")
    at += 1
    sign = _SIGNS.get(text[at : at + 1])
    found: Filter
    if sign is not None:
        inside, at = _read_all(text, at + 1, places, depth + 1)
        if not inside or (sign == "!" and len(inside) != 1):
            raise FilterMalformed(f"{sign} has {len(inside)} filters behind it")
        found = Junction(sign, inside)
    else:
        found, at = _read_item(text, at, places)
    if text[at : at + 1] != ")":
        raise FilterMalformed("a ) is missing")
    return found, at + 1


def _read_all(text: str, at: int, places: frozenset[str], depth: int) -> tuple[tuple[Filter, ...], int]:
    inside: list[Filter] = []
    while text[at : at + 1] == "(":
        found, at = _read(text, at, places, depth)
        inside.append(found)
    return tuple(inside), at


def _read_item(text: str, at: int, places: frozenset[str]) -> tuple[Item, int]:
    head = _ITEM.match(text, at)
    if head is None or not _ATTRIBUTE.fullmatch(head["attribute"]):
        raise FilterMalformed(f"{text[at : at + 30]!r} is not an attribute with a value")
    end = text.find(")", head.end())
    if end < 0:
        raise FilterMalformed("a ) is missing")
    matching, rule = head["matching"], head["rule"] or ""
    if rule and matching != ":=":
        raise FilterMalformed(f"the rule {rule} goes with :=")
    pieces = tuple(_read_piece(piece, places) for piece in text[head.end() : end].split("*"))
    if len(pieces) > 1 and matching != "=":
        raise FilterMalformed(f"an asterisk goes with =, not with {matching}")
    return Item(head["attribute"], _matching(matching), pieces, rule), end


def _matching(text: str) -> Matching:
    match text:
        case ">=" | "<=" | "~=" | ":=":
            return text
        case _:
            return "="


def _read_piece(text: str, places: frozenset[str]) -> tuple[bytes | Place, ...]:
    parts: list[bytes | Place] = []
    at = 0
    for place in _PLACE.finditer(text):
        if place[1] not in places:
            known = " and ".join(f"{{{name}}}" for name in sorted(places))
            raise FilterMalformed(f"{place[0]} stands for nothing; there are {known}")
        parts += [_read_literal(text[at : place.start()]), Place(place[1])]
        at = place.end()
    parts.append(_read_literal(text[at:]))
    return tuple(part for part in parts if part)


def _read_literal(text: str) -> bytes:
    if "(" in text or "\0" in text or "\\" in _ESCAPED.sub("", text):
        raise FilterMalformed(f"{text[:50]!r} has to be written with escapes such as \\28")
    parts = _ESCAPED.split(text)
    return b"".join(bytes.fromhex(part) if index % 2 else part.encode() for index, part in enumerate(parts))
