"""The guarded handlers of a server, found by the path of the method."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import grpc

from headrace_chassis import methods
from headrace_chassis.audit import AuditTrail
from headrace_chassis.guards import Guards


class HandlerTable(grpc.GenericRpcHandler):
    """Finds the handler of a call in one look-up, however many services there are.

    Args:
        guards: What every call goes through.
    """

    def __init__(self, guards: Guards) -> None:
        self._guards = guards
        self.by_path: dict[str, Any] = {}
        """The `grpc.RpcMethodHandler` of each method, guarded."""
        self.services: list[str] = []
        """Full names of the gRPC services."""

    def add(
        self,
        servicer: object,
        *,
        self_validating: frozenset[str] = frozenset(),
        with_internal: bool = True,
        trail: AuditTrail | None = None,
    ) -> None:
        """Add every gRPC service that `servicer` implements; methods that it does not write are UNIMPLEMENTED.

        Args:
            servicer: An instance of one or more generated `*Servicer` classes.
            self_validating: gRPC services that check the messages of client streams themselves.
            with_internal: Whether methods for other services of Headrace are served, too.
            trail: Where calls are noted for the audit log.

        Raises:
            TypeError: It implements none.
            ValueError: A gRPC service was added before.
        """
        registrar = _Registrar()
        for add in _adders(servicer):
            add(servicer, registrar)
        if not registrar.services:
            raise TypeError(f"{type(servicer).__name__} implements no gRPC service")
        for service, handlers in registrar.services.items():
            described = methods.methods_of(service)
            served = {name: described[name] for name in handlers if with_internal or not described[name].is_internal}
            if not served:
                continue
            if service in self.services:
                raise ValueError(f"{service} is served already")
            self.services.append(service)
            for name, method in served.items():
                if getattr(type(servicer), name).__module__.endswith("_pb2_grpc"):
                    continue
                self.by_path[method.path] = self._guards.wrap(
                    method, handlers[name], validated=service not in self_validating, trail=trail
                )

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Return the handler of a call, None if there is no such method."""
        return self.by_path.get(handler_call_details.method)


class _Registrar:
    """Stands in for a server while generated code adds a servicer, and collects the handlers."""

    def __init__(self) -> None:
        self.services: dict[str, Mapping[str, Any]] = {}

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Take no notice: the same handlers come with their names in the other call."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        self.services[service] = handlers


def _adders(servicer: object) -> Iterable[Callable[[object, object], None]]:
    for base in type(servicer).__mro__:
        if base.__module__.endswith("_pb2_grpc") and base.__name__.endswith("Servicer"):
            yield getattr(sys.modules[base.__module__], f"add_{base.__name__}_to_server")
