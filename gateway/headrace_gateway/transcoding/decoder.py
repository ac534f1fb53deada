"""JSON to messages: a table of fields for each message type, made from its descriptor.

Takes what protobuf's JSON allows: fields in the contract's spelling or in lowerCamelCase, enums by name or
number, 64-bit integers as strings or numbers, null as "not given". An unknown field is an error, so that a
misspelt one is not silently without effect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf import descriptor

from headrace import errors
from headrace_gateway.transcoding import wellknown
from headrace_gateway.transcoding.scalars import Wrong, is_map, is_repeated, message_of, parser_of, text_parser_of
from headrace_gateway.transcoding.wellknown import Fill

MAX_FAULTS = 20
"""So many wrong fields are named in one answer."""

Faults = list[errors.FieldViolation]
_Set = Callable[[Any, object, str, Faults], None]
"""Takes the message, the JSON value, the field's path and where to put faults."""

_NULL_IS_A_VALUE = frozenset({"google.protobuf.Value"})


class Decoders:
    """Decoders by message type, each made when it is first asked for; not for several threads."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, _Set]] = {}

    def fill(self, message: Any, value: object) -> None:
        """Fill `message` from what orjson read.

        Raises:
            errors.InvalidArgument: It does not fit; the violations name the fields.
        """
        faults: Faults = []
        self._fill(message, value, "", faults)
        if faults:
            raise errors.InvalidArgument(violations=faults[:MAX_FAULTS])

    def fill_field(self, message: Any, field: descriptor.FieldDescriptor, value: object) -> None:
        """Fill one field of `message`, for requests whose body is a single field.

        Raises:
            errors.InvalidArgument: It does not fit; the violations name the fields.
        """
        self.fill(message, {field.name: value})

    def _table(self, described: descriptor.Descriptor) -> dict[str, _Set]:
        table = self._tables.get(described.full_name)
        if table is None:
            # Taken before it is filled: a part may contain the whole.
            table = self._tables[described.full_name] = {}
            for field in described.fields:
                setter = self._setter(field)
                table[field.name] = setter
                table[field.json_name] = setter
        return table

    def _fill(self, message: Any, value: object, path: str, faults: Faults) -> None:
        if not isinstance(value, dict):
            faults.append(errors.FieldViolation(path, "must be an object"))
            return
        table = self._table(message.DESCRIPTOR)
        for key, item in value.items():
            setter = table.get(key)
            if setter is None:
                faults.append(errors.FieldViolation(_join(path, key), "is not a field"))
            else:
                setter(message, item, _join(path, key), faults)
            if len(faults) >= MAX_FAULTS:
                return

    def _setter(self, field: descriptor.FieldDescriptor) -> _Set:
        if is_map(field):
            return self._map_setter(field)
        one = self._filler(field)
        if is_repeated(field):
            return _list_setter(field, one)
        if one is None:
            return _scalar_setter(field)
        name, oneof, fill = field.name, _real_oneof(field), one
        null_counts = message_of(field).full_name in _NULL_IS_A_VALUE

        def set_message(message: Any, value: object, path: str, faults: Faults) -> None:
            if value is None and not null_counts:
                return
            if oneof is not None and _is_taken(message, oneof, name, path, faults):
                return
            part = getattr(message, name)
            # An empty object counts as given.
            part.SetInParent()
            fill(part, value, path, faults)

        return set_message

    def _filler(self, field: descriptor.FieldDescriptor) -> _Set | None:
        """Return what fills one message of the field, None for scalars."""
        if field.message_type is None:
            return None
        known = wellknown.DECODERS.get(field.message_type.full_name)
        return self._fill if known is None else _guarded(known)

    def _map_setter(self, field: descriptor.FieldDescriptor) -> _Set:
        name = field.name
        key_parse = text_parser_of(message_of(field).fields_by_name["key"])
        value_field = message_of(field).fields_by_name["value"]
        fill = self._filler(value_field)
        parse = parser_of(value_field) if fill is None else None

        def set_map(message: Any, value: object, path: str, faults: Faults) -> None:
            if value is None:
                return
            if not isinstance(value, dict):
                faults.append(errors.FieldViolation(path, "must be an object"))
                return
            entries = getattr(message, name)
            for key, item in value.items():
                where = f"{path}[{key!r}]"
                try:
                    if fill is not None:
                        fill(entries[key_parse(key)], item, where, faults)
                    elif parse is not None:
                        entries[key_parse(key)] = parse(item)
                except Wrong as wrong:
                    faults.append(errors.FieldViolation(where, str(wrong)))

        return set_map


def _guarded(fill: Fill) -> _Set:
    def set_known(message: Any, value: object, path: str, faults: Faults) -> None:
        try:
            fill(message, value, 0)
        except Wrong as wrong:
            faults.append(errors.FieldViolation(path, str(wrong)))

    return set_known


def _scalar_setter(field: descriptor.FieldDescriptor) -> _Set:
    name, parse, oneof = field.name, parser_of(field), _real_oneof(field)

    def set_scalar(message: Any, value: object, path: str, faults: Faults) -> None:
        if value is None or (oneof is not None and _is_taken(message, oneof, name, path, faults)):
            return
        try:
            setattr(message, name, parse(value))
        except Wrong as wrong:
            faults.append(errors.FieldViolation(path, str(wrong)))

    return set_scalar


def _list_setter(field: descriptor.FieldDescriptor, fill: _Set | None) -> _Set:
    name = field.name
    parse = parser_of(field) if fill is None else None

    def set_list(message: Any, value: object, path: str, faults: Faults) -> None:
        if value is None:
            return
        if not isinstance(value, list):
            faults.append(errors.FieldViolation(path, "must be a list"))
            return
        items = getattr(message, name)
        for index, item in enumerate(value):
            where = f"{path}[{index}]"
            if fill is not None:
                fill(items.add(), item, where, faults)
            elif parse is not None:
                try:
                    items.append(parse(item))
                except Wrong as wrong:
                    faults.append(errors.FieldViolation(where, str(wrong)))
            if len(faults) >= MAX_FAULTS:
                return

    return set_list


def _real_oneof(field: descriptor.FieldDescriptor) -> str | None:
    oneof = field.containing_oneof
    # `optional` is a oneof of one field in the descriptor.
    return oneof.name if oneof is not None and len(oneof.fields) > 1 else None


def _is_taken(message: Any, oneof: str, name: str, path: str, faults: Faults) -> bool:
    other = message.WhichOneof(oneof)
    if other is None or other == name:
        return False
    faults.append(errors.FieldViolation(path, f"must not be given together with {other}"))
    return True


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


class Parameters:
    """Sets fields of one message type from the strings of a path or query, by field path (`filter.names`)."""

    def __init__(self, described: descriptor.Descriptor) -> None:
        self._described = described
        self._setters: dict[str, Callable[[Any, str], None]] = {}

    def setter(self, path: str) -> Callable[[Any, str], None]:
        """Return what sets the field at `path`; lists get one more item.

        Raises:
            errors.InvalidArgument: There is no such field, or a string cannot carry it.
        """
        found = self._setters.get(path)
        if found is None:
            # Only paths that exist are kept, and a bounded number of them: a message type may contain itself.
            found = self._make(path)
            if len(self._setters) < 512:
                self._setters[path] = found
        return found

    def field(self, path: str) -> descriptor.FieldDescriptor:
        """Return the field at `path`.

        Raises:
            errors.InvalidArgument: There is no such field.
        """
        return self._resolve(path)[1]

    def _make(self, path: str) -> Callable[[Any, str], None]:
        names, field = self._resolve(path)
        *parents, name = names
        known = None if field.message_type is None else field.message_type.full_name
        if known is not None and known not in wellknown.FROM_TEXT:
            raise errors.InvalidArgument.of_field(path, "cannot be given in the address; give it in a body")
        parse = None if known is not None else text_parser_of(field)
        fill = None if known is None else wellknown.DECODERS[known]
        many = is_repeated(field)

        def set_parameter(message: Any, text: str) -> None:
            for parent in parents:
                message = getattr(message, parent)
            try:
                if fill is not None:
                    fill(getattr(message, name).add() if many else getattr(message, name), text, 0)
                elif parse is not None and many:
                    getattr(message, name).append(parse(text))
                elif parse is not None:
                    setattr(message, name, parse(text))
            except Wrong as wrong:
                raise errors.InvalidArgument.of_field(path, str(wrong)) from None

        return set_parameter

    def _resolve(self, path: str) -> tuple[Sequence[str], descriptor.FieldDescriptor]:
        described: descriptor.Descriptor | None = self._described
        names: list[str] = []
        field: descriptor.FieldDescriptor | None = None
        for part in path.split("."):
            inside = described is not None and (field is None or not is_repeated(field))
            field = _field(described, part) if described is not None and inside else None
            if field is None:
                raise errors.InvalidArgument.of_field(path, "is not a field")
            names.append(field.name)
            described = field.message_type
            if is_map(field):
                raise errors.InvalidArgument.of_field(path, "cannot be given in the address; give it in a body")
        assert field is not None
        return names, field


def _field(described: descriptor.Descriptor, name: str) -> descriptor.FieldDescriptor | None:
    return described.fields_by_name.get(name) or described.fields_by_camelcase_name.get(name)
