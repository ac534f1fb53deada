"""JSON schemas of messages, as their JSON form is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor

from headrace_gateway.transcoding.scalars import enum_of, is_map, is_repeated, message_of

_Field = descriptor.FieldDescriptor

_KNOWN: dict[str, dict[str, Any]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {
        "type": "string",
        "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$",
        "examples": ["1.5s"],
    },
    "google.protobuf.FieldMask": {"type": "string", "examples": ["name,tags"]},
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
    "google.protobuf.Value": {},
    "google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string"}},
        "required": ["@type"],
        "additionalProperties": True,
    },
}

_SCALARS: dict[int, dict[str, Any]] = {
    _Field.TYPE_STRING: {"type": "string"},
    _Field.TYPE_BOOL: {"type": "boolean"},
    _Field.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    _Field.TYPE_DOUBLE: {"type": "number", "format": "double"},
    _Field.TYPE_FLOAT: {"type": "number", "format": "float"},
    _Field.TYPE_INT32: {"type": "integer", "format": "int32"},
    _Field.TYPE_SINT32: {"type": "integer", "format": "int32"},
    _Field.TYPE_SFIXED32: {"type": "integer", "format": "int32"},
    _Field.TYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    _Field.TYPE_FIXED32: {"type": "integer", "format": "int64", "minimum": 0},
}
_AS_TEXT = {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}


def reference(full_name: str) -> dict[str, Any]:
    """Return a reference to the schema of a message or enum."""
    return {"$ref": f"#/components/schemas/{_short(full_name)}"}


class Schemas:
    """Schemas of messages and enums, each made once.

    Args:
        comments: What the contract says about things, by full name.
    """

    def __init__(self, comments: Mapping[str, str]) -> None:
        self._comments = comments
        self.made: dict[str, dict[str, Any]] = {}
        """Schemas by the name in the document."""

    def of(self, described: descriptor.Descriptor) -> dict[str, Any]:
        """Return the schema of a message, a reference where the type is the contract's own."""
        known = _KNOWN.get(described.full_name)
        if known is not None:
            return dict(known)
        name = _short(described.full_name)
        if name not in self.made:
            # Taken before it is filled: a message may contain itself.
            self.made[name] = {}
            self.made[name] = self._message(described)
        return reference(described.full_name)

    def of_value(self, field: descriptor.FieldDescriptor) -> dict[str, Any]:
        """Return the schema of one value of a field."""
        if field.message_type is not None:
            return self.of(field.message_type)
        if field.type == _Field.TYPE_ENUM:
            return self._enum(enum_of(field))
        return dict(_SCALARS.get(field.type, _AS_TEXT))

    def _message(self, described: descriptor.Descriptor) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "object"}
        if comment := self._comments.get(described.full_name):
            schema["description"] = comment
        schema["properties"] = {field.name: self._property(field) for field in described.fields}
        choices = [oneof for oneof in described.oneofs if len(oneof.fields) > 1]
        if choices:
            names = "; ".join(", ".join(field.name for field in oneof.fields) for oneof in choices)
            schema["description"] = f"{schema.get('description', '')}\n\nOne at most of: {names}.".strip()
        return schema

    def _property(self, field: descriptor.FieldDescriptor) -> dict[str, Any]:
        if is_map(field):
            value = self.of_value(message_of(field).fields_by_name["value"])
            schema: dict[str, Any] = {"type": "object", "additionalProperties": value}
        elif is_repeated(field):
            schema = {"type": "array", "items": self.of_value(field)}
        else:
            schema = self.of_value(field)
        comment = self._comments.get(field.full_name)
        return {**schema, "description": comment} if comment else schema

    def _enum(self, enum: descriptor.EnumDescriptor) -> dict[str, Any]:
        name = _short(enum.full_name)
        if name not in self.made:
            said = [self._comments.get(enum.full_name, "")]
            said += [
                f"- `{value.name}`: {comment}"
                for value in enum.values
                if (comment := self._comments.get(f"{enum.full_name}.{value.name}"))
            ]
            self.made[name] = {
                "type": "string",
                "enum": [value.name for value in enum.values],
                "description": "\n".join(filter(None, said)),
            }
        return reference(enum.full_name)


def _short(full_name: str) -> str:
    return full_name.removeprefix("headrace.api.v1.")
