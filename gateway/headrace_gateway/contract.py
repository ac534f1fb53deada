"""What the contract says over HTTP: the public methods and the routes that their annotations give them.

Read from the descriptor set, which has everything that the `.proto` files say, comments too.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.resources
from collections.abc import Iterator, Sequence
from typing import Any

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor, descriptor_pb2, descriptor_pool, message_factory

from headrace.api.v1 import options_pb2

PUBLIC_PACKAGE = "headrace.api.v1"

_VERBS = ("get", "put", "post", "delete", "patch")


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One HTTP form of a method."""

    verb: str
    """`GET`, `POST`, ..."""
    template: str
    """The path with its variables, `/v1/flow-runs/{flow_run_id}:cancel`."""
    body: str
    """Empty: no body; `*`: the whole request; else the field that is the body."""


@dataclasses.dataclass(frozen=True, slots=True)
class PublicMethod:
    """A method that can be called over HTTP."""

    service: str
    """Name of the gRPC service, `FlowRunService`."""
    name: str
    """Name in the service, `GetFlowRun`."""
    path: str
    """As on the wire, `/headrace.api.v1.FlowRunService/GetFlowRun`."""
    request: descriptor.Descriptor
    response: descriptor.Descriptor
    request_class: Any
    response_class: Any
    streams: bool
    """Whether it answers with a stream."""
    rules: tuple[Rule, ...]
    """The annotated form first, then its additional bindings."""
    permission: str
    """Name in the enum `headrace.api.v1.Permission`."""
    comment: str

    @property
    def is_document(self) -> bool:
        """Whether its answers are the parts of a document of any type."""
        return self.streams and self.response.full_name == "google.api.HttpBody"


@dataclasses.dataclass(frozen=True, slots=True)
class Contract:
    """The public contract."""

    methods: tuple[PublicMethod, ...]
    """Those with an HTTP form, in the order of the files."""
    files: tuple[descriptor_pb2.FileDescriptorProto, ...]
    """The public files with their comments."""
    comments: dict[str, str]
    """What is said about services, methods, messages, fields, enums and their values, by full name."""


@functools.cache
def load_contract() -> Contract:
    """Return the public contract, read from the descriptor set of the distribution.

    Raises:
        ValueError: An annotation has a form that HTTP does not have.
    """
    raw = importlib.resources.files("headrace.api").joinpath("descriptors.binpb").read_bytes()
    described = descriptor_pb2.FileDescriptorSet.FromString(raw)
    files = tuple(file for file in described.file if file.package == PUBLIC_PACKAGE)
    comments = {name: text for file in files for name, text in _comments(file)}
    return Contract(tuple(_methods(files, comments)), files, comments)


def _methods(files: Sequence[descriptor_pb2.FileDescriptorProto], comments: dict[str, str]) -> Iterator[PublicMethod]:
    pool = descriptor_pool.Default()
    for file in files:
        # Registers the messages; services use the same generated classes.
        importlib.import_module(file.name.removesuffix(".proto").replace("/", ".") + "_pb2")
        for service in file.service:
            full_name = f"{file.package}.{service.name}"
            for method in service.method:
                if not method.options.HasExtension(annotations_pb2.http):
                    continue
                if method.client_streaming:
                    raise ValueError(f"{full_name}.{method.name}: a client stream has no HTTP form")
                request = pool.FindMessageTypeByName(method.input_type.lstrip("."))
                response = pool.FindMessageTypeByName(method.output_type.lstrip("."))
                permission = method.options.Extensions[options_pb2.permission]
                yield PublicMethod(
                    service=service.name,
                    name=method.name,
                    path=f"/{full_name}/{method.name}",
                    request=request,
                    response=response,
                    request_class=message_factory.GetMessageClass(request),
                    response_class=message_factory.GetMessageClass(response),
                    streams=method.server_streaming,
                    rules=tuple(_rules(method.options.Extensions[annotations_pb2.http])),
                    permission=options_pb2.Permission.Name(permission),
                    comment=comments.get(f"{full_name}.{method.name}", ""),
                )


def _rules(annotation: http_pb2.HttpRule) -> Iterator[Rule]:
    kind = annotation.WhichOneof("pattern")
    if kind == "custom":
        yield Rule(annotation.custom.kind.upper(), annotation.custom.path, annotation.body)
    elif kind in _VERBS:
        yield Rule(kind.upper(), getattr(annotation, kind), annotation.body)
    else:
        raise ValueError("an HTTP annotation names no method")
    for binding in annotation.additional_bindings:
        yield from _rules(binding)


def _comments(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[str, str]]:
    """Yield what the comments of a file are about, by full name, and their text."""
    for location in file.source_code_info.location:
        text = location.leading_comments or location.trailing_comments
        name = _name_at(file, location.path)
        if text and name is not None:
            yield name, "\n".join(line.removeprefix(" ") for line in text.strip("\n").split("\n")).strip()


def _name_at(file: descriptor_pb2.FileDescriptorProto, path: Sequence[int]) -> str | None:
    """Return the full name of what a source path leads to, None if it leads to something without a name.

    A path alternates between field numbers of the descriptor's own messages and indexes into them.
    """
    node: Any = file
    name = file.package
    for number, index in zip(path[::2], path[1::2], strict=False):
        field = node.DESCRIPTOR.fields_by_number.get(number)
        if field is None or field.message_type is None:
            return None
        items = getattr(node, field.name)
        if not hasattr(items, "__getitem__") or index >= len(items) or not hasattr(items[index], "name"):
            return None
        node = items[index]
        name = f"{name}.{node.name}"
    return name if len(path) % 2 == 0 and node is not file else None
