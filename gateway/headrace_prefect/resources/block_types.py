"""`/block_types`, `/block_schemas`, `/block_capabilities`: what blocks have in common, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headrace import errors
from headrace.api.v1 import block_pb2
from headrace_prefect import lists
from headrace_prefect.answers import Answer, Refusal, made, no_content, not_found, ok
from headrace_prefect.bodies.fields import (
    Body,
    Field,
    Wrong,
    at_least,
    identifier,
    identifiers,
    integer,
    json_object,
    name,
    nested,
    one_of,
    string,
    strings,
)
from headrace_prefect.filters import values
from headrace_prefect.request import Request
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes import blocks as shapes
from headrace_prefect.shapes import system_types

_TEXTS = ("logo_url", "documentation_url", "description", "code_example")
_PROTECTED = "prefect"


def _slug(value: Any) -> str:
    slug = string(value)
    if not slug or not all(letter in "abcdefghijklmnopqrstuvwxyz0123456789-" for letter in slug):
        raise Wrong("slug must only contain lowercase letters, numbers, and dashes.")
    return slug


_TYPE = {
    "name": Field(name, required=True),
    "slug": Field(_slug, required=True),
    **{text: Field(string, default="") for text in _TEXTS},
}
_TYPE_CHANGE = {text: Field(string) for text in _TEXTS}
_SCHEMA = {
    "fields": Field(json_object, default=dict),
    "block_type_id": Field(identifier, required=True),
    "capabilities": Field(strings, default=list),
    "version": Field(string, default=shapes.NO_VERSION),
}
_OPERATOR = Field(one_of(("and_", "or_")), default="and_")
TYPE_FILTER = nested({"name": Field(nested({"like_": Field(string)})), "slug": Field(nested({"any_": Field(strings)}))})
SCHEMA_FILTER = nested(
    {
        "operator": _OPERATOR,
        "block_type_id": Field(nested({"any_": Field(identifiers)})),
        "block_capabilities": Field(nested({"all_": Field(strings)})),
        "id": Field(nested({"any_": Field(identifiers)})),
        "version": Field(nested({"any_": Field(strings)})),
    }
)
_WINDOW = {"limit": Field(integer), "offset": Field(at_least(0), default=0)}


def _capable(value: Body, schema: block_pb2.BlockSchema) -> Iterable[bool]:
    if value["all_"] is not None:
        yield set(schema.capabilities).issuperset(value["all_"])


TYPE_TESTS = {
    "name": values.named(lambda found: found.name),
    "slug": values.any_of(lambda found: found.slug),
}


class Types:
    """The types of blocks of a workspace, by slug and by id."""

    def __init__(self, found: Iterable[block_pb2.BlockType]) -> None:
        self.all = list(found)
        self._by_slug = {each.slug: each for each in self.all}
        self._by_id = {each.block_type_id: each for each in self.all}

    def of_slug(self, slug: str) -> block_pb2.BlockType:
        """Return a type; an empty one for a type that has gone meanwhile."""
        return self._by_slug.get(slug) or block_pb2.BlockType(slug=slug, name=slug)

    def find(self, slug: str) -> block_pb2.BlockType | None:
        """Return a type, None if there is none."""
        return self._by_slug.get(slug)

    def of_id(self, type_id: str) -> block_pb2.BlockType | None:
        """Return a type, None if there is none."""
        return self._by_id.get(type_id)

    def schema_tests(self) -> dict[str, values.Test]:
        """Return the tests of criteria on schemas."""
        return {
            "block_type_id": values.any_of(lambda schema: self.of_slug(schema.type_slug).block_type_id),
            "block_capabilities": _capable,
            "id": values.any_of(lambda schema: schema.block_schema_id),
            "version": values.any_of(lambda schema: schema.version or shapes.NO_VERSION),
        }


async def all_types(request: Request) -> Types:
    """Return all types of blocks."""
    method = request.services.blocks.ListBlockTypes
    return Types(await lists.every(request, method, block_pb2.ListBlockTypesRequest(), "block_types"))


async def _types_and_system_types(request: Request) -> Types:
    """Return all types, with those of Prefect's client; who may not make them known sees what is there."""
    types = await all_types(request)
    missing = [each for each in system_types.TYPES if types.find(each.slug) is None]
    if not missing:
        return types
    try:
        await _install(request, missing)
    except errors.PermissionDenied:
        return types
    return await all_types(request)


async def _install(request: Request, missing: Iterable[system_types.SystemType]) -> None:
    for each in missing:
        await request.call(request.services.blocks.RegisterBlockType, each.registration())


async def create_block_type(request: Request) -> Answer:
    """Create a type; it gets its schema later."""
    body = request.body(_TYPE)
    if body["name"].lower().startswith(_PROTECTED):
        raise Refusal(403, "Block type names beginning with 'Prefect' are reserved.")
    page = await request.call(
        request.services.blocks.ListBlockTypes, block_pb2.ListBlockTypesRequest(slugs=[body["slug"]])
    )
    if page.block_types:
        raise Refusal(409, f'Block type with name "{body["name"]}" already exists')
    return made(shapes.block_type(await _register(request, body, shapes.placeholder())))


