"""Types of blocks, their schemas, and blocks.

A schema of Prefect's classes describes data for its client, which checks them itself; its server does not. Here it is
kept whole under a word of its own, beside a schema that only names and describes the fields.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from headrace.api.v1 import block_pb2
from headrace_prefect.shapes import scalars, system_types
from headrace_prefect.shapes.schemas import WHOLE

PLACEHOLDER = "without schema"
"""The version of the schema that a type has until it gets its first."""
NO_VERSION = "non-versioned"
ANONYMOUS = "anonymous-"
"""How names of blocks begin that nobody named."""
REFERENCE = "$block"

_SHOWN = ("title", "description", "default", "examples")
_DEFINITIONS = "#/definitions/"


def checksum(fields: Mapping[str, Any]) -> str:
    """Return the digest by which Prefect's client knows a schema.

    It is taken over the fields as sorted JSON in the list and object of a call's arguments; without the lists of
    secrets, and of the definitions only those that are not of other blocks.
    """
    counted = _without_secrets(fields)
    definitions = counted.get("definitions")
    if definitions:
        own = _own_definitions(counted, definitions)
        if own:
            counted["definitions"] = own
        else:
            del counted["definitions"]
    text = json.dumps([[counted], {}], sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _without_secrets(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {key: _without_secrets(item) for key, item in value.items() if key != "secret_fields"}


def _own_definitions(value: Any, definitions: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    behind = [value]
    while behind:
        for reference in _references(behind.pop()):
            name = reference.replace(_DEFINITIONS, "")
            definition = definitions.get(name)
            if definition and definition.get("block_type_slug") is None and name not in found:
                found[name] = definition
                behind.append(definition)
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        reference = value.get("$ref")
        if isinstance(reference, str):
            yield reference
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for item in inner:
        yield from _references(item)


def to_schema(fields: dict[str, Any], capabilities: list[str], version: str) -> block_pb2.BlockSchema:
    """Return a client's schema as it is stored."""
    properties = {
        name: {word: described[word] for word in _SHOWN if word in described}
        for name, described in (fields.get("properties") or {}).items()
        if isinstance(described, dict)
    }
    stored = {"type": "object", "title": str(fields.get("title", "")), "properties": properties, WHOLE: fields}
    secrets = fields.get("secret_fields")
    return block_pb2.BlockSchema(
        fields=scalars.to_struct(stored),
        secret_fields=[path for path in secrets if isinstance(path, str)] if isinstance(secrets, list) else [],
        capabilities=capabilities,
        version=version,
        client_checksum=checksum(fields),
    )


def placeholder() -> block_pb2.BlockSchema:
    """Return the schema that a type has until it gets its first."""
    return block_pb2.BlockSchema(fields=scalars.to_struct({"type": "object"}), version=PLACEHOLDER)


def is_placeholder(schema: block_pb2.BlockSchema) -> bool:
    """Return whether a schema only stands for that there is none."""
    return schema.version == PLACEHOLDER and not schema.client_checksum


def block_type(found: block_pb2.BlockType) -> dict[str, Any]:
    """Return a type."""
    return {
        "id": found.block_type_id,
        "created": scalars.moment(found, "created_at"),
        "updated": scalars.moment(found, "updated_at"),
        "name": found.name,
        "slug": found.slug,
        "logo_url": scalars.word(found.logo_url),
        "documentation_url": scalars.word(found.documentation_url),
        "description": scalars.word(found.description),
        "code_example": scalars.word(found.code_example),
        "is_protected": found.slug in system_types.BY_SLUG,
    }


def schema(found: block_pb2.BlockSchema, of: block_pb2.BlockType) -> dict[str, Any]:
    """Return a schema of a type."""
    fields = scalars.of_struct(found.fields) if found.HasField("fields") else {}
    created = scalars.moment(found, "created_at")
    return {
        "id": found.block_schema_id,
        "created": created,
        "updated": created,
        "checksum": found.client_checksum or f"sha256:{found.checksum}",
        "fields": fields.get(WHOLE, fields),
        "block_type_id": of.block_type_id,
        "block_type": block_type(of),
        "capabilities": list(found.capabilities),
        "version": found.version or NO_VERSION,
    }


def document(answer: block_pb2.GetBlockResponse, type_of: Callable[[str], block_pb2.BlockType]) -> dict[str, Any]:
    """Return a block with the blocks that it refers to in it.

    Args:
        answer: The block, and all that it refers to.
        type_of: Returns a type by its slug.
    """
    others = {f"{block.type_slug}/{block.name}": block for block in answer.referenced}
    block = answer.block
    data, references = _resolved(block, others, type_of)
    of = type_of(block.type_slug)
    return {
        "id": block.block_id,
        "created": scalars.moment(block, "created_at"),
        "updated": scalars.moment(block, "updated_at"),
        "name": block.name,
        "data": data,
        "block_schema_id": block.schema.block_schema_id,
        "block_schema": schema(block.schema, of),
        "block_type_id": of.block_type_id,
        "block_type_name": of.name,
        "block_type": block_type(of),
        "block_document_references": references,
        "is_anonymous": block.name.startswith(ANONYMOUS),
    }


def _resolved(
    block: block_pb2.Block,
    others: Mapping[str, block_pb2.Block],
    type_of: Callable[[str], block_pb2.BlockType],
) -> tuple[dict[str, Any], dict[str, Any]]:
    data = scalars.of_struct(block.data)
    references: dict[str, Any] = {}
    for key, value in data.items():
        other = others.get(value[REFERENCE]) if isinstance(value, dict) and REFERENCE in value else None
        if other is None:
            continue
        inner, inner_references = _resolved(other, others, type_of)
        data[key] = inner
        references[key] = {
            "block_document": {
                "id": other.block_id,
                "name": other.name,
                "block_type": block_type(type_of(other.type_slug)),
                "is_anonymous": other.name.startswith(ANONYMOUS),
                "block_document_references": inner_references,
            }
        }
    return data, references
