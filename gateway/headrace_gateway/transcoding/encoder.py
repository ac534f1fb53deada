"""Messages to JSON: one function for each message type, made from its descriptor.

The form is protobuf's JSON with field names as the contract spells them and with all fields that have no
presence, as `json_format.MessageToDict` and Envoy's transcoder print it. Each function is made as source text,
because straight-line code is several times faster than a loop over fields.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from typing import Any

from google.protobuf import any_pb2, descriptor, descriptor_pool, message, message_factory

from headrace_gateway.transcoding import wellknown
from headrace_gateway.transcoding.scalars import (
    encode_bytes,
    encode_float,
    encode_number,
    enum_of,
    is_map,
    is_repeated,
    message_of,
)
from headrace_gateway.transcoding.wellknown import Encode

_Field = descriptor.FieldDescriptor
_AS_TEXT = frozenset(
    {_Field.TYPE_INT64, _Field.TYPE_UINT64, _Field.TYPE_SINT64, _Field.TYPE_FIXED64, _Field.TYPE_SFIXED64}
)
_WRAPPERS = frozenset(
    f"google.protobuf.{kind}Value"
    for kind in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)


class Encoders:
    """Encoders by message type, each made when it is first asked for; not for several threads."""

    def __init__(self) -> None:
        self._made: dict[str, Encode] = {**wellknown.ENCODERS, "google.protobuf.Any": self._encode_any}
        # Functions find each other here, so that a message type may contain itself.
        self._namespace: dict[str, Any] = {
            "encode_number": encode_number,
            "encode_float": encode_float,
            "encode_bytes": encode_bytes,
        }
        for name, encode in self._made.items():
            self._namespace[_function_name(name)] = encode

    def of(self, described: descriptor.Descriptor) -> Encode:
        """Return the function that takes a message of the type and returns what orjson writes."""
        made = self._made.get(described.full_name)
        return made if made is not None else self._make(described)

    def _make(self, described: descriptor.Descriptor) -> Encode:
        name = _function_name(described.full_name)
        # Taken before the parts are made: a part may contain the whole.
        self._made[described.full_name] = lambda value: self._namespace[name](value)
        lines = list(self._lines(described))
        source = "\n".join((f"def {name}(m):", *(f"    {line}" for line in lines)))
        code = compile(source, f"<encoder of {described.full_name}>", "exec")
        exec(code, self._namespace)  # nosec B102  # made of names of the contract
        made: Encode = self._namespace[name]
        self._made[described.full_name] = made
        return made

    def _lines(self, described: descriptor.Descriptor) -> Iterator[str]:
        if described.full_name in _WRAPPERS:
            yield f"return {self._value(described.fields_by_name['value'], 'm.value')}"
            return
        yield "r = {}"
        for field in described.fields:
            read = f"getattr(m, {field.name!r})" if keyword.iskeyword(field.name) else f"m.{field.name}"
            target = f"r[{field.name!r}]"
            if is_map(field):
                key, value = (message_of(field).fields_by_name[part] for part in ("key", "value"))
                # Most maps are empty, which is told in a fraction of the time that going through them takes.
                filled = f"{{{_map_key(key)}: {self._value(value, 'v')} for k, v in {read}.items()}}"
                yield f"{target} = {filled} if {read} else {{}}"
            elif is_repeated(field):
                one = self._value(field, "v")
                yield f"{target} = list({read})" if one == "v" else f"{target} = [{one} for v in {read}]"
            elif field.has_presence:
                yield f"if m.HasField({field.name!r}): {target} = {self._value(field, read)}"
            else:
                yield f"{target} = {self._value(field, read)}"
        yield "return r"

    def _value(self, field: descriptor.FieldDescriptor, read: str) -> str:
        """Return the expression for one value of `field` that is read by the expression `read`."""
        if field.message_type is not None:
            self.of(field.message_type)
            return f"{_function_name(field.message_type.full_name)}({read})"
        if field.type == _Field.TYPE_ENUM:
            return self._enum_value(enum_of(field), read)
        if field.type in _AS_TEXT:
            return f"str({read})"
        if field.type == _Field.TYPE_DOUBLE:
            return f"encode_number({read})"
        if field.type == _Field.TYPE_FLOAT:
            return f"encode_float({read})"
        if field.type == _Field.TYPE_BYTES:
            return f"encode_bytes({read})"
        return read

    def _enum_value(self, enum: descriptor.EnumDescriptor, read: str) -> str:
        if enum.full_name == "google.protobuf.NullValue":
            return "None"
        table = "names_of_" + enum.full_name.replace(".", "_")
        # The first name of a number is its name; further ones are aliases.
        self._namespace[table] = {value.number: value.name for value in reversed(list(enum.values))}
        # Evaluated twice only for a value that this version does not know.
        return f"{table}.get({read}, {read})"

    def _encode_any(self, packed: Any) -> dict[str, object]:
        """Return a packed message with its type; of one that this version does not know, the type alone."""
        name = packed.TypeName()
        content = unpack(packed)
        if content is None:
            return {"@type": packed.type_url}
        encoded = self.of(descriptor_pool.Default().FindMessageTypeByName(name))(content)
        if name in wellknown.ENCODERS or name in _WRAPPERS or not isinstance(encoded, dict):
            return {"@type": packed.type_url, "value": encoded}
        return {"@type": packed.type_url, **encoded}


def unpack(packed: any_pb2.Any) -> message.Message | None:
    """Return the message in `packed`, None if its type is not known or it cannot be read."""
    try:
        described = descriptor_pool.Default().FindMessageTypeByName(packed.TypeName())
        return message_factory.GetMessageClass(described).FromString(packed.value)
    except (KeyError, message.DecodeError):
        return None


def _map_key(key: descriptor.FieldDescriptor) -> str:
    if key.type == _Field.TYPE_STRING:
        return "k"
    return "'true' if k else 'false'" if key.type == _Field.TYPE_BOOL else "str(k)"


def _function_name(full_name: str) -> str:
    return "encode_" + full_name.replace(".", "_")
