"""`/block_documents`: blocks, with their secrets for those who may see them."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from headrace import errors
from headrace.api.v1 import block_pb2
from headrace_prefect import lists
from headrace_prefect.answers import Answer, Invalid, Refusal, made, no_content, not_found, ok
from headrace_prefect.bodies.fields import (
    Body,
    Field,
    Wrong,
    at_least,
    boolean,
    identifier,
    identifiers,
    integer,
    json_object,
    nested,
    one_of,
    string,
    strings,
)
from headrace_prefect.filters import values
from headrace_prefect.request import Request
from headrace_prefect.resources import block_types
from headrace_prefect.resources.routes import Route
from headrace_prefect.routing import is_id
from headrace_prefect.shapes import blocks as shapes
from headrace_prefect.shapes import scalars

_TOGETHER = 10
"""Blocks that are read at a time."""


def _name(value: Any) -> str:
    name = string(value)
    if not name or not all(letter in "abcdefghijklmnopqrstuvwxyz0123456789-" for letter in name):
        raise Wrong("name must only contain lowercase letters, numbers, and dashes.")
    return name


_CREATE = {
    "name": Field(_name),
    "data": Field(json_object, default=dict),
    "block_schema_id": Field(identifier, required=True),
    "block_type_id": Field(identifier, required=True),
    "is_anonymous": Field(boolean, default=False),
}
_UPDATE = {
    "block_schema_id": Field(identifier),
    "data": Field(json_object, default=dict),
    "merge_existing_data": Field(boolean, default=True),
}
_IDS = Field(nested({"any_": Field(identifiers)}))
_FILTER = nested(
    {
        "operator": Field(one_of(("and_", "or_")), default="and_"),
        "id": _IDS,
        "is_anonymous": Field(nested({"eq_": Field(boolean)})),
        "block_type_id": _IDS,
        "name": Field(nested({"any_": Field(strings), "like_": Field(string)})),
    }
)
_CRITERIA = {
    "block_documents": Field(_FILTER),
    "block_types": Field(block_types.TYPE_FILTER),
    "block_schemas": Field(block_types.SCHEMA_FILTER),
}
_SORTS = ("NAME_ASC", "NAME_DESC", "BLOCK_TYPE_AND_NAME_ASC")


async def create_block_document(request: Request) -> Answer:
    """Create a block."""
    body = request.body(_CREATE)
    if not body["name"] and not body["is_anonymous"]:
        raise Invalid.of(msg="Names must be provided for block documents.")
    types = await block_types.all_types(request)
    of = types.of_id(body["block_type_id"])
    if of is None:
        raise not_found("Block type")
    try:
        answer = await request.call(
            request.services.blocks.SaveBlock,
            block_pb2.SaveBlockRequest(
                type_slug=of.slug,
                name=body["name"] or f"{shapes.ANONYMOUS}{uuid.uuid4()}",
                data=scalars.to_struct(await _to_ours(request, body["data"])),
                block_schema_id=body["block_schema_id"],
            ),
        )
    except errors.AlreadyExists:
        raise Refusal(409, "Block already exists") from None
    return made(await _read(request, types, answer.block, include_secrets=False))


async def read_block_document(request: Request) -> Answer:
    """Return a block by its id."""
    block = await _by_id(request)
    types = await block_types.all_types(request)
    return ok(await _read(request, types, block, include_secrets=request.is_set("include_secrets")))


async def read_block_document_by_name(request: Request) -> Answer:
    """Return a block by its type and name."""
    types = await block_types.all_types(request)
    block = block_pb2.Block(type_slug=request.path["slug"], name=request.path["block_document_name"])
    try:
        return ok(await _read(request, types, block, include_secrets=request.is_set("include_secrets")))
    except errors.NotFound:
        raise not_found("Block document") from None


async def read_block_documents_of_type(request: Request) -> Answer:
    """Return the blocks of a type."""
    of = await block_types.by_slug(request)
    found = await lists.window(
        request,
        request.services.blocks.ListBlocks,
        block_pb2.ListBlocksRequest(type_slugs=[of.slug]),
        "blocks",
        offset=0,
        limit=lists.PAGE,
        keep=lambda block: not block.name.startswith(shapes.ANONYMOUS),
    )
    types = await block_types.all_types(request)
    return ok(await _read_all(request, types, found, include_secrets=request.is_set("include_secrets")))


async def read_block_documents(request: Request) -> Answer:
    """Return some blocks."""
    body = request.body(
        {
            **_CRITERIA,
            "include_secrets": Field(boolean, default=False),
            "sort": Field(one_of(_SORTS), default="NAME_ASC"),
            "limit": Field(integer),
            "offset": Field(at_least(0), default=0),
        }
    )
    limit, offset = request.limit(body), body["offset"]
    types = await block_types.all_types(request)
    found = await _found(request, body, types)
    if body["sort"] != "BLOCK_TYPE_AND_NAME_ASC":
        found.sort(key=lambda block: block.name, reverse=body["sort"] == "NAME_DESC")
    else:
        found.sort(key=lambda block: (types.of_slug(block.type_slug).name, block.name))
    shown = found[offset : offset + limit]
    return ok(await _read_all(request, types, shown, include_secrets=body["include_secrets"]))


async def count_block_documents(request: Request) -> Answer:
    """Count some blocks."""
    types = await block_types.all_types(request)
    return ok(len(await _found(request, request.body(_CRITERIA), types)))


async def update_block_document(request: Request) -> Answer:
    """Change the data of a block; secrets that are sent back hidden stay."""
    body = request.body(_UPDATE)
    block = await _by_id(request)
    data = await _to_ours(request, body["data"])
    if body["merge_existing_data"]:
        data = {**scalars.of_struct(block.data), **data}
    await request.call(
        request.services.blocks.SaveBlock,
        block_pb2.SaveBlockRequest(
            type_slug=block.type_slug,
            name=block.name,
            data=scalars.to_struct(data),
            overwrite=True,
            block_schema_id=body["block_schema_id"] or block.schema.block_schema_id,
        ),
    )
    return no_content()


async def delete_block_document(request: Request) -> Answer:
    """Delete a block."""
    block = await _by_id(request)
    await request.call(
        request.services.blocks.DeleteBlock, block_pb2.DeleteBlockRequest(type_slug=block.type_slug, name=block.name)
    )
    return no_content()


async def find_blocks(request: Request, block_ids: list[str]) -> dict[str, block_pb2.Block]:
    """Return blocks by their ids, without their secrets; those that are not there are left out."""
    if not block_ids:
        return {}
    page = await request.call(
        request.services.blocks.ListBlocks,
        block_pb2.ListBlocksRequest(block_ids=block_ids, page_size=lists.PAGE),
    )
    return {block.block_id: block for block in page.blocks}


async def _by_id(request: Request) -> block_pb2.Block:
    found = await find_blocks(request, [request.path["id"]])
    if not found:
        raise not_found("Block document")
    return found[request.path["id"]]


async def _to_ours(request: Request, data: dict[str, Any]) -> dict[str, Any]:
    """Return data with our words in place of the ids of other blocks."""
    wanted: dict[str, str] = {}
    for key, value in data.items():
        if not isinstance(value, dict) or "$ref" not in value:
            continue
        reference = value["$ref"]
        block_id = reference.get("block_document_id") if isinstance(reference, dict) else reference
        if not isinstance(block_id, str) or not is_id(block_id):
            raise Refusal(400, f"Received block reference without a block_document_id in key {key}")
        wanted[key] = str(uuid.UUID(block_id))
    found = await find_blocks(request, sorted(set(wanted.values())))
    replaced = dict(data)
    for key, block_id in wanted.items():
        block = found.get(block_id)
        if block is None:
            raise Refusal(400, f"The block document {block_id} in key {key} does not exist")
        replaced[key] = {shapes.REFERENCE: f"{block.type_slug}/{block.name}"}
    return replaced


async def _found(request: Request, body: Body, types: block_types.Types) -> list[block_pb2.Block]:
    chosen = body["block_documents"]
    wants_anonymous = chosen is not None and "is_anonymous" in chosen.given
    tests = {
        "id": values.any_of(lambda block: block.block_id),
        "block_type_id": values.any_of(lambda block: types.of_slug(block.type_slug).block_type_id),
        "name": values.named(lambda block: block.name),
        "is_anonymous": lambda value, block: (
            [] if value["eq_"] is None else [block.name.startswith(shapes.ANONYMOUS) is value["eq_"]]
        ),
    }
    keep = values.test(chosen, tests)
    keep_type = values.test(body["block_types"], block_types.TYPE_TESTS)
    message = block_pb2.ListBlocksRequest()
    if chosen is not None and chosen["operator"] == "and_" and chosen["id"] is not None:
        message.block_ids.extend(chosen["id"]["any_"] or ())
    schemas = body["block_schemas"]
    keep_schema = values.test(schemas, {name: types.schema_tests()[name] for name in ("block_type_id", "id")})
    if schemas is not None and schemas["block_capabilities"] is not None:
        message.capabilities.extend(schemas["block_capabilities"]["all_"] or ())

    def holds(block: block_pb2.Block) -> bool:
        if not wants_anonymous and block.name.startswith(shapes.ANONYMOUS):
            return False
        return (
            (keep is None or keep(block))
            and (keep_type is None or keep_type(types.of_slug(block.type_slug)))
            and (keep_schema is None or keep_schema(block.schema))
        )

    return await lists.every(request, request.services.blocks.ListBlocks, message, "blocks", keep=holds)


async def _read(
    request: Request, types: block_types.Types, block: block_pb2.Block, *, include_secrets: bool
) -> dict[str, Any]:
    answer = await request.call(
        request.services.blocks.GetBlock,
        block_pb2.GetBlockRequest(type_slug=block.type_slug, name=block.name, include_secrets=include_secrets),
    )
    return shapes.document(answer, types.of_slug)


async def _read_all(
    request: Request, types: block_types.Types, found: list[block_pb2.Block], *, include_secrets: bool
) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    for start in range(0, len(found), _TOGETHER):
        some = found[start : start + _TOGETHER]
        shown += await asyncio.gather(
            *(_read(request, types, block, include_secrets=include_secrets) for block in some)
        )
    return shown


ROUTES = (
    Route("POST", "/block_documents/", create_block_document),
    Route("POST", "/block_documents/filter", read_block_documents),
    Route("POST", "/block_documents/count", count_block_documents),
    Route("GET", "/block_documents/{id:uuid}", read_block_document),
    Route("PATCH", "/block_documents/{id:uuid}", update_block_document),
    Route("DELETE", "/block_documents/{id:uuid}", delete_block_document),
    Route("GET", "/block_types/slug/{slug}/block_documents", read_block_documents_of_type),
    Route("GET", "/block_types/slug/{slug}/block_documents/name/{block_document_name}", read_block_document_by_name),
)
