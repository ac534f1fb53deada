"""What the contract says about each gRPC method: its permission and the shape of its messages."""

from __future__ import annotations

import dataclasses
from typing import Any

from google.protobuf import descriptor, descriptor_pool

from headrace.api.v1 import options_pb2
from headrace_chassis.run_rights import is_for_runs

PERMISSION_UNSPECIFIED = options_pb2.PERMISSION_UNSPECIFIED
PERMISSION_PUBLIC = options_pb2.PERMISSION_PUBLIC
PERMISSION_AUTHENTICATED = options_pb2.PERMISSION_AUTHENTICATED
PERMISSION_INTERNAL = options_pb2.PERMISSION_INTERNAL


@dataclasses.dataclass(frozen=True, slots=True)
class Method:
    """One gRPC method."""

    service: str
    """Full name of the service, `headrace.api.v1.FlowService`."""
    name: str
    """Name within the service, `GetFlow`."""
    path: str
    """As on the wire, `/headrace.api.v1.FlowService/GetFlow`."""
    permission: int
    """Number of `headrace.api.v1.Permission`; 0 if the contract names none."""
    permission_name: str
    """Its name in the enum."""
    request_type: str
    """Full name of the request message."""
    client_streaming: bool
    server_streaming: bool
    object_kind: int = 0
    """Number of `headrace.api.v1.ObjectKind` that the permission is about; 0 is the whole workspace."""
    object_fields: tuple[str, ...] = ()
    """Paths to the fields of the request that name the object."""
    is_open: bool = False
    """Whether it needs no permission in particular."""
    is_unary: bool = True
    is_for_runs: bool = True
    """Whether a flow run may call it with the token that was made for it."""

    @property
    def is_internal(self) -> bool:
        """Whether only Headrace's own services may call it."""
        return self.permission == PERMISSION_INTERNAL


def methods_of(service: str) -> dict[str, Method]:
    """Return the methods of a gRPC service by name.

    Raises:
        KeyError: The generated code of the service has not been imported, or there is no such service.
    """
    found: descriptor.ServiceDescriptor = descriptor_pool.Default().FindServiceByName(service)
    return {method.name: _describe(service, method) for method in found.methods}


def _describe(service: str, method: descriptor.MethodDescriptor) -> Method:
    permission = int(method.GetOptions().Extensions[options_pb2.permission])
    about = method.GetOptions().Extensions[options_pb2.object]
    permission_name = options_pb2.Permission.Name(options_pb2.Permission.ValueType(permission))
    return Method(
        service=service,
        name=method.name,
        path=f"/{service}/{method.name}",
        permission=permission,
        permission_name=permission_name,
        request_type=method.input_type.full_name,
        client_streaming=method.client_streaming,
        server_streaming=method.server_streaming,
        object_kind=about.kind,
        object_fields=tuple(filter(None, about.field.split(","))),
        is_open=permission in (PERMISSION_PUBLIC, PERMISSION_AUTHENTICATED),
        is_unary=not (method.client_streaming or method.server_streaming),
        is_for_runs=is_for_runs(service, method.name, permission_name),
    )


def value_at(message: Any, path: str) -> str:
    """Return the text of a field, `deployment_id` or `deployment.deployment_id`."""
    for name in path.split("."):
        message = getattr(message, name)
    return str(message)
