"""Request bodies by tables of fields.

A table says of each field what kind of value it takes, whether it has to be there, and what stands in its place if
not. A kind is a function that returns the value as handlers want it, or raises `Wrong`. Null is the same as absent,
and what a table does not name is passed over: clients of other versions send more fields, or fewer.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import types
from collections.abc import Callable, Collection, Mapping
from typing import Any

from headrace_prefect.answers import Fault, Invalid
from headrace_prefect.routing import canonical, is_id

Kind = Callable[[Any], Any]

_SECONDS_BOUND = 3_000_000_000
_INTEGER_BOUND = 2**31
_MOST_IDENTIFIER = 36
# A year from either end of what a time can be, so that spans can be added.
_FIRST_YEAR, _LAST_YEAR = 2, 9998


class Wrong(Exception):
    """A value is not of the kind that is asked for.

    Args:
        msg: A sentence that says what is.
        word: Stable word, e.g. `string_type`.
        loc: Where inside of the value.
    """

    def __init__(self, msg: str, word: str = "value_error", loc: tuple[str | int, ...] = ()) -> None:
        super().__init__(msg)
        self.msg = msg
        self.type = word
        self.loc = loc


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One field of a body."""

    kind: Kind
    required: bool = False
    default: Any = None
    """What stands for an absent field; a function makes a new one each time."""


Fields = Mapping[str, Field]


class Body(dict[str, Any]):
    """The fields of a body, each with its value or default."""

    sent: Mapping[str, Any] = types.MappingProxyType({})
    """The body as it came."""

    @property
    def given(self) -> frozenset[str]:
        """Those that the body names, be it with null: PATCH changes no others."""
        return frozenset(self.keys() & self.sent.keys())


def parse(fields: Fields, value: Any, where: str = "body") -> Body:
    """Return a body by its table.

    Args:
        fields: The table.
        value: What came.
        where: What it is, for those who read what is wrong with it.

    Raises:
        Invalid: It does not fit; all faults are named.
    """
    try:
        return nested(fields)(value)  # type: ignore[no-any-return]
    except Wrong as wrong:
        raise invalid(wrong, where) from None


def invalid(wrong: Wrong, where: str = "body") -> Invalid:
    """Return the refusal of a request for a value that is not of its kind."""
    return Invalid(_faults(wrong, (where,)))


class _Several(Wrong):
    def __init__(self, wrongs: list[Wrong]) -> None:
        super().__init__("; ".join(wrong.msg for wrong in wrongs))
        self.wrongs = wrongs


def _faults(wrong: Wrong, loc: tuple[str | int, ...]) -> list[Fault]:
    if isinstance(wrong, _Several):
        return [fault for each in wrong.wrongs for fault in _faults(each, (*loc, *wrong.loc))]
    return [Fault((*loc, *wrong.loc), wrong.msg, wrong.type)]


def _at(wrong: Wrong, place: str | int) -> Wrong:
    wrong.loc = (place, *wrong.loc)
    return wrong


def nested(fields: Fields) -> Kind:
    """Return the kind of an object with a table of its own; its values are `Body`."""

    # Clients send most fields as null, and lines of logs by the thousand: what is absent costs nothing here.
    absent = {name: None if callable(field.default) else field.default for name, field in fields.items()}
    made = [(name, field.default) for name, field in fields.items() if callable(field.default)]
    required = [name for name, field in fields.items() if field.required]
    kinds = {name: field.kind for name, field in fields.items()}

    def read(value: Any) -> Body:
        if not isinstance(value, dict):
            raise Wrong("Input should be a valid dictionary or object to extract fields from", "model_attributes_type")
        body = Body(absent)
        body.sent = value
        wrongs: list[Wrong] = []
        for name, item in value.items():
            if item is not None and (kind := kinds.get(name)) is not None:
                try:
                    body[name] = kind(item)
                except Wrong as wrong:
                    wrongs.append(_at(wrong, name))
        for name in required:
            if value.get(name) is None:
                wrongs.append(Wrong("Field required", "missing", (name,)))
        for name, make in made:
            if value.get(name) is None:
                body[name] = make()
        if wrongs:
            raise _Several(wrongs)
        return body

    return read


def list_of(kind: Kind, most: int | None = None) -> Kind:
    """Return the kind of a list of values of one kind."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise Wrong("Input should be a valid list", "list_type")
        if most is not None and len(value) > most:
            raise Wrong(f"List should have at most {most} items after validation, not {len(value)}", "too_long")
        items: list[Any] = []
        wrongs: list[Wrong] = []
        for place, item in enumerate(value):
            try:
                items.append(kind(item))
            except Wrong as wrong:
                wrongs.append(_at(wrong, place))
        if wrongs:
            raise _Several(wrongs)
        return items

    return read


def one_of(words: Collection[str]) -> Kind:
    """Return the kind of one of some words."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise Wrong(f"Input should be {' or '.join(repr(word) for word in sorted(words))}", "enum")
        return value

    return read


