"""Random messages of any type, for properties that must hold for all of them."""

from __future__ import annotations

import random
from typing import Any

from google.protobuf import descriptor, message_factory

from headrace_gateway.transcoding.scalars import is_repeated

_Field = descriptor.FieldDescriptor
_TEXTS = ("", "a", "näch­ste Zeile\n\t", '"quoted" \\ </script>', "日本語 🙂", "0", "x" * 300)
_DOUBLES = (0.0, 1.0, -1.5, 0.1, 1e300, 5e-324, 2.0**53, 123456789.25, float("inf"), float("-inf"))
_UNSIGNED = frozenset({_Field.TYPE_UINT32, _Field.TYPE_FIXED32, _Field.TYPE_UINT64, _Field.TYPE_FIXED64})
_WIDE = frozenset(
    {_Field.TYPE_INT64, _Field.TYPE_UINT64, _Field.TYPE_SINT64, _Field.TYPE_FIXED64, _Field.TYPE_SFIXED64}
)


def random_message(described: descriptor.Descriptor, chance: random.Random, depth: int = 4) -> Any:
    """Return a message of the type with about half of its fields set to interesting values.

    Args:
        described: The type.
        chance: Where chance comes from; the same seed gives the same message.
        depth: So many messages are put into each other.
    """
    message = message_factory.GetMessageClass(described)()
    _fill(message, chance, depth)
    return message


def _fill(message: Any, chance: random.Random, depth: int) -> None:
    name = message.DESCRIPTOR.full_name
    if name == "google.protobuf.Timestamp":
        message.seconds = chance.choice((0, 1, -1, 1_763_000_000, -62_135_596_800, 253_402_300_799))
        message.nanos = _nanos(chance)
    elif name == "google.protobuf.Duration":
        message.seconds = chance.choice((0, 1, 90, -90, 315_576_000_000))
        message.nanos = _nanos(chance) * (-1 if message.seconds < 0 else 1)
    elif name == "google.protobuf.FieldMask":
        message.paths.extend(chance.sample(["name", "retry_policy.delay_seconds", "tags", "content.work_pool_name"], 2))
    elif name == "google.protobuf.Struct":
        for key in chance.sample(_TEXTS, chance.randrange(4)):
            _fill_value(message.fields[key], chance, depth - 1)
    elif name == "google.protobuf.ListValue":
        for _ in range(chance.randrange(3)):
            _fill_value(message.values.add(), chance, depth - 1)
    elif name == "google.protobuf.Value":
        _fill_value(message, chance, depth - 1)
    else:
        for field in message.DESCRIPTOR.fields:
            if chance.random() < 0.6:
                _fill_field(message, field, chance, depth)


def _fill_field(message: Any, field: descriptor.FieldDescriptor, chance: random.Random, depth: int) -> None:
    value = getattr(message, field.name)
    if field.message_type is None:
        if is_repeated(field):
            value.extend(_scalar(field, chance) for _ in range(chance.randrange(4)))
        else:
            setattr(message, field.name, _scalar(field, chance))
    elif field.message_type.GetOptions().map_entry:
        key, item = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        for _ in range(chance.randrange(3)):
            if item.message_type is None:
                value[_scalar(key, chance)] = _scalar(item, chance)
            elif depth > 0:
                _fill(value[_scalar(key, chance)], chance, depth - 1)
    elif depth > 0:
        if is_repeated(field):
            for _ in range(chance.randrange(3)):
                _fill(value.add(), chance, depth - 1)
        else:
            value.SetInParent()
            _fill(value, chance, depth - 1)


def _fill_value(value: Any, chance: random.Random, depth: int) -> None:
    match chance.randrange(6 if depth > 0 else 4):
        case 0:
            value.string_value = chance.choice(_TEXTS)
        case 1:
            value.number_value = chance.choice(_DOUBLES[:-2])
        case 2:
            value.bool_value = chance.random() < 0.5
        case 3:
            value.null_value = 0
        case 4:
            value.struct_value.SetInParent()
            _fill(value.struct_value, chance, depth - 1)
        case _:
            value.list_value.SetInParent()
            _fill(value.list_value, chance, depth - 1)


def _nanos(chance: random.Random) -> int:
    return chance.choice((0, 1, 1_000, 120_000_000, 999_999_999))


def _scalar(field: descriptor.FieldDescriptor, chance: random.Random) -> Any:
    if field.type == _Field.TYPE_STRING:
        return chance.choice(_TEXTS)
    if field.type == _Field.TYPE_BYTES:
        return chance.randbytes(chance.randrange(6))
    if field.type == _Field.TYPE_BOOL:
        return chance.random() < 0.5
    if field.type in (_Field.TYPE_DOUBLE, _Field.TYPE_FLOAT):
        return chance.choice(_DOUBLES[:4] if field.type == _Field.TYPE_FLOAT else _DOUBLES)
    if field.type == _Field.TYPE_ENUM:
        assert field.enum_type is not None
        return chance.choice(field.enum_type.values).number
    bits = 64 if field.type in _WIDE else 32
    if field.type in _UNSIGNED:
        return chance.choice((0, 1, 2**bits - 1))
    return chance.choice((0, 1, -1, 2 ** (bits - 1) - 1, -(2 ** (bits - 1))))
