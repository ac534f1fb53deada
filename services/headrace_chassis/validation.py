"""Requests against the rules in the contract, compiled once into plain functions.

The rules (`buf.validate`) stand in the protos and so in the descriptor set that ships with the SDK; the
generated code has none of them. A check costs a few microseconds for a small message. Rules that are
not known here are refused when a check is made, so that none is passed over in silence.
"""

from __future__ import annotations

import dataclasses
import importlib.resources
from collections.abc import Callable
from typing import Any, TypeAlias

from google.protobuf import descriptor, descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from headrace import errors
from headrace.errors import FieldViolation
from headrace_chassis.validation_rules import WRAPPERS, Test, UnknownRule, is_map, is_repeated, rule_tests

Check: TypeAlias = Callable[[Any], None]
"""Returns if a message is right and raises `errors.InvalidArgument` with all that is wrong if not."""

VIOLATION_LIMIT = 20
"""Most violations that one answer lists."""

_Found: TypeAlias = list[FieldViolation]
_Part: TypeAlias = Callable[[Any, str, _Found], None]
"""Checks a part of a message: (message, path of the message with a trailing dot, violations to add to)."""

_IGNORE_IF_ZERO_VALUE = 1
_IGNORE_ALWAYS = 3

# Message types whose rules look at the message itself as a value.
_VALUES = {"google.protobuf.Duration", "google.protobuf.Timestamp", "google.protobuf.Any"}


@dataclasses.dataclass(slots=True)
class _Node:
    """The compiled rules of one message type; a type may contain itself."""

    parts: list[_Part] = dataclasses.field(default_factory=list)
    """Rules of the message's own fields, and ways into messages inside of it that have rules."""
    ways: list[tuple[_Part, _Node]] = dataclasses.field(default_factory=list)
    """Ways into messages inside, until `_settle` has found out which of them have rules."""

    def run(self, message: Any, path: str, found: _Found) -> None:
        for part in self.parts:
            part(message, path, found)