def one_kind_of(*kinds: Kind) -> Kind:
    """Return the kind of a value that one of some kinds takes, the first that does."""

    def read(value: Any) -> Any:
        last = Wrong("no kind fits")
        for kind in kinds:
            try:
                return kind(value)
            except Wrong as wrong:
                last = wrong
        raise last

    return read


def string(value: Any) -> str:
    """Take a string."""
    if not isinstance(value, str):
        raise Wrong("Input should be a valid string", "string_type")
    return value


def name(value: Any) -> str:
    """Take a name: neither empty nor with characters that have a meaning in addresses."""
    text = string(value)
    if not text:
        raise Wrong("String should have at least 1 character", "string_too_short")
    if any(character in text for character in "/%&><"):
        raise Wrong("name contains an invalid character. Must not contain any of: /, %, &, >, <")
    return text


def integer(value: Any) -> int:
    """Take a whole number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Wrong("Input should be a valid integer", "int_type")
    try:
        number = int(value)
    except (ValueError, OverflowError):
        raise Wrong("Input should be a valid integer, unable to parse string as an integer", "int_parsing") from None
    if isinstance(value, float) and number != value:
        raise Wrong("Input should be a valid integer, got a number with a fractional part", "int_from_float")
    if not -_INTEGER_BOUND <= number < _INTEGER_BOUND:
        raise Wrong("Input should be an integer of 32 bits", "int_parsing_size")
    return number


def at_least(least: int) -> Kind:
    """Return the kind of a whole number from `least` on."""

    def read(value: Any) -> int:
        number = integer(value)
        if number < least:
            raise Wrong(f"Input should be greater than or equal to {least}", "greater_than_equal")
        return number

    return read


def within(least: int, most: int) -> Kind:
    """Return the kind of a whole number from `least` to `most`."""
    low = at_least(least)

    def read(value: Any) -> int:
        number = int(low(value))
        if number > most:
            raise Wrong(f"Input should be less than or equal to {most}", "less_than_equal")
        return number

    return read


def number(value: Any) -> float:
    """Take a number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Wrong("Input should be a valid number", "float_type")
    try:
        return float(value)
    except ValueError:
        raise Wrong("Input should be a valid number, unable to parse string as a number", "float_parsing") from None


def seconds(value: Any) -> float:
    """Take a span of time in seconds."""
    span = number(value)
    if not -_SECONDS_BOUND <= span <= _SECONDS_BOUND:
        raise Wrong("Input should be a span of time of some years at most", "time_delta_parsing")
    return span


def boolean(value: Any) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise Wrong("Input should be a valid boolean", "bool_type")
    return value


def identifier(value: Any) -> str:
    """Take an id; it is returned in lower case with hyphens."""
    # Only what can be one is kept in mind.
    found = _canonical(value) if isinstance(value, str) and len(value) <= _MOST_IDENTIFIER else None
    if found is None:
        raise Wrong("Input should be a valid UUID", "uuid_parsing")
    return found


@functools.lru_cache(maxsize=4_096)
def _canonical(text: str) -> str | None:
    # Lines of logs and states name the same few runs over and over.
    return canonical(text) if is_id(text) else None


def moment(value: Any) -> datetime.datetime:
    """Take a time in RFC 3339; one without an offset is in UTC."""
    if not isinstance(value, str):
        raise Wrong("Input should be a valid datetime", "datetime_type")
    try:
        parsed = datetime.datetime.fromisoformat(value)
    except ValueError:
        raise Wrong("Input should be a valid datetime", "datetime_from_date_parsing") from None
    if not _FIRST_YEAR <= parsed.year <= _LAST_YEAR:
        raise Wrong(f"Input should be a datetime in the years {_FIRST_YEAR} to {_LAST_YEAR}", "datetime_parsing")
    if parsed.tzinfo is datetime.UTC:
        return parsed
    return parsed.replace(tzinfo=datetime.UTC) if parsed.tzinfo is None else parsed.astimezone(datetime.UTC)


def json_object(value: Any) -> dict[str, Any]:
    """Take an object of any JSON values."""
    if not isinstance(value, dict):
        raise Wrong("Input should be a valid dictionary", "dict_type")
    return value


def anything(value: Any) -> Any:
    """Take any JSON value."""
    return value


strings = list_of(string)
identifiers = list_of(identifier)
