"""Writes docs/permissions.md from the contract and the roles of the server: `python -m tools.permissions [--check]`."""

from __future__ import annotations

import importlib
import pathlib
import pkgutil
import sys
from collections.abc import Iterator

from google.protobuf import descriptor

import headrace.api.v1
from headrace.api.v1 import options_pb2
from headrace_chassis.methods import Method, methods_of
from headrace_gateway.contract import load_contract
from headrace_identity.rules.roles import built_in_roles
from headrace_identity.wire import PERMISSION_NAMES

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "permissions.md"

_HEAD = """# Permissions

This page is written from the contract (`protos/headrace/api/v1`) and the roles that come with the server; do not edit
it, run `python -m tools.permissions`. A test calls every method with every role and finds exactly this.

Every method names the permission that its callers need, and a method that names none is refused. *anybody* needs no
credentials; *signed in* needs some, whatever they may do. Where an object is named, a role on that object alone is
enough (`headrace role assign ROLE --on KIND:NAME`). Methods for Headrace's own services are refused to everybody else.

"""


def public_methods() -> list[Method]:
    """Return all methods of the public contract, in order of service and name."""
    found: list[Method] = []
    for module in pkgutil.iter_modules(headrace.api.v1.__path__):
        if module.name.endswith("_pb2"):
            described: descriptor.FileDescriptor = importlib.import_module(f"headrace.api.v1.{module.name}").DESCRIPTOR
            for service in described.services_by_name.values():
                found += methods_of(service.full_name).values()
    return sorted(found, key=lambda method: method.path)


def render() -> str:
    """Return the page."""
    return _HEAD + "\n".join((*_roles(), "", *_methods())) + "\n"


def _roles() -> Iterator[str]:
    roles = built_in_roles(PERMISSION_NAMES)
    yield "## What roles may do"
    yield ""
    yield f"| permission | {' | '.join(role.name for role in roles.values())} |"
    yield "|---|" + "---|" * len(roles)
    for name, number in options_pb2.Permission.items():
        if name in PERMISSION_NAMES:
            held = ("yes" if name in role.permissions else "" for role in roles.values())
            yield f"| `{words(number)}` | {' | '.join(held)} |"
    yield ""
    yield "A role that is held in a workspace never includes `account-admin`; one that is held in the account does."


def _methods() -> Iterator[str]:
    forms = {method.path: method.rules for method in load_contract().methods}
    yield "## What methods need"
    service = ""
    for method in public_methods():
        if method.service != service:
            service = method.service
            yield ""
            yield f"### {service.rpartition('.')[2]}"
            yield ""
            yield "| method | HTTP | permission | on an object |"
            yield "|---|---|---|---|"
        http = ", ".join(f"`{rule.verb} {rule.template}`" for rule in forms.get(method.path, ()))
        kind = options_pb2.ObjectKind.ValueType(method.object_kind)
        about = options_pb2.ObjectKind.Name(kind).removeprefix("OBJECT_KIND_").lower() if kind else ""
        yield f"| {method.name} | {http} | {words(method.permission)} | {about.replace('_', ' ')} |"


def words(permission: int) -> str:
    """Return a permission as people write it."""
    match permission:
        case options_pb2.PERMISSION_PUBLIC:
            return "*anybody*"
        case options_pb2.PERMISSION_AUTHENTICATED:
            return "*signed in*"
        case options_pb2.PERMISSION_INTERNAL:
            return "*Headrace's own services*"
    name = options_pb2.Permission.Name(options_pb2.Permission.ValueType(permission))
    return name.removeprefix("PERMISSION_").lower().replace("_", "-")


def main() -> int:
    """Write or, with --check, compare the page; return the exit code."""
    page = render()
    if "--check" in sys.argv[1:]:
        if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page:
            return 0
        sys.stderr.write(f"{PAGE.name} is not what the contract says; run python -m tools.permissions\n")
        return 1
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
