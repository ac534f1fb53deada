"""The OpenAPI document of the HTTP API, made from the contract: routes, messages and what the comments say."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from typing import Any

from google.protobuf import descriptor
from google.rpc import status_pb2

from headrace_gateway.contract import Contract, PublicMethod, Rule
from headrace_gateway.routes import parse_template
from headrace_gateway.schemas import Schemas, reference
from headrace_gateway.transcoding.decoder import Parameters
from headrace_gateway.transcoding.scalars import is_repeated, message_of
from headrace_gateway.transcoding.wellknown import FROM_TEXT

_PUBLIC = "PERMISSION_PUBLIC"
_QUERY_DEPTH = 3
_SUMMARY_ENDS = (". ", ".\n")


def document(contract: Contract) -> dict[str, Any]:
    """Return the document, version 3.1, ready for JSON."""
    schemas = Schemas(contract.comments)
    paths: dict[str, dict[str, Any]] = {}
    for method in contract.methods:
        for index, rule in enumerate(method.rules):
            operation = _operation(contract, schemas, method, rule, index)
            path = _plain(rule.template)
            paths.setdefault(path, {})[rule.verb.lower()] = operation
    schemas.of(status_pb2.Status.DESCRIPTOR)
    services = dict.fromkeys(method.service for method in contract.methods)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Headrace",
            "version": importlib.metadata.version("headrace"),
            "description": (
                "Every path can stand behind `/v1/workspaces/{workspace}` in place of `/v1`; the header "
                "`headrace-workspace` does the same. Without either the default workspace is meant. "
                "Fields are named as here or in lowerCamelCase; 64-bit integers are strings; "
                "unknown fields are refused."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": service, "description": contract.comments.get(f"headrace.api.v1.{service}", "")}
            for service in services
        ],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.made.items())),
            "responses": {
                "Error": {
                    "description": "What went wrong, as a google.rpc.Status. `details` has exactly one ErrorInfo "
                    "with a stable `reason`, and a BadRequest that names the fields where fields are wrong.",
                    "content": {"application/json": {"schema": reference("google.rpc.Status")}},
                }
            },
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(contract: Contract, schemas: Schemas, method: PublicMethod, rule: Rule, index: int) -> dict[str, Any]:
    summary, description = _split(method.comment)
    operation: dict[str, Any] = {
        "operationId": method.name if index == 0 else f"{method.name}By{rule.verb.title()}",
        "tags": [method.service],
        "summary": summary,
        "description": "\n\n".join(filter(None, (description, f"Permission: `{method.permission}`"))),
        "parameters": list(_parameters(contract, schemas, method, rule)),
        "responses": {
            "200": {"description": _said(contract, method.response), "content": _content(schemas, method)},
            "default": {"$ref": "#/components/responses/Error"},
        },
        "security": [{}] if method.permission == _PUBLIC else [{"key": []}, {}],
    }
    if rule.body:
        body = method.request if rule.body == "*" else message_of(method.request.fields_by_name[rule.body])
        operation["requestBody"] = {"content": {"application/json": {"schema": schemas.of(body)}}, "required": True}
    return operation


def _content(schemas: Schemas, method: PublicMethod) -> dict[str, Any]:
    if method.is_document:
        return {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    schema = schemas.of(method.response)
    if not method.streams:
        return {"application/json": {"schema": schema}}
    lines = 'One answer a line; an empty line is a sign of life; a line `{"error": ...}` is the end by an error.'
    events = (
        "One answer in the data of each event; `end` is the end, `status` the end by an error; "
        "comments are signs of life."
    )
    return {
        "application/x-ndjson": {"schema": {**schema, "description": lines}},
        "text/event-stream": {"schema": {**schema, "description": events}},
    }


def _parameters(contract: Contract, schemas: Schemas, method: PublicMethod, rule: Rule) -> Iterator[dict[str, Any]]:
    variables = parse_template(rule.template).variables
    parameters = Parameters(method.request)
    for variable in variables:
        field = parameters.field(variable)
        yield {
            "name": variable,
            "in": "path",
            "required": True,
            "description": contract.comments.get(field.full_name, ""),
            "schema": schemas.of_value(field),
        }
    if not rule.body:
        for path, field in _query(method.request, "", _QUERY_DEPTH):
            if path not in variables:
                schema = schemas.of_value(field)
                yield {
                    "name": path,
                    "in": "query",
                    "description": contract.comments.get(field.full_name, ""),
                    "schema": {"type": "array", "items": schema} if is_repeated(field) else schema,
                }


def _query(
    described: descriptor.Descriptor, prefix: str, depth: int
) -> Iterator[tuple[str, descriptor.FieldDescriptor]]:
    for field in described.fields:
        path = f"{prefix}{field.name}"
        if field.message_type is None or field.message_type.full_name in FROM_TEXT:
            yield path, field
        elif depth and not is_repeated(field) and not field.message_type.full_name.startswith("google.protobuf."):
            yield from _query(field.message_type, f"{path}.", depth - 1)


def _said(contract: Contract, described: descriptor.Descriptor) -> str:
    return contract.comments.get(described.full_name, described.name)


def _split(comment: str) -> tuple[str, str]:
    """Return the first sentence without its point, and the rest."""
    ends = [index for index in (comment.find(end) for end in _SUMMARY_ENDS) if index >= 0]
    if not ends:
        return comment.rstrip("."), ""
    return comment[: min(ends)], comment[min(ends) + 1 :].strip()


def _plain(template: str) -> str:
    return template.replace("=*}", "}")
