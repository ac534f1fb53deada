"""Generate the user interface's types and the table of its calls from the contract.

`make protos` writes `gateway/ui/src/api/contract.gen.ts`, `make protos-check` only compares and fails on drift. The
types are those of the JSON form: names as the contract spells them, 64-bit integers, times and spans as strings. A
field that has no presence is always there; all others may be missing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from google.protobuf import descriptor

from headrace_gateway.contract import Contract, PublicMethod, load_contract
from headrace_gateway.routes import parse_template
from headrace_gateway.transcoding.scalars import enum_of, is_map, is_repeated, message_of

TARGET = Path(__file__).resolve().parent.parent / "gateway/ui/src/api/contract.gen.ts"
PACKAGE = "headrace.api.v1."
HEAD = """// Generated from protos/: do not edit. `make protos` writes it.

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue | undefined;
}

/** What a call sends: any part of the request. */
export type Input<T> = T extends JsonObject
  ? T
  : T extends (infer Item)[]
    ? Input<Item>[]
    : T extends object
      ? { [Key in keyof T]?: Input<T[Key]> }
      : T;
"""

_Field = descriptor.FieldDescriptor
_NUMBERS = frozenset(
    {_Field.TYPE_INT32, _Field.TYPE_UINT32, _Field.TYPE_SINT32, _Field.TYPE_FIXED32, _Field.TYPE_SFIXED32}
)
# What JSON cannot say in a number (infinity, not a number) comes in words.
_REALS = frozenset({_Field.TYPE_DOUBLE, _Field.TYPE_FLOAT})
_KNOWN = {
    "google.protobuf.Timestamp": "string",
    "google.protobuf.Duration": "string",
    "google.protobuf.FieldMask": "string",
    "google.protobuf.Struct": "JsonObject",
    "google.protobuf.Value": "JsonValue",
    "google.protobuf.ListValue": "JsonValue[]",
}


class Types:
    """Collects the types that methods need, with all that these contain."""

    def __init__(self, contract: Contract) -> None:
        self._comments = contract.comments
        self.made: dict[str, str] = {}

    def of(self, described: descriptor.Descriptor) -> str:
        """Return the name of a message's type."""
        known = _KNOWN.get(described.full_name)
        if known is not None:
            return known
        name = _name(described.full_name)
        if name not in self.made:
            self.made[name] = ""
            fields = [line for field in described.fields for line in self._property(field)]
            body = "\n".join(fields)
            text = f"{self._comment(described.full_name)}export interface {name} {{\n{body}\n}}\n"
            self.made[name] = text if fields else f"export type {name} = Record<string, never>;\n"
        return name

    def _property(self, field: descriptor.FieldDescriptor) -> Iterator[str]:
        comment = self._comments.get(field.full_name)
        if comment:
            yield f"  /** {' '.join(comment.split())} */"
        if is_map(field):
            value = self._value(message_of(field).fields_by_name["value"])
            yield f"  {field.name}: Record<string, {value}>;"
        elif is_repeated(field):
            value = self._value(field)
            yield f"  {field.name}: {value}[];" if value.isalnum() else f"  {field.name}: ({value})[];"
        else:
            yield f"  {field.name}{'?' if field.has_presence else ''}: {self._value(field)};"

    def _value(self, field: descriptor.FieldDescriptor) -> str:
        if field.message_type is not None:
            return self.of(field.message_type)
        if field.type == _Field.TYPE_ENUM:
            return self._enum(enum_of(field))
        if field.type == _Field.TYPE_BOOL:
            return "boolean"
        if field.type in _NUMBERS:
            return "number"
        return 'number | "NaN" | "Infinity" | "-Infinity"' if field.type in _REALS else "string"

    def _enum(self, enum: descriptor.EnumDescriptor) -> str:
        name = _name(enum.full_name)
        if name not in self.made:
            values = "\n".join(f'  | "{value.name}"' for value in enum.values)
            self.made[name] = f"{self._comment(enum.full_name)}export type {name} =\n{values};\n"
        return name

    def _comment(self, full_name: str) -> str:
        comment = self._comments.get(full_name)
        return f"/** {' '.join(comment.split())} */\n" if comment else ""


def generate() -> str:
    """Return the text of the file."""
    contract = load_contract()
    types = Types(contract)
    signatures: dict[bool, list[str]] = {False: [], True: []}
    table = []
    for method in contract.methods:
        request, response = types.of(method.request), types.of(method.response)
        signatures[method.streams].append(f"  {method.name}: {{ request: {request}; response: {response} }};")
        table.append(_row(method))
    parts = [
        HEAD,
        *(types.made[name] for name in sorted(types.made)),
        "/** Calls that are answered once. */\nexport interface Calls {\n" + "\n".join(signatures[False]) + "\n}\n",
        "/** Calls that are answered by a stream. */\nexport interface Streams {\n"
        + "\n".join(signatures[True])
        + "\n}\n",
        "export interface Route {\n  verb: string;\n  path: string;\n  body: boolean;\n}\n",
        "/** The HTTP form of each call. */\n"
        "export const routes: Record<keyof Calls | keyof Streams, Route> = {\n" + "\n".join(table) + "\n};\n",
    ]
    return "\n".join(parts)


def _row(method: PublicMethod) -> str:
    # Where there is a form with a body, it takes every request; one in the address could not carry objects.
    rule = next((rule for rule in method.rules if rule.body == "*"), method.rules[0])
    parse_template(rule.template)
    body = "true" if rule.body else "false"
    return f'  {method.name}: {{ verb: "{rule.verb}", path: "{rule.template}", body: {body} }},'


def _name(full_name: str) -> str:
    return full_name.removeprefix(PACKAGE).replace(".", "")


def main() -> int:
    """Write the file (or with `--check` compare it) and return the exit code."""
    parser = argparse.ArgumentParser(description="Generate the types of the user interface from the contract.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail where the file is not current")
    options = parser.parse_args()
    made = generate()
    if options.check:
        if not TARGET.is_file() or TARGET.read_text() != made:
            print(f"protos: {TARGET.name} is not current; run `make protos` and commit what it writes", file=sys.stderr)
            return 1
        return 0
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
