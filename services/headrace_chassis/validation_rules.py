"""The standard rules of `buf.validate` as tests of one value."""

from __future__ import annotations

import datetime
import functools
import ipaddress
import math
import re
import urllib.parse
from collections.abc import Callable
from typing import Any, TypeAlias

from google.protobuf import descriptor, descriptor_pb2

Test: TypeAlias = tuple[Callable[[Any], bool], str]
"""(whether a value is wrong, what is expected as the end of a sentence that starts with the field)."""


class UnknownRule(Exception):
    """The contract uses a rule that this server does not know."""


_KINDS = {
    descriptor.FieldDescriptor.TYPE_FLOAT: "float",
    descriptor.FieldDescriptor.TYPE_DOUBLE: "double",
    descriptor.FieldDescriptor.TYPE_INT32: "int32",
    descriptor.FieldDescriptor.TYPE_INT64: "int64",
    descriptor.FieldDescriptor.TYPE_UINT32: "uint32",
    descriptor.FieldDescriptor.TYPE_UINT64: "uint64",
    descriptor.FieldDescriptor.TYPE_SINT32: "sint32",
    descriptor.FieldDescriptor.TYPE_SINT64: "sint64",
    descriptor.FieldDescriptor.TYPE_FIXED32: "fixed32",
    descriptor.FieldDescriptor.TYPE_FIXED64: "fixed64",
    descriptor.FieldDescriptor.TYPE_SFIXED32: "sfixed32",
    descriptor.FieldDescriptor.TYPE_SFIXED64: "sfixed64",
    descriptor.FieldDescriptor.TYPE_BOOL: "bool",
    descriptor.FieldDescriptor.TYPE_STRING: "string",
    descriptor.FieldDescriptor.TYPE_BYTES: "bytes",
    descriptor.FieldDescriptor.TYPE_ENUM: "enum",
}
_MESSAGE_KINDS = {
    "google.protobuf.Duration": "duration",
    "google.protobuf.Timestamp": "timestamp",
    "google.protobuf.Any": "any",
}
WRAPPERS = frozenset(
    f"google.protobuf.{kind}Value"
    for kind in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)
"""Messages that stand for one optional value; their rules are about the value."""

_NUMBERS = frozenset(_KINDS.values()) - {"bool", "string", "bytes", "enum"}

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}").fullmatch
_TUUID = re.compile(r"[0-9a-fA-F]{32}").fullmatch
_EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
).fullmatch
_LABEL = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?").fullmatch
_URI_CHARACTERS = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*").fullmatch

# Documentation of examples only; nothing to test.
_WITHOUT_TEST = frozenset({"example"})


def rule_tests(rules: Any, field: descriptor.FieldDescriptor, *, of_item: bool = False) -> tuple[Test, ...]:
    """Return the tests that `rules` ask for.

    Args:
        rules: A `buf.validate.FieldRules`.
        field: The field that has them.
        of_item: Whether they are about the items of a repeated field, or about keys or values of a map.

    Raises:
        UnknownRule: One of them is not known, or does not fit the field.
    """
    if rules.cel:
        raise UnknownRule("CEL rules are not supported")
    kind = rules.WhichOneof("type")
    if kind is None:
        return ()
    expected = _kind_of(field, of_item=of_item)
    if kind != expected:
        raise UnknownRule(f"{kind} rules do not fit a {expected} field")
    typed = getattr(rules, kind)
    if kind == "repeated":
        return _repeated_tests(typed)
    if kind == "map":
        # Keys and values are looked at where they are.
        makers = _sizes(typed, "min_pairs", "max_pairs", "pair", len) | {"keys": lambda: (), "values": lambda: ()}
        return _known(typed, makers)
    if kind in _NUMBERS:
        return _number_tests(typed)
    if kind == "string":
        return _string_tests(typed)
    if kind == "bytes":
        return _bytes_tests(typed)
    if kind == "enum":
        return _enum_tests(typed, field)
    if kind == "bool":
        return _known(typed, {"const": lambda: _const(typed.const)})
    if kind == "any":
        return _known(
            typed,
            {
                "in": lambda: _member({*getattr(typed, "in")}, lambda value: value.type_url),
                "not_in": lambda: _no_member({*typed.not_in}, lambda value: value.type_url),
            },
        )
    return _time_tests(typed)


