"""Types of blocks, and blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.api.v1 import block_pb2
from headrace_state.rules.blocks import BlockSchemaFilter, BlockTypeWish, put_together
from headrace_state.rules.rows import Row
from headrace_state.wire import values
from headrace_state.wire.creation import unique


def to_type_wish(request: block_pb2.RegisterBlockTypeRequest) -> BlockTypeWish:
    """Return the type that a caller wants.

    Raises:
        errors.InvalidArgument: The schema holds what JSON cannot.
    """
    return BlockTypeWish(
        slug=request.slug,
        name=request.name,
        description=request.description,
        logo_url=request.logo_url,
        documentation_url=request.documentation_url,
        code_example=request.code_example,
        fields=values.to_object(request.schema.fields, "schema.fields"),
        secret_fields=tuple(sorted(set(request.schema.secret_fields))),
        capabilities=tuple(unique(request.schema.capabilities)),
        version=request.schema.version,
        client_checksum=request.schema.client_checksum,
    )


def to_schema_filter(request: block_pb2.ListBlockSchemasRequest) -> BlockSchemaFilter:
    """Return which schemas a caller wants.

    Raises:
        errors.InvalidArgument: An id is none.
    """
    return BlockSchemaFilter(
        schema_ids=values.to_ids(request.block_schema_ids, "block_schema_ids"),
        type_slugs=tuple(request.type_slugs),
        client_checksum=request.client_checksum,
        capabilities=tuple(request.capabilities),
        version=request.version,
        with_client_checksum=request.with_client_checksum,
    )


def block_type(row: Row) -> block_pb2.BlockType:
    """Return the type in a row."""
    return block_pb2.BlockType(
        block_type_id=str(row["block_type_id"]),
        slug=row["slug"],
        name=row["name"],
        description=row["description"],
        logo_url=row["logo_url"],
        documentation_url=row["documentation_url"],
        code_example=row["code_example"],
        schema=block_schema(row),
        created_at=values.from_time(row["created_at"]),
        updated_at=values.from_time(row["updated_at"]),
    )


def block(row: Row, secrets: Mapping[str, Any] | None = None, *, with_schema: bool = True) -> block_pb2.Block:
    """Return the block in a row; its secrets are hidden unless they are given, by place."""
    data = put_together(row["data"], secrets) if secrets else row["data"]
    return block_pb2.Block(
        block_id=str(row["block_id"]),
        type_slug=row["slug"],
        name=row["name"],
        data=values.from_object(data),
        secrets=row["secret_paths"],
        schema=block_schema(row) if with_schema else _schema_id(row),
        created_at=values.from_time(row["created_at"]),
        updated_at=values.from_time(row["updated_at"]),
    )


def block_schema(row: Row) -> block_pb2.BlockSchema:
    """Return the schema in a row."""
    return block_pb2.BlockSchema(
        fields=values.from_object(row["fields"]),
        secret_fields=row["secret_fields"],
        capabilities=row["capabilities"],
        version=row["version"],
        checksum=row["checksum"],
        block_schema_id=str(row["block_schema_id"]),
        type_slug=row["slug"],
        client_checksum=row["client_checksum"],
        created_at=values.from_time(row["schema_created_at"]),
    )


def _schema_id(row: Row) -> block_pb2.BlockSchema:
    return block_pb2.BlockSchema(block_schema_id=str(row["block_schema_id"]), type_slug=row["slug"])
