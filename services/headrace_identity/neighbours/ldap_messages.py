"""The few messages of LDAP (RFC 4511) that signing in takes, to bytes and back (BER, definite lengths)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from headrace_identity.rules import ldap_filter
from headrace_identity.rules.ldap_filter import Filter, Item

START_TLS = b"1.3.6.1.4.1.1466.20037"

BIND_RESPONSE = 0x61
SEARCH_ENTRY = 0x64
SEARCH_DONE = 0x65
SEARCH_REFERENCE = 0x73
EXTENDED_RESPONSE = 0x78

_INTEGER, _TEXT, _ENUMERATED, _SEQUENCE, _SET = 0x02, 0x04, 0x0A, 0x30, 0x31
_UNBIND = 0x42
_WHOLE_SUBTREE, _NEVER_DEREFERENCE = 2, 0
_JUNCTIONS = {"&": 0xA0, "|": 0xA1, "!": 0xA2}
_COMPARISONS = {"=": 0xA3, ">=": 0xA5, "<=": 0xA6, "~=": 0xA8}
_SUBSTRINGS, _PRESENT, _EXTENSIBLE = 0xA4, 0x87, 0xA9
_INITIAL, _ANY, _FINAL = 0x80, 0x81, 0x82
_RULE, _TYPE, _VALUE = 0x81, 0x82, 0x83
_LONGEST_LENGTH = 4


class Malformed(Exception):
    """Bytes are no message."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """An entry that was found, its attributes by their names in small letters."""

    dn: str
    attributes: Mapping[str, tuple[bytes, ...]]


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """How an operation ended."""

    code: int
    message: str


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """An answer."""

    message_id: int
    kind: int
    content: bytes


def bind(message_id: int, dn: str, password: str) -> bytes:
    """Return the request to be taken for an entry (simple bind)."""
    content = _integer(3) + _tlv(_TEXT, dn.encode()) + _tlv(0x80, password.encode())
    return _message(message_id, _tlv(0x60, content))


def unbind(message_id: int) -> bytes:
    """Return the goodbye."""
    return _message(message_id, _tlv(_UNBIND, b""))


def start_tls(message_id: int) -> bytes:
    """Return the request to go on with TLS."""
    return _message(message_id, _tlv(0x77, _tlv(0x80, START_TLS)))


def search(
    message_id: int,
    base: str,
    condition: Filter,
    values: Mapping[str, str],
    attributes: Sequence[str],
    *,
    size_limit: int,
    time_limit_seconds: int,
) -> bytes:
    """Return the request for entries below one, whole subtree, aliases as they are.

    Args:
        message_id: Names the request in answers.
        base: The entry below which to search.
        condition: What entries have to fulfil.
        values: What goes into the condition's places.
        attributes: Which ones to return.
        size_limit: So many entries at most.
        time_limit_seconds: So long at most.
    """
    content = (
        _tlv(_TEXT, base.encode())
        + _integer(_WHOLE_SUBTREE, _ENUMERATED)
        + _integer(_NEVER_DEREFERENCE, _ENUMERATED)
        + _integer(size_limit)
        + _integer(time_limit_seconds)
        + b"\x01\x01\x00"
        + _filter(condition, values)
        + _tlv(_SEQUENCE, b"".join(_tlv(_TEXT, name.encode()) for name in attributes))
    )
    return _message(message_id, _tlv(0x63, content))


def length_of(head: bytes) -> tuple[int, int]:
    """Return how many bytes of length follow the first two bytes of a message, and its length if none do.

    Raises:
        Malformed: It is no message.
    """
    if len(head) != 2 or head[0] != _SEQUENCE or head[1] == 0x80 or head[1] > 0x80 + _LONGEST_LENGTH:
        raise Malformed
    return (head[1] & 0x7F, 0) if head[1] > 0x80 else (0, head[1])


def read_message(content: bytes) -> Message:
    """Return the answer in the content of a message.

    Raises:
        Malformed: There is none.
    """
    parts = list(_parts(content))
    if len(parts) < 2 or parts[0][0] != _INTEGER:
        raise Malformed
    return Message(int.from_bytes(parts[0][1], signed=True), *parts[1])


def read_result(content: bytes) -> Result:
    """Return how an operation ended.

    Raises:
        Malformed: The content does not say so.
    """
    parts = list(_parts(content))
    if len(parts) < 3 or parts[0][0] != _ENUMERATED:
        raise Malformed
    return Result(int.from_bytes(parts[0][1], signed=True), parts[2][1].decode(errors="replace"))


def read_entry(content: bytes) -> Entry:
    """Return an entry.

    Raises:
        Malformed: There is none.
    """
    parts = list(_parts(content))
    if len(parts) != 2 or parts[0][0] != _TEXT or parts[1][0] != _SEQUENCE:
        raise Malformed
    attributes: dict[str, tuple[bytes, ...]] = {}
    for _, attribute in _parts(parts[1][1]):
        pair = list(_parts(attribute))
        if len(pair) != 2 or pair[0][0] != _TEXT or pair[1][0] != _SET:
            raise Malformed
        attributes[_text(pair[0][1]).lower()] = tuple(value for _, value in _parts(pair[1][1]))
    return Entry(_text(parts[0][1]), attributes)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Malformed from None


def _message(message_id: int, operation: bytes) -> bytes:
    return _tlv(_SEQUENCE, _integer(message_id) + operation)


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


def _integer(value: int, tag: int = _INTEGER) -> bytes:
    return _tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, signed=True))


def _filter(condition: Filter, values: Mapping[str, str]) -> bytes:
    if isinstance(condition, Item):
        return _item(condition, values)
    return _tlv(_JUNCTIONS[condition.kind], b"".join(_filter(each, values) for each in condition.filters))


def _item(item: Item, values: Mapping[str, str]) -> bytes:
    attribute = item.attribute.encode()
    pieces = ldap_filter.fill(item, values)
    if item.matching == ":=":
        rule = _tlv(_RULE, item.rule.encode()) if item.rule else b""
        return _tlv(_EXTENSIBLE, rule + _tlv(_TYPE, attribute) + _tlv(_VALUE, pieces[0]))
    if len(pieces) == 1:
        return _tlv(_COMPARISONS[item.matching], _tlv(_TEXT, attribute) + _tlv(_TEXT, pieces[0]))
    if not any(item.pieces):
        return _tlv(_PRESENT, attribute)
    first, *between, last = pieces
    parts = [_tlv(_INITIAL, first)] if first else []
    parts += [_tlv(_ANY, piece) for piece in between if piece]
    parts += [_tlv(_FINAL, last)] if last else []
    return _tlv(_SUBSTRINGS, _tlv(_TEXT, attribute) + _tlv(_SEQUENCE, b"".join(parts)))


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise Malformed
        tag, size = data[at], data[at + 1]
        at += 2
        if size >= 0x80:
            count = size & 0x7F
            if not 0 < count <= _LONGEST_LENGTH or at + count > len(data):
                raise Malformed
            size = int.from_bytes(data[at : at + count])
            at += count
        if at + size > len(data):
            raise Malformed
        yield tag, data[at : at + size]
        at += size