class Validator:
    """Makes checks of message types from a descriptor set.

    Args:
        descriptor_set: A serialized `FileDescriptorSet` with the rules; by default that of the SDK.
    """

    def __init__(self, descriptor_set: bytes | None = None) -> None:
        if descriptor_set is None:
            descriptor_set = importlib.resources.files("headrace.api").joinpath("descriptors.binpb").read_bytes()
        self._pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(descriptor_set).file:
            self._pool.Add(file)
        self._field_rules = _Rules(self._pool, "FieldOptions", "buf.validate.field")
        self._message_rules = _Rules(self._pool, "MessageOptions", "buf.validate.message")
        self._oneof_rules = _Rules(self._pool, "OneofOptions", "buf.validate.oneof")
        self._nodes: dict[str, _Node] = {}

    def check_of(self, message_type: str) -> Check | None:
        """Return the check of a message type by full name, None if it and all it contains have no rules.

        Raises:
            KeyError: The descriptor set has no such type.
            UnknownRule: The contract uses a rule that is not known here.
        """
        kind = self._pool.FindMessageTypeByName(message_type)
        try:
            node = self._compile(kind)
            self._settle()
        except BaseException:
            # What is half compiled would let things pass.
            self._nodes.clear()
            raise
        if not node.parts:
            return None

        def check(message: Any) -> None:
            found: _Found = []
            node.run(message, "", found)
            if found:
                raise errors.InvalidArgument(violations=found[:VIOLATION_LIMIT])

        return check

    def _compile(self, kind: descriptor.Descriptor) -> _Node:
        node = self._nodes.get(kind.full_name)
        if node is not None:
            return node
        node = self._nodes[kind.full_name] = _Node()
        rules = self._message_rules.of(kind)
        if rules is not None:
            if rules.cel:
                raise UnknownRule(f"{kind.full_name}: CEL rules are not supported")
            node.parts.extend(_at_most_one(list(rule.fields), rule.required, kind) for rule in rules.oneof)
        for oneof in kind.oneofs:
            rules = self._oneof_rules.of(oneof)
            if rules is not None and rules.required:
                node.parts.append(_one_of(oneof.name))
        for field in kind.fields:
            node.parts.extend(self._parts_of_field(field, node))
        return node

    def _parts_of_field(self, field: descriptor.FieldDescriptor, node: _Node) -> list[_Part]:
        rules = self._field_rules.of(field)
        if rules is not None and rules.ignore == _IGNORE_ALWAYS:
            return []
        try:
            if is_map(field):
                return self._parts_of_map(field, rules, node)
            if is_repeated(field):
                return self._parts_of_list(field, rules, node)
            return self._parts_of_single(field, rules, node)
        except UnknownRule as error:
            raise UnknownRule(f"{field.full_name}: {error}") from None

    def _parts_of_single(self, field: descriptor.FieldDescriptor, rules: Any, node: _Node) -> list[_Part]:
        parts: list[_Part] = []
        name = field.name
        # Where it shows whether a field was set, a zero that was set is meant.
        skip_zero = rules is not None and rules.ignore == _IGNORE_IF_ZERO_VALUE and not field.has_presence
        if rules is not None and rules.required:
            parts.append(_required(name, field.has_presence))
        tests = rule_tests(rules, field) if rules is not None else ()
        if field.message_type is None:
            if tests:
                parts.append(_scalar(name, tests, present_only=field.has_presence, skip_zero=skip_zero))
        elif field.message_type.full_name in WRAPPERS:
            if tests:
                parts.append(_wrapper(name, tests))
        elif field.message_type.full_name in _VALUES:
            if tests:
                parts.append(_scalar(name, tests, present_only=True, skip_zero=False))
        else:
            self._nested(field.message_type, node, lambda child: _message(name, child))
        return parts

    def _parts_of_list(self, field: descriptor.FieldDescriptor, rules: Any, node: _Node) -> list[_Part]:
        parts: list[_Part] = []
        name = field.name
        item_rules = None
        if rules is not None:
            if rules.required:
                parts.append(_not_empty(name))
            skip_empty = rules.ignore == _IGNORE_IF_ZERO_VALUE
            tests = rule_tests(rules, field)
            if tests:
                parts.append(_scalar(name, tests, present_only=False, skip_zero=skip_empty))
            item_rules = rules.repeated.items if rules.repeated.HasField("items") else None
        if item_rules is not None and item_rules.ignore == _IGNORE_ALWAYS:
            return parts
        if item_rules is not None:
            item_tests = rule_tests(item_rules, field, of_item=True)
            if item_tests:
                parts.append(_items(name, item_tests, skip_zero=item_rules.ignore == _IGNORE_IF_ZERO_VALUE))
        self._nested(field.message_type, node, lambda child: _messages(name, child))
        return parts

    def _parts_of_map(self, field: descriptor.FieldDescriptor, rules: Any, node: _Node) -> list[_Part]:
        parts: list[_Part] = []
        name = field.name
        assert field.message_type is not None
        key, value = (field.message_type.fields_by_name[part] for part in ("key", "value"))
        if rules is not None:
            if rules.required:
                parts.append(_not_empty(name))
            tests = rule_tests(rules, field)
            if tests:
                parts.append(_scalar(name, tests, present_only=False, skip_zero=rules.ignore == _IGNORE_IF_ZERO_VALUE))
            key_tests = rule_tests(rules.map.keys, key, of_item=True) if rules.map.HasField("keys") else ()
            value_tests = rule_tests(rules.map.values, value, of_item=True) if rules.map.HasField("values") else ()
            if key_tests or value_tests:
                parts.append(_pairs(name, key_tests, value_tests))
        self._nested(value.message_type, node, lambda child: _message_values(name, child))
        return parts

    def _nested(self, kind: descriptor.Descriptor | None, node: _Node, make: Callable[[_Node], _Part]) -> None:
        if kind is None or kind.full_name in WRAPPERS or kind.full_name in _VALUES:
            return
        child = self._compile(kind)
        node.ways.append((make(child), child))

    def _settle(self) -> None:
        # A way is kept once rules are found at its end; types may contain each other in circles, so this goes
        # on until nothing is found any more, and what is left then leads nowhere.
        nodes = list(self._nodes.values())
        found = True
        while found:
            found = False
            for node in nodes:
                for way in [way for way in node.ways if way[1].parts]:
                    node.parts.append(way[0])
                    node.ways.remove(way)
                    found = True
        for node in nodes:
            node.ways.clear()