def is_map(field: descriptor.FieldDescriptor) -> bool:
    """Return whether `field` is a map."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def is_repeated(field: descriptor.FieldDescriptor) -> bool:
    """Return whether `field` is a list or a map."""
    return field.containing_type is not None and field.name in _repeated_fields(field.containing_type)


@functools.lru_cache
def _repeated_fields(kind: descriptor.Descriptor) -> frozenset[str]:
    # A field's own accessors for this differ between the releases of protobuf that are supported.
    described = descriptor_pb2.DescriptorProto()
    kind.CopyToProto(described)
    return frozenset(
        field.name for field in described.field if field.label == descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
    )


def _kind_of(field: descriptor.FieldDescriptor, *, of_item: bool) -> str:
    if not of_item and is_repeated(field):
        return "map" if is_map(field) else "repeated"
    if field.message_type is not None:
        name = field.message_type.full_name
        if name in WRAPPERS:
            return _KINDS[field.message_type.fields_by_name["value"].type]
        return _MESSAGE_KINDS.get(name, "message")
    return _KINDS[field.type]


def _known(rules: Any, makers: dict[str, Callable[[], Test | tuple[Test, ...]]]) -> tuple[Test, ...]:
    """Return the tests of all rules that are set; `makers` must know each of them."""
    tests: list[Test] = []
    for described, _ in rules.ListFields():
        name = described.name
        if name in _WITHOUT_TEST:
            continue
        if name not in makers:
            raise UnknownRule(f"the rule {name} is not supported")
        made = makers[name]()
        # A single test is a pair that starts with a function; several are a tuple of such pairs.
        if made and callable(made[0]):
            tests.append(made)
        else:
            tests.extend(made)
    return tuple(tests)


def _const(expected: Any, of: Callable[[Any], Any] = lambda value: value) -> Test:
    return (lambda value: of(value) != expected, f"must be {_show(expected)}")


def _member(allowed: Any, of: Callable[[Any], Any] = lambda value: value) -> Test:
    return (lambda value: of(value) not in allowed, f"must be one of {_show_all(allowed)}")


def _no_member(refused: Any, of: Callable[[Any], Any] = lambda value: value) -> Test:
    return (lambda value: of(value) in refused, f"must not be one of {_show_all(refused)}")


def _range_tests(rules: Any, of: Callable[[Any], Any], show: Callable[[Any], str]) -> dict[str, Any]:
    """Return makers of lt, lte, gt, gte; a lower bound above the upper means the outside of the range."""
    low_name, high_name = rules.WhichOneof("greater_than"), rules.WhichOneof("less_than")
    low_name = low_name if low_name in ("gt", "gte") else None
    high_name = high_name if high_name in ("lt", "lte") else None
    low = of(getattr(rules, low_name)) if low_name else None
    high = of(getattr(rules, high_name)) if high_name else None
    above = f"must be {'greater than' if low_name == 'gt' else 'at least'} {show(low)}"
    below = f"must be {'less than' if high_name == 'lt' else 'at most'} {show(high)}"

    # Written as "not inside", so that NaN is wrong for every range.
    def too_low(value: Any) -> bool:
        return not (of(value) > low if low_name == "gt" else of(value) >= low)

    def too_high(value: Any) -> bool:
        return not (of(value) < high if high_name == "lt" else of(value) <= high)

    if low is not None and high is not None and high < low:
        outside: Test = (
            lambda value: too_low(value) and too_high(value),
            f"{above} or {below.removeprefix('must be ')}",
        )
        return {str(low_name): lambda: outside, str(high_name): lambda: ()}
    return {str(low_name): lambda: (too_low, above), str(high_name): lambda: (too_high, below)}


def _number_tests(rules: Any) -> tuple[Test, ...]:
    return _known(
        rules,
        {
            **_range_tests(rules, lambda value: value, _show),
            "const": lambda: _const(rules.const),
            "in": lambda: _member(frozenset(getattr(rules, "in"))),
            "not_in": lambda: _no_member(frozenset(rules.not_in)),
            "finite": lambda: (lambda value: not math.isfinite(value), "must be finite") if rules.finite else (),
        },
    )


def _sizes(rules: Any, least: str, most: str, unit: str, size: Callable[[Any], int]) -> dict[str, Any]:
    low, high = getattr(rules, least), getattr(rules, most)
    return {
        least: lambda: (lambda value: size(value) < low, f"must have at least {low} {unit}{_plural(low)}"),
        most: lambda: (lambda value: size(value) > high, f"must have at most {high} {unit}{_plural(high)}"),
    }


def _repeated_tests(rules: Any) -> tuple[Test, ...]:
    return _known(
        rules,
        {
            **_sizes(rules, "min_items", "max_items", "item", len),
            "unique": lambda: (
                (lambda value: len(set(value)) != len(value), "must not repeat an item") if rules.unique else ()
            ),
            # Looked at where the items are.
            "items": lambda: (),
        },
    )


def _string_tests(rules: Any) -> tuple[Test, ...]:
    def size_bytes(value: str) -> int:
        return len(value.encode())

    makers: dict[str, Any] = {
        **_sizes(rules, "min_len", "max_len", "character", len),
        **_sizes(rules, "min_bytes", "max_bytes", "byte", size_bytes),
        "len": lambda: (lambda value: len(value) != rules.len, f"must have {rules.len} characters"),
        "len_bytes": lambda: (lambda value: size_bytes(value) != rules.len_bytes, f"must have {rules.len_bytes} bytes"),
        "const": lambda: _const(rules.const),
        "pattern": lambda: _pattern(re.compile(_python_pattern(rules.pattern), re.ASCII), rules.pattern),
        "prefix": lambda: (lambda value: not value.startswith(rules.prefix), f"must start with {rules.prefix!r}"),
        "suffix": lambda: (lambda value: not value.endswith(rules.suffix), f"must end with {rules.suffix!r}"),
        "contains": lambda: (lambda value: rules.contains not in value, f"must contain {rules.contains!r}"),
        "not_contains": lambda: (lambda value: rules.not_contains in value, f"must not contain {rules.not_contains!r}"),
        "in": lambda: _member(frozenset(getattr(rules, "in"))),
        "not_in": lambda: _no_member(frozenset(rules.not_in)),
    }
    for name, (is_right, description) in _FORMATS.items():
        makers[name] = _format_maker(rules, name, is_right, description)
    return _known(rules, makers)


def _format_maker(rules: Any, name: str, is_right: Callable[[str], object], description: str) -> Callable[[], Any]:
    return lambda: ((lambda value: not is_right(value)), description) if getattr(rules, name) else ()


def _bytes_tests(rules: Any) -> tuple[Test, ...]:
    return _known(
        rules,
        {
            **_sizes(rules, "min_len", "max_len", "byte", len),
            "len": lambda: (lambda value: len(value) != rules.len, f"must have {rules.len} bytes"),
            "const": lambda: _const(rules.const),
            "pattern": lambda: _pattern(re.compile(_python_pattern(rules.pattern).encode()), rules.pattern),
            "prefix": lambda: (lambda value: not value.startswith(rules.prefix), f"must start with {rules.prefix!r}"),
            "suffix": lambda: (lambda value: not value.endswith(rules.suffix), f"must end with {rules.suffix!r}"),
            "contains": lambda: (lambda value: rules.contains not in value, f"must contain {rules.contains!r}"),
            "in": lambda: _member(frozenset(getattr(rules, "in"))),
            "not_in": lambda: _no_member(frozenset(rules.not_in)),
        },
    )


def _pattern(pattern: re.Pattern[Any], text: str) -> Test:
    search = pattern.search
    return (lambda value: search(value) is None, f"must match the pattern {text}")


def _python_pattern(pattern: str) -> str:
    # Rules are written for RE2, where $ is the end of the text; in Python it also stands before a last newline.
    escapes = len(pattern) - 1 - len(pattern[:-1].rstrip("\\"))
    return pattern[:-1] + r"\Z" if pattern.endswith("$") and escapes % 2 == 0 else pattern


def _enum_tests(rules: Any, field: descriptor.FieldDescriptor) -> tuple[Test, ...]:
    kind = field.enum_type
    assert kind is not None
    names: dict[int, str] = {value.number: value.name for value in kind.values}

    def named(numbers: Any) -> str:
        return ", ".join(names.get(number, str(number)) for number in numbers)

    allowed, refused = list(getattr(rules, "in")), list(rules.not_in)
    return _known(
        rules,
        {
            "const": lambda: (lambda value: value != rules.const, f"must be {named([rules.const])}"),
            "defined_only": lambda: (
                (lambda value: value not in names, "must be a value that the contract names")
                if rules.defined_only
                else ()
            ),
            "in": lambda: (lambda value: value not in allowed, f"must be one of {named(allowed)}"),
            "not_in": lambda: (lambda value: value in refused, f"must not be {named(refused)}"),
        },
    )


def _time_tests(rules: Any) -> tuple[Test, ...]:
    def nanoseconds(value: Any) -> int:
        return int(value.seconds * 1_000_000_000 + value.nanos)

    def show(value: Any) -> str:
        if value is None:
            return ""
        if rules.DESCRIPTOR.name == "TimestampRules":
            return datetime.datetime.fromtimestamp(value / 1e9, tz=datetime.UTC).isoformat()
        return f"{value / 1e9:g}s"

    def now() -> int:
        return int(datetime.datetime.now(datetime.UTC).timestamp() * 1e9)

    within = nanoseconds(rules.within) if rules.DESCRIPTOR.name == "TimestampRules" else 0
    return _known(
        rules,
        {
            **_range_tests(rules, nanoseconds, show),
            "const": lambda: (
                lambda value: nanoseconds(value) != nanoseconds(rules.const),
                f"must be {show(nanoseconds(rules.const))}",
            ),
            "in": lambda: (
                lambda value: nanoseconds(value) not in [nanoseconds(one) for one in getattr(rules, "in")],
                f"must be one of {', '.join(show(nanoseconds(one)) for one in getattr(rules, 'in'))}",
            ),
            "not_in": lambda: (
                lambda value: nanoseconds(value) in [nanoseconds(one) for one in rules.not_in],
                f"must not be one of {', '.join(show(nanoseconds(one)) for one in rules.not_in)}",
            ),
            "lt_now": lambda: (
                (lambda value: nanoseconds(value) >= now(), "must be in the past") if rules.lt_now else ()
            ),
            "gt_now": lambda: (
                (lambda value: nanoseconds(value) <= now(), "must be in the future") if rules.gt_now else ()
            ),
            "within": lambda: (
                lambda value: abs(nanoseconds(value) - now()) > within,
                f"must be within {within / 1e9:g}s of now",
            ),
        },
    )


def _is_ip(value: str, version: int | None = None) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return version is None or address.version == version


def _is_hostname(value: str) -> bool:
    name = value.removesuffix(".")
    labels = name.split(".")
    return 0 < len(name) <= 253 and all(map(_LABEL, labels)) and not labels[-1].isdigit()


def _is_uri(value: str) -> bool:
    return _is_uri_reference(value) and bool(urllib.parse.urlsplit(value).scheme)


def _is_uri_reference(value: str) -> bool:
    if not _URI_CHARACTERS(value):
        return False
    try:
        urllib.parse.urlsplit(value)
    except ValueError:
        return False
    return True


def _is_host_and_port(value: str) -> bool:
    host, colon, port = value.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535 or (len(port) > 1 and port[0] == "0"):
        return False
    if host.startswith("[") and host.endswith("]"):
        return _is_ip(host[1:-1], 6)
    return _is_hostname(host) or _is_ip(host, 4)


_FORMATS: dict[str, tuple[Callable[[str], object], str]] = {
    "uuid": (_UUID, "must be a UUID"),
    "tuuid": (_TUUID, "must be a UUID without dashes"),
    "email": (_EMAIL, "must be an e-mail address"),
    "hostname": (_is_hostname, "must be a host name"),
    "ip": (_is_ip, "must be an IP address"),
    "ipv4": (lambda value: _is_ip(value, 4), "must be an IPv4 address"),
    "ipv6": (lambda value: _is_ip(value, 6), "must be an IPv6 address"),
    "uri": (_is_uri, "must be a URI"),
    "uri_ref": (_is_uri_reference, "must be a URI or a relative reference"),
    "address": (lambda value: _is_hostname(value) or _is_ip(value), "must be a host name or an IP address"),
    "host_and_port": (_is_host_and_port, "must be host:port"),
}


def _show(value: Any) -> str:
    return repr(value) if isinstance(value, str | bytes) else str(value)


def _show_all(values: Any) -> str:
    return ", ".join(sorted(_show(value) for value in values))


def _plural(count: int) -> str:
    return "" if count == 1 else "s"
