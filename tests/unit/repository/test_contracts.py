"""What every RPC and message of the contract must have; checked on the descriptor set that the server reads too."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FileDescriptor

from headrace.api.v1 import options_pb2

ROOT = Path(__file__).resolve().parents[3]
DESCRIPTORS = ROOT / "sdk" / "headrace" / "api" / "descriptors.binpb"
PUBLIC = "headrace.api.v1"

# Parsed in the default pool, where the options of HTTP routes and permissions are known.
FILES = {
    file.name: file
    for file in descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file
    if file.name.startswith("headrace/")
}
MESSAGES = {f"{file.package}.{message.name}": message for file in FILES.values() for message in file.message_type}


class Method:
    """One RPC with what surrounds it."""

    def __init__(
        self,
        file: descriptor_pb2.FileDescriptorProto,
        service: descriptor_pb2.ServiceDescriptorProto,
        method: descriptor_pb2.MethodDescriptorProto,
    ) -> None:
        self.package = file.package
        self.name = f"{file.package}.{service.name}.{method.name}"
        self.verb = method.name
        self.proto = method
        self.request_name = method.input_type.removeprefix(".")
        self.response_name = method.output_type.removeprefix(".")

    @property
    def is_public(self) -> bool:
        return self.package == PUBLIC

    @property
    def request_fields(self) -> set[str]:
        return {field.name for field in MESSAGES[self.request_name].field}

    @property
    def response_fields(self) -> set[str]:
        return {field.name for field in MESSAGES[self.response_name].field}

    @property
    def permission(self) -> int:
        return int(self.proto.options.Extensions[options_pb2.permission])

    def routes(self) -> list[tuple[str, str, str]]:
        """Return each HTTP binding as (verb, path, body field)."""
        rule = self.proto.options.Extensions[annotations_pb2.http]
        return [binding for part in (rule, *rule.additional_bindings) for binding in self._route(part)]

    @staticmethod
    def _route(rule: http_pb2.HttpRule) -> list[tuple[str, str, str]]:
        verb = rule.WhichOneof("pattern")
        return [] if verb is None else [(verb, getattr(rule, verb), rule.body)]


METHODS = [
    Method(file, service, method) for file in FILES.values() for service in file.service for method in service.method
]
PUBLIC_METHODS = [method for method in METHODS if method.is_public]


def name_of(method: Method) -> str:
    return method.name


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_every_method_names_the_permission_that_it_needs(method: Method) -> None:
    assert method.permission != options_pb2.PERMISSION_UNSPECIFIED


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_only_internal_methods_are_for_services_alone(method: Method) -> None:
    assert (method.permission == options_pb2.PERMISSION_INTERNAL) == (not method.is_public)


@pytest.mark.parametrize("method", PUBLIC_METHODS, ids=name_of)
def test_every_public_method_has_an_http_route(method: Method) -> None:
    assert method.routes() or method.proto.client_streaming


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_a_route_binds_fields_that_the_request_has(method: Method) -> None:
    for _verb, path, body in method.routes():
        bound = {name.split(".")[0] for name in re.findall(r"{([a-z0-9_.]+)(?:=[^}]*)?}", path)}
        assert bound <= method.request_fields
        assert body in ("", "*") or body in method.request_fields


def test_no_two_methods_share_a_route() -> None:
    routes = Counter(
        (verb, re.sub(r"{[^}]*}", "{}", path)) for method in METHODS for verb, path, _body in method.routes()
    )
    assert [route for route, count in routes.items() if count > 1] == []


def test_every_method_has_a_request_and_a_response_of_its_own() -> None:
    uses = Counter(name for method in METHODS for name in (method.request_name, method.response_name))
    assert [name for name, count in uses.items() if count > 1] == []


@pytest.mark.parametrize("method", [one for one in METHODS if one.verb.startswith("List")], ids=name_of)
def test_every_list_is_read_in_pages(method: Method) -> None:
    assert {"page_size", "page_token"} <= method.request_fields
    assert "next_page_token" in method.response_fields


@pytest.mark.parametrize("method", [one for one in METHODS if one.verb.startswith("Update")], ids=name_of)
def test_every_update_takes_a_field_mask(method: Method) -> None:
    masks = [
        field.name for field in MESSAGES[method.request_name].field if field.type_name == ".google.protobuf.FieldMask"
    ]
    assert masks == ["update_mask"]


def documented(file: descriptor_pb2.FileDescriptorProto) -> set[tuple[int, ...]]:
    return {tuple(location.path) for location in file.source_code_info.location if location.leading_comments.strip()}


def declarations(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield every service, RPC, message and enum at the top of a file, with its path in the descriptor."""
    for index, service in enumerate(file.service):
        yield service.name, (6, index)
        for at, method in enumerate(service.method):
            yield f"{service.name}.{method.name}", (6, index, 2, at)
    for index, message in enumerate(file.message_type):
        yield message.name, (4, index)
    for index, enum in enumerate(file.enum_type):
        yield enum.name, (5, index)


@pytest.mark.parametrize("file", FILES.values(), ids=lambda file: file.name)
def test_everything_that_callers_meet_is_documented(file: descriptor_pb2.FileDescriptorProto) -> None:
    have = documented(file)
    assert [name for name, path in declarations(file) if path not in have] == []


def test_the_descriptor_set_holds_every_contract_and_no_other() -> None:
    sources = {path.relative_to(ROOT / "protos").as_posix() for path in (ROOT / "protos" / "headrace").rglob("*.proto")}
    assert set(FILES) == sources


def generated(name: str) -> FileDescriptor:
    module = importlib.import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
    descriptor = module.DESCRIPTOR
    assert isinstance(descriptor, FileDescriptor)
    return descriptor


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_generated_code_says_what_the_descriptor_set_says(name: str) -> None:
    code = descriptor_pb2.FileDescriptorProto.FromString(generated(name).serialized_pb)
    contract = FILES[name]
    assert [message.name for message in code.message_type] == [message.name for message in contract.message_type]
    for ours, theirs in zip(code.message_type, contract.message_type, strict=True):
        assert [(field.name, field.number, field.type, field.type_name) for field in ours.field] == [
            (field.name, field.number, field.type, field.type_name) for field in theirs.field
        ]
    assert list(code.service) == list(contract.service)
    assert list(code.enum_type) == list(contract.enum_type)


@pytest.mark.parametrize("name", sorted(FILES))
def test_clients_need_no_validator(name: str) -> None:
    assert not [file.name for file in generated(name).dependencies if file.name.startswith("buf/")]


def test_the_server_finds_validation_rules() -> None:
    assert any("buf/validate/validate.proto" in file.dependency for file in FILES.values())
