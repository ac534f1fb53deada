"""The compiled rules against protovalidate, which reads the same rules from the same descriptors."""

from __future__ import annotations

import functools
import importlib.resources
import math
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import Any

import protovalidate
import pytest
from google.protobuf import descriptor, descriptor_pb2, descriptor_pool, message_factory, text_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace import errors
from headrace_chassis.validation import VIOLATION_LIMIT, Validator
from headrace_chassis.validation_rules import UnknownRule

HERE = pathlib.Path(__file__).parent
THIRD_PARTY = HERE.parents[2] / "protos" / "third_party"
PACKAGE = "headrace.test.rules"


@functools.cache
def rules_descriptors() -> bytes:
    """Compile `rules.proto` with buf."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(THIRD_PARTY / "buf", pathlib.Path(folder) / "buf")
        shutil.copy(HERE / "rules.proto", folder)
        output = pathlib.Path(folder) / "rules.binpb"
        buf = pathlib.Path(sys.executable).parent / "buf"
        subprocess.run([buf, "build", folder, "-o", output], check=True, timeout=60)
        return output.read_bytes()


@functools.cache
def contract_descriptors() -> bytes:
    return importlib.resources.files("headrace.api").joinpath("descriptors.binpb").read_bytes()


@functools.cache
def pool_of(descriptors: bytes) -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(descriptors).file:
        pool.Add(file)
    return pool


@functools.cache
def validator_of(descriptors: bytes) -> Validator:
    return Validator(descriptors)


def message_class(name: str, descriptors: bytes) -> Any:
    return message_factory.GetMessageClass(pool_of(descriptors).FindMessageTypeByName(name))


def ours(message: Any, descriptors: bytes) -> list[str]:
    check = validator_of(descriptors).check_of(message.DESCRIPTOR.full_name)
    try:
        if check is not None:
            check(message)
    except errors.InvalidArgument as error:
        return sorted(violation.field for violation in error.violations)
    return []


def theirs(message: Any) -> list[str]:
    return sorted(path(violation.proto.field) for violation in protovalidate.collect_violations(message))


def path(field_path: Any) -> str:
    text = ""
    for element in field_path.elements if field_path is not None else ():
        text += ("." if text else "") + element.field_name
        subscript = element.subscript
        if subscript is not None:
            text += f'["{subscript.value}"]' if isinstance(subscript.value, str) else f"[{subscript.value}]"
    return text


def agree(message: Any, descriptors: bytes) -> None:
    expected = theirs(message)
    found = ours(message, descriptors)
    if len(expected) > VIOLATION_LIMIT:
        assert len(found) == VIOLATION_LIMIT
    else:
        assert found == expected, text_format.MessageToString(message)


CASES = [
    ("Strings", 'exact: "äöü"'),
    ("Strings", 'exact: "ab" sized: "abcd" bytes_sized: "ä" bytes_exact: "ä" patterned: "a1" searched: "xbx"'),
    ("Strings", 'sized: "äöü" bytes_sized: "äöü" patterned: "a\\n" constant: "a" prefixed: "abc" suffixed: "cba"'),
    ("Strings", 'patterned: "a١" containing: "baab" not_containing: "baab" member: "b" no_member: "b"'),
    ("Strings", 'member: "c" no_member: "c" ending_in_dollar: "xa$x" patterned: "A"'),
    ("Strings", 'ending_in_dollar: "a"'),
    ("Bytes", ""),
    ("Bytes", 'exact: "ab" sized: "abc" constant: "a" prefixed: "ab" suffixed: "ba" containing: "abc" member: "b"'),
    ("Bytes", 'no_member: "a" member: "x" prefixed: "b" suffixed: "b"'),
    ("Numbers", ""),
    ("Numbers", "inside: 1 outside: 3 above: 1 below: 1 real: 1 open: 2 constant: 1 member: 2 no_member: 3 yes: true"),
    ("Numbers", "inside: -2 outside: 0 below: 2 real: 1.5 open: 0.5 constant: 2 member: 3 no_member: 2 known: 7"),
    ("Numbers", "inside: 2 outside: -1 real: -1 finite: inf open: 0.5 chosen: 2 refused: 1 red: 2"),
    ("Numbers", "real: inf finite: nan open: -1 known: 2 chosen: 3 red: 1"),
    ("Presence", ""),
    ("Presence", 'required_text: "a" required_optional: "" required_child {} required_list: 0 first: "a"'),
    ("Presence", 'optional_sized: "" zero_ignored: "" zero_ignored_optional: "" always_ignored: "a" second {}'),
    ("Presence", 'optional_sized: "ab" zero_ignored: "a" zero_ignored_optional: "a" ignored_child {}'),
    ("Presence", 'required_map {key: "a" value: 0} wrapped {} wrapped_number {} first: ""'),
    ("Presence", 'wrapped {value: "ab"} wrapped_number {value: 1} second {name: "x"}'),
    ("Child", 'child {child {name: "x"}} children {} children {name: "a"} by_name {key: "a\\"b" value {}}'),
    ("Collections", ""),
    ("Collections", 'sized: "a" sized: "b" sized: "c" unique: "a" unique: "b" unique: "a" items: "a" items: "ab"'),
    ("Collections", 'items_or_empty: "" items_or_empty: "a" empty_or_many: "a" pairs {key: "a"} keys {key: "a"}'),
    (
        "Collections",
        'values {key: 5 value: "a"} colours: 1 colours: 9 children {} children_by_number {key: 3 value {}}',
    ),
    ("Collections", "unique_numbers: 1 unique_numbers: 1 pairs {key: 'a'} pairs {key: 'b'} pairs {key: 'c'}"),
    ("Times", ""),
    ("Times", "positive {} short {seconds: 2} constant {seconds: 2} member {seconds: 3} no_member {seconds: 1}"),
    ("Times", "positive {nanos: 1} short {seconds: 1 nanos: 5} constant {seconds: 1} member {seconds: 2} required {}"),
    ("Times", "after {seconds: 100} past {seconds: 9999999999} future {seconds: 1} close {seconds: 1}"),
    ("Times", "after {seconds: 101} past {seconds: 1} future {seconds: 9999999999}"),
    ("Times", 'any {type_url: "type.googleapis.com/a.B"}'),
    ("Times", 'any {type_url: "type.googleapis.com/a.C"}'),
    ("OneOf", ""),
    ("OneOf", 'a: "x" b: 0'),
    ("OneOf", "b: 0 c: 1"),
    ("OneOf", 'a: "x" c: 1 d {name: "x"}'),
    ("NoRules", 'self {circle {back {a: "x"}}}'),
]


@pytest.mark.parametrize(("name", "text"), CASES)
def test_the_rules_mean_what_protovalidate_means(name: str, text: str) -> None:
    message = text_format.Parse(text, message_class(f"{PACKAGE}.{name}", rules_descriptors())())
    agree(message, rules_descriptors())


@pytest.mark.parametrize("field", ["real", "open", "finite"])
def test_not_a_number_is_in_no_range(field: str) -> None:
    # protovalidate's own engine lets NaN into a range that has both ends, against the rule's definition.
    message = message_class(f"{PACKAGE}.Numbers", rules_descriptors())(**{field: math.nan})
    assert field in ours(message, rules_descriptors())


FORMAT_VALUES = {
    "uuid": ["", "00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-00000000000G", "0" * 32, "{x}"],
    "tuuid": ["0" * 32, "0" * 31, "00000000-0000-7000-8000-000000000001"],
    "email": ["a@b", "a.b+c@d.example", "a", "@b", "a@", "a b@c", "a@b..c", "a@-b", "ü@b"],
    "hostname": ["a", "a.b.", "a-b.c", "-a", "a-", "a..b", "a_b", "1.2.3.4", "a" * 64, "", "x." * 130, "a.1"],
    "ip": ["1.2.3.4", "::1", "1.2.3", "256.1.1.1", "fe80::1%eth0", "", "01.2.3.4", "::ffff:1.2.3.4"],
    "ipv4": ["1.2.3.4", "::1", " 1.2.3.4"],
    "ipv6": ["1.2.3.4", "::1", ":::", "1:2:3:4:5:6:7:8", "::g"],
    "uri": ["http://a/b?c#d", "a", "/a", "mailto:a@b", "http://a b", "http://[::1]/", "http://a/%zz", "http://[x/", ""],
    "uri_ref": ["http://a/b?c#d", "a", "/a", "?a", "#a", "a b", "%zz", ""],
    "address": ["a.b", "1.2.3.4", "::1", "a_b", ""],
    "host_and_port": ["a:1", "a", "1.2.3.4:80", "[::1]:80", "::1:80", "a:65536", "a:01", "a:", ":1", "a:0", "a:+1"],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field in FORMAT_VALUES for value in FORMAT_VALUES[field]]
)
def test_formats_mean_what_protovalidate_means(field: str, value: str) -> None:
    message = message_class(f"{PACKAGE}.Formats", rules_descriptors())(**{field: value})
    assert (field in ours(message, rules_descriptors())) == (field in theirs(message))


def requests() -> list[str]:
    names: set[str] = set()
    for file in descriptor_pb2.FileDescriptorSet.FromString(contract_descriptors()).file:
        if file.package.startswith("headrace."):
            for service in file.service:
                names.update(method.input_type.removeprefix(".") for method in service.method)
    return sorted(names)


SCALARS: dict[int, st.SearchStrategy[Any]] = {
    descriptor.FieldDescriptor.CPPTYPE_STRING: st.sampled_from(
        ["", "a", "name", "A b", "00000000-0000-7000-8000-000000000001", "x" * 300, "ünï", "a\n"]
    ),
    descriptor.FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    descriptor.FieldDescriptor.CPPTYPE_ENUM: st.sampled_from([0, 1, 2, 99]),
    descriptor.FieldDescriptor.CPPTYPE_INT32: st.sampled_from([-1, 0, 1, 50, 2**31 - 1]),
    descriptor.FieldDescriptor.CPPTYPE_INT64: st.sampled_from([-1, 0, 1, 2**62]),
    descriptor.FieldDescriptor.CPPTYPE_UINT32: st.sampled_from([0, 1, 2**32 - 1]),
    descriptor.FieldDescriptor.CPPTYPE_UINT64: st.sampled_from([0, 1, 2**63]),
    descriptor.FieldDescriptor.CPPTYPE_DOUBLE: st.sampled_from([-1.0, 0.0, 0.5, math.inf]),
    descriptor.FieldDescriptor.CPPTYPE_FLOAT: st.sampled_from([-1.0, 0.0, 0.5, math.inf]),
}


def fill(draw: Any, message: Any, depth: int) -> None:
    for field in message.DESCRIPTOR.fields:
        if not draw(st.booleans()):
            continue
        if isinstance(value := getattr(message, field.name), str | bytes | int | float | bool):
            is_bytes = field.type == descriptor.FieldDescriptor.TYPE_BYTES
            drawn = draw(st.sampled_from([b"", b"a" * 20])) if is_bytes else draw(SCALARS[field.cpp_type])
            setattr(message, field.name, drawn)
        elif hasattr(value, "DESCRIPTOR"):
            value.SetInParent()
            if depth > 0 and not value.DESCRIPTOR.full_name.startswith("google.protobuf."):
                fill(draw, value, depth - 1)
        elif hasattr(value, "add"):
            for _ in range(draw(st.integers(0, 2))):
                item = value.add()
                if depth > 0:
                    fill(draw, item, depth - 1)
        elif hasattr(value, "append") and field.type != descriptor.FieldDescriptor.TYPE_BYTES:
            value.extend(draw(st.lists(SCALARS[field.cpp_type], max_size=3)))


@st.composite
def filled(draw: Any) -> Any:
    message = message_class(draw(st.sampled_from(requests())), contract_descriptors())()
    fill(draw, message, 2)
    return message


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(filled())
def test_the_contract_is_checked_as_protovalidate_checks_it(message: Any) -> None:
    agree(message, contract_descriptors())


def test_a_message_without_rules_costs_nothing() -> None:
    assert validator_of(rules_descriptors()).check_of(f"{PACKAGE}.NoRules") is None


@pytest.mark.parametrize(("name", "words"), [("WithCel", "CEL"), ("WithUnknown", "ip_prefix")])
def test_a_rule_that_is_not_known_is_refused_when_the_server_starts(name: str, words: str) -> None:
    with pytest.raises(UnknownRule, match=words):
        Validator(rules_descriptors()).check_of(f"{PACKAGE}.{name}")