async def read_block_type(request: Request) -> Answer:
    """Return a type by its id."""
    return ok(shapes.block_type(await _by_id(request, request.path["id"])))


async def read_block_type_by_slug(request: Request) -> Answer:
    """Return a type by its slug."""
    return ok(shapes.block_type(await by_slug(request)))


async def read_block_types(request: Request) -> Answer:
    """Return some types."""
    body = request.body({"block_types": Field(TYPE_FILTER), "block_schemas": Field(SCHEMA_FILTER), **_WINDOW})
    limit, offset = request.limit(body), body["offset"]
    types = await _types_and_system_types(request)
    keep = values.test(body["block_types"], TYPE_TESTS)
    found = [each for each in types.all if keep is None or keep(each)]
    keep_schema = values.test(body["block_schemas"], types.schema_tests())
    if keep_schema is not None:
        having = {schema.type_slug for schema in await _schemas(request) if keep_schema(schema)}
        found = [each for each in found if each.slug in having]
    found.sort(key=lambda each: each.name)
    return ok([shapes.block_type(each) for each in found[offset : offset + limit]])


async def update_block_type(request: Request) -> Answer:
    """Change what is said of a type."""
    body = request.body(_TYPE_CHANGE)
    before = await _by_id(request, request.path["id"])
    texts = {text: body[text] or "" if text in body.given else getattr(before, text) for text in _TEXTS}
    await _register(request, {"slug": before.slug, "name": before.name, **texts}, before.schema)
    return no_content()


async def delete_block_type(request: Request) -> Answer:
    """Delete a type with its blocks."""
    found = await _by_id(request, request.path["id"])
    if found.slug in system_types.BY_SLUG:
        raise Refusal(403, "protected block types cannot be deleted.")
    blocks = await lists.every(
        request,
        request.services.blocks.ListBlocks,
        block_pb2.ListBlocksRequest(type_slugs=[found.slug]),
        "blocks",
    )
    for block in blocks:
        await request.call(
            request.services.blocks.DeleteBlock,
            block_pb2.DeleteBlockRequest(type_slug=block.type_slug, name=block.name),
        )
    await request.call(request.services.blocks.DeleteBlockType, block_pb2.DeleteBlockTypeRequest(slug=found.slug))
    return no_content()


async def install_system_block_types(request: Request) -> Answer:
    """Make the types of Prefect's client known that are not yet."""
    types = await all_types(request)
    await _install(request, [each for each in system_types.TYPES if types.find(each.slug) is None])
    return ok(None)


async def create_block_schema(request: Request) -> Answer:
    """Add a schema to a type; it becomes the newest one."""
    body = request.body(_SCHEMA)
    try:
        of = await _by_id(request, body["block_type_id"])
    except Refusal:
        raise Refusal(404, f"Block type {body['block_type_id']} not found.") from None
    wanted = shapes.to_schema(body["fields"], body["capabilities"], body["version"])
    page = await request.call(
        request.services.blocks.ListBlockSchemas,
        block_pb2.ListBlockSchemasRequest(
            client_checksum=wanted.client_checksum, version=wanted.version, type_slugs=[of.slug]
        ),
    )
    if page.schemas:
        return made(shapes.schema(page.schemas[0], of), is_new=False)
    texts = {text: getattr(of, text) for text in ("slug", "name", *_TEXTS)}
    after = await _register(request, texts, wanted)
    return made(shapes.schema(after.schema, after))


async def read_block_schema(request: Request) -> Answer:
    """Return a schema by its id."""
    return ok(await _whole(request, await _schema(request)))


async def read_block_schema_by_checksum(request: Request) -> Answer:
    """Return the newest schema with a digest."""
    page = await request.call(
        request.services.blocks.ListBlockSchemas,
        block_pb2.ListBlockSchemasRequest(
            client_checksum=request.path["checksum"], version=request.query.get("version", ""), page_size=1
        ),
    )
    if not page.schemas:
        raise not_found("Block schema")
    return ok(await _whole(request, page.schemas[0]))


async def read_block_schemas(request: Request) -> Answer:
    """Return some schemas, the newest first."""
    body = request.body({"block_schemas": Field(SCHEMA_FILTER), **_WINDOW})
    limit, offset = request.limit(body), body["offset"]
    types = await _types_and_system_types(request)
    keep = values.test(body["block_schemas"], types.schema_tests())
    found = [schema for schema in await _schemas(request) if keep is None or keep(schema)]
    return ok([shapes.schema(each, types.of_slug(each.type_slug)) for each in found[offset : offset + limit]])