class _Rules:
    """Reads one extension of the options of descriptors."""

    def __init__(self, pool: descriptor_pool.DescriptorPool, options: str, extension: str) -> None:
        self._extension: Any = None
        try:
            self._extension = pool.FindExtensionByName(extension)
        except KeyError:
            return
        self._options: type[Message] = message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"google.protobuf.{options}")
        )

    def of(self, described: Any) -> Any:
        """Return the rules of a field, message or oneof; None if it has none."""
        if self._extension is None:
            return None
        # The descriptor's own options may be of a class that does not know the extension.
        options: Any = self._options.FromString(described.GetOptions().SerializeToString())
        return options.Extensions[self._extension] if options.HasExtension(self._extension) else None


def _required(name: str, has_presence: bool) -> _Part:
    def check(message: Any, path: str, found: _Found) -> None:
        if not (message.HasField(name) if has_presence else getattr(message, name)):
            found.append(FieldViolation(path + name, "is required"))

    return check


def _not_empty(name: str) -> _Part:
    def check(message: Any, path: str, found: _Found) -> None:
        if not getattr(message, name):
            found.append(FieldViolation(path + name, "is required"))

    return check


def _one_of(name: str) -> _Part:
    def check(message: Any, path: str, found: _Found) -> None:
        if message.WhichOneof(name) is None:
            found.append(FieldViolation(path + name, "exactly one field of it is required"))

    return check


def _at_most_one(names: list[str], required: bool, kind: descriptor.Descriptor) -> _Part:
    fields = [kind.fields_by_name[name] for name in names]
    listed = ", ".join(names)

    def check(message: Any, path: str, found: _Found) -> None:
        given = sum(
            bool(message.HasField(field.name) if field.has_presence else getattr(message, field.name))
            for field in fields
        )
        if given > 1:
            found.append(FieldViolation(path.removesuffix("."), f"only one of {listed} can be set"))
        elif required and not given:
            found.append(FieldViolation(path.removesuffix("."), f"one of {listed} must be set"))

    return check


def _scalar(name: str, tests: tuple[Test, ...], *, present_only: bool, skip_zero: bool) -> _Part:
    def check(message: Any, path: str, found: _Found) -> None:
        if present_only and not message.HasField(name):
            return
        value = getattr(message, name)
        if skip_zero and not value:
            return
        for is_wrong, description in tests:
            if is_wrong(value):
                found.append(FieldViolation(path + name, description))

    return check


def _wrapper(name: str, tests: tuple[Test, ...]) -> _Part:
    def check(message: Any, path: str, found: _Found) -> None:
        if not message.HasField(name):
            return
        value = getattr(message, name).value
        for is_wrong, description in tests:
            if is_wrong(value):
                found.append(FieldViolation(path + name, description))

    return check


def _items(name: str, tests: tuple[Test, ...], *, skip_zero: bool) -> _Part:
    def check(message: Any, path: str, found: _Found) -> None:
        for index, value in enumerate(getattr(message, name)):
            if skip_zero and not value:
                continue
            for is_wrong, description in tests:
                if is_wrong(value):
                    found.append(FieldViolation(f"{path}{name}[{index}]", description))

    return check


def _pairs(name: str, key_tests: tuple[Test, ...], value_tests: tuple[Test, ...]) -> _Part:
    def check(message: Any, path: str, found: _Found) -> None:
        for key, value in getattr(message, name).items():
            for is_wrong, description in key_tests:
                if is_wrong(key):
                    found.append(FieldViolation(_map_path(path, name, key), f"key {description}"))
            for is_wrong, description in value_tests:
                if is_wrong(value):
                    found.append(FieldViolation(_map_path(path, name, key), description))

    return check


def _message(name: str, child: _Node) -> _Part:
    def check(message: Any, path: str, found: _Found) -> None:
        if message.HasField(name):
            child.run(getattr(message, name), f"{path}{name}.", found)

    return check


def _messages(name: str, child: _Node) -> _Part:
    def check(message: Any, path: str, found: _Found) -> None:
        for index, value in enumerate(getattr(message, name)):
            child.run(value, f"{path}{name}[{index}].", found)

    return check


def _message_values(name: str, child: _Node) -> _Part:
    def check(message: Any, path: str, found: _Found) -> None:
        for key, value in getattr(message, name).items():
            child.run(value, f"{_map_path(path, name, key)}.", found)

    return check


def _map_path(path: str, name: str, key: object) -> str:
    return f'{path}{name}["{key}"]' if isinstance(key, str) else f"{path}{name}[{key}]"
