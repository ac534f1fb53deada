"""What a block holds: which of its values are secrets, which stand for other blocks, and whether they fit its schema.

Places in the data are JSON pointers (`/headers/Authorization`).
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

HIDDEN = "********"
"""What is shown in place of a secret."""

REFERENCE = "$block"
"""The one key of an object that stands for another block; its value is `<type>/<name>`."""

MOST_BYTES = 256 * 1024
"""Of a block's data as JSON."""

MOST_FAULTS = 20

_EVERY = "*"
# A schema refers to itself only; nothing is fetched.
_NO_REFERENCES: Registry[Any] = Registry()

Place = tuple[str | int, ...]


class BlockFault(Exception):
    """A block cannot be as it is given; `faults` are fields and what is wrong with them, without any values."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {description}" for field, description in faults))
        self.faults = list(faults)


@dataclasses.dataclass(frozen=True, slots=True)
class BlockTypeWish:
    """A type of blocks as a caller wants it."""

    slug: str
    name: str
    description: str
    logo_url: str
    documentation_url: str
    code_example: str
    fields: Mapping[str, Any]
    secret_fields: tuple[str, ...]
    capabilities: tuple[str, ...]
    version: str
    client_checksum: str = ""
    """The digest by which the client's code knows the schema."""

    @property
    def checksum(self) -> str:
        """The digest of the schema."""
        schema = [self.fields, self.secret_fields, self.capabilities, self.version]
        return hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()


@dataclasses.dataclass(frozen=True, slots=True)
class BlockSchemaFilter:
    """Which schemas; empty fields do not restrict."""

    schema_ids: tuple[uuid.UUID, ...] = ()
    type_slugs: tuple[str, ...] = ()
    client_checksum: str = ""
    capabilities: tuple[str, ...] = ()
    """All of these."""
    version: str = ""
    with_client_checksum: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class BlockContent:
    """A block's data, taken apart."""

    shown: Mapping[str, Any]
    """The data with `HIDDEN` in place of secrets."""
    secrets: Mapping[str, Any]
    """The secrets by place."""
    references: Mapping[str, tuple[str, str]]
    """Type and name of the blocks that are referred to, by place."""


def check_schema(fields: Mapping[str, Any]) -> None:
    """Return if a type's schema is a JSON schema.

    Raises:
        BlockFault: It is none.
    """
    try:
        Draft202012Validator.check_schema(dict(fields))
    except SchemaError as error:
        raise BlockFault([("schema.fields", f"is no JSON schema: {error.message[:200]}")]) from None


def take_apart(
    data: Mapping[str, Any], fields: Mapping[str, Any], secret_fields: Sequence[str], kept: Mapping[str, Any]
) -> BlockContent:
    """Return a block's data with its secrets apart.

    Args:
        data: As the caller gives it; a secret that reads `HIDDEN` stays as it was.
        fields: The JSON schema that it has to fit.
        secret_fields: Where the schema has secrets.
        kept: The secrets that the block has by now, by place.

    Raises:
        BlockFault: The data do not fit.
    """
    if len(json.dumps(data, ensure_ascii=False).encode()) > MOST_BYTES:
        raise BlockFault([("data", f"must not be larger than {MOST_BYTES // 1024} KiB as JSON")])
    places = sorted({place for pattern in secret_fields for place in _places(data, pattern.split("."))}, key=len)
    whole: Any = data
    secrets: dict[str, Any] = {}
    shown: Any = data
    for place in places:
        pointer = to_pointer(place)
        if any(pointer.startswith(f"{outer}/") for outer in secrets):
            continue
        value = _value(data, place)
        if value == HIDDEN:
            if pointer not in kept:
                raise BlockFault([(_field(place), f"reads {HIDDEN}, and there is no secret yet to be kept")])
            value = kept[pointer]
            whole = _replaced(whole, place, value)
        secrets[pointer] = value
        shown = _replaced(shown, place, HIDDEN)
    _check(whole, fields)
    return BlockContent(shown, secrets, dict(_references(shown, ())))


def put_together(shown: Mapping[str, Any], secrets: Mapping[str, Any]) -> dict[str, Any]:
    """Return a block's data with its secrets in their places."""
    whole: Any = dict(shown)
    for pointer, value in secrets.items():
        whole = _replaced(whole, of_pointer(pointer), value)
    found: dict[str, Any] = whole
    return found


def to_pointer(place: Place) -> str:
    """Return a place as a JSON pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)


def of_pointer(pointer: str) -> tuple[str, ...]:
    """Return the place of a JSON pointer; places in lists are texts, too."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def _places(value: Any, pattern: Sequence[str]) -> Iterator[Place]:
    if not pattern:
        # What is not there is no secret.
        if value is not None:
            yield ()
        return
    first, rest = pattern[0], pattern[1:]
    inner: Iterator[tuple[str | int, Any]] = iter(())
    if isinstance(value, Mapping):
        inner = iter(value.items()) if first == _EVERY else iter([(first, value[first])] if first in value else [])
    elif isinstance(value, list) and first == _EVERY:
        inner = iter(enumerate(value))
    for key, item in inner:
        for place in _places(item, rest):
            yield (key, *place)


def _value(data: Any, place: Place) -> Any:
    for part in place:
        data = data[int(part)] if isinstance(data, list) else data[part]
    return data


def _replaced(data: Any, place: Sequence[str | int], value: Any) -> Any:
    if not place:
        return value
    first, rest = place[0], place[1:]
    if isinstance(data, list):
        index = int(first)
        return [*data[:index], _replaced(data[index], rest, value), *data[index + 1 :]]
    return {**data, first: _replaced(data[first], rest, value)}


def _references(value: Any, place: Place) -> Iterator[tuple[str, tuple[str, str]]]:
    if isinstance(value, Mapping):
        if REFERENCE in value:
            reference = value[REFERENCE]
            parts = reference.split("/") if isinstance(reference, str) else []
            if len(value) != 1 or len(parts) != 2 or not all(parts):
                raise BlockFault([(_field(place), f'must be {{"{REFERENCE}": "<type>/<name>"}} and nothing more')])
            yield to_pointer(place), (parts[0], parts[1])
            return
        for key, item in value.items():
            yield from _references(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, (*place, index))


def _check(data: Any, fields: Mapping[str, Any]) -> None:
    try:
        errors = list(_validator(json.dumps(fields, sort_keys=True)).iter_errors(data))
    except (SchemaError, Unresolvable, RecursionError):
        raise BlockFault([("data", "cannot be checked: the schema of the type is not sound")]) from None
    if errors:
        # Nothing of the values is told: they may be secrets.
        faults = dict.fromkeys(_fault(error) for error in errors)
        raise BlockFault(list(faults)[:MOST_FAULTS])


def _fault(error: ValidationError) -> tuple[str, str]:
    place = tuple(error.absolute_path)
    match error.validator:
        case "required":
            wanted, given = error.schema, error.instance
            required = wanted.get("required", ()) if isinstance(wanted, Mapping) else ()
            missing = [name for name in required if name not in given] if isinstance(given, Mapping) else []
            return _field(place), f"lacks {', '.join(missing)}"
        case "additionalProperties":
            return _field(place), "has fields that the type does not know"
        case "type":
            return _field(place), f"must be of type {error.validator_value}"
        case _:
            return _field(place), f"does not fit the schema of the type ({error.validator})"


def _field(place: Place) -> str:
    return ".".join(("data", *map(str, place)))


@functools.lru_cache(maxsize=256)
def _validator(schema: str) -> Validator:
    document = json.loads(schema)
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document, registry=_NO_REFERENCES)