async def delete_block_schema(request: Request) -> Answer:
    """Delete a schema of which there are no blocks."""
    schema = await _schema(request)
    page = await request.call(
        request.services.blocks.ListBlockTypes, block_pb2.ListBlockTypesRequest(slugs=[schema.type_slug])
    )
    for of in page.block_types:
        if of.schema.block_schema_id == schema.block_schema_id:
            # A type always has a newest schema: another one, or the one that stands for none.
            others = await _schemas(request, of.slug, keep=lambda other: other != schema)
            texts = {text: getattr(of, text) for text in ("slug", "name", *_TEXTS)}
            await _register(request, texts, others[0] if others else shapes.placeholder())
    try:
        await request.call(
            request.services.blocks.DeleteBlockSchema,
            block_pb2.DeleteBlockSchemaRequest(block_schema_id=schema.block_schema_id),
        )
    except errors.FailedPrecondition as error:
        raise Refusal(409, error.message) from None
    return no_content()


async def read_block_capabilities(request: Request) -> Answer:
    """Return what blocks can do."""
    await _types_and_system_types(request)
    found = {capability for schema in await _schemas(request) for capability in schema.capabilities}
    return ok(sorted(found))


async def by_slug(request: Request) -> block_pb2.BlockType:
    """Return the type whose slug the path names.

    Raises:
        Refusal: There is none (404).
    """
    slug = request.path["slug"]
    try:
        answer = await request.call(request.services.blocks.GetBlockType, block_pb2.GetBlockTypeRequest(slug=slug))
        return answer.block_type
    except errors.NotFound:
        of_client = system_types.BY_SLUG.get(slug)
        if of_client is None:
            raise not_found("Block type") from None
    try:
        made_known = await request.call(request.services.blocks.RegisterBlockType, of_client.registration())
        return made_known.block_type
    except errors.PermissionDenied:
        raise not_found("Block type") from None


async def _by_id(request: Request, type_id: str) -> block_pb2.BlockType:
    page = await request.call(
        request.services.blocks.ListBlockTypes, block_pb2.ListBlockTypesRequest(block_type_ids=[type_id])
    )
    if not page.block_types:
        raise not_found("Block type")
    return page.block_types[0]


async def _register(request: Request, texts: Any, schema: block_pb2.BlockSchema) -> block_pb2.BlockType:
    message = block_pb2.RegisterBlockTypeRequest(
        slug=texts["slug"], name=texts["name"], **{text: texts[text] for text in _TEXTS}
    )
    message.schema.fields.CopyFrom(schema.fields)
    message.schema.secret_fields.extend(schema.secret_fields)
    message.schema.capabilities.extend(schema.capabilities)
    message.schema.version = schema.version
    message.schema.client_checksum = schema.client_checksum
    answer = await request.call(request.services.blocks.RegisterBlockType, message)
    return answer.block_type


async def _schema(request: Request) -> block_pb2.BlockSchema:
    page = await request.call(
        request.services.blocks.ListBlockSchemas,
        block_pb2.ListBlockSchemasRequest(block_schema_ids=[request.path["id"]]),
    )
    if not page.schemas:
        raise not_found("Block schema")
    return page.schemas[0]


async def _schemas(
    request: Request, slug: str | None = None, keep: lists.Keep | None = None
) -> list[block_pb2.BlockSchema]:
    return await lists.every(
        request,
        request.services.blocks.ListBlockSchemas,
        block_pb2.ListBlockSchemasRequest(type_slugs=[slug] if slug is not None else []),
        "schemas",
        keep=lambda schema: not shapes.is_placeholder(schema) and (keep is None or keep(schema)),
    )


async def _whole(request: Request, schema: block_pb2.BlockSchema) -> dict[str, Any]:
    page = await request.call(
        request.services.blocks.ListBlockTypes, block_pb2.ListBlockTypesRequest(slugs=[schema.type_slug])
    )
    return shapes.schema(schema, Types(page.block_types).of_slug(schema.type_slug))


ROUTES = (
    Route("GET", "/block_capabilities/", read_block_capabilities),
    Route("POST", "/block_types/", create_block_type),
    Route("POST", "/block_types/filter", read_block_types),
    Route("POST", "/block_types/install_system_block_types", install_system_block_types),
    Route("GET", "/block_types/slug/{slug}", read_block_type_by_slug),
    Route("GET", "/block_types/{id:uuid}", read_block_type),
    Route("PATCH", "/block_types/{id:uuid}", update_block_type),
    Route("DELETE", "/block_types/{id:uuid}", delete_block_type),
    Route("POST", "/block_schemas/", create_block_schema),
    Route("POST", "/block_schemas/filter", read_block_schemas),
    Route("GET", "/block_schemas/checksum/{checksum}", read_block_schema_by_checksum),
    Route("GET", "/block_schemas/{id:uuid}", read_block_schema),
    Route("DELETE", "/block_schemas/{id:uuid}", delete_block_schema),
)
