"""`BlockService`."""

from __future__ import annotations

import uuid
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import block_pb2, block_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.pages import asked_page
from headrace_chassis.scope import everywhere
from headrace_state.repository.blocks import Blocks, Sealer
from headrace_state.usecases.blocks import register_block_type, rotate_secrets, save_block, secrets_of
from headrace_state.wire import blocks as wire
from headrace_state.wire import values

Context = grpc.aio.ServicerContext[Any, Any]

_SEE_SECRETS = "PERMISSION_BLOCK_SECRETS_VIEW"
_ROTATED = 100


class BlockServicer(block_pb2_grpc.BlockServiceServicer):
    """Keeps types of blocks, and blocks."""

    def __init__(self, blocks: Blocks, sealer: Sealer) -> None:
        self._blocks = blocks
        self._sealer = sealer

    async def RegisterBlockType(
        self, request: block_pb2.RegisterBlockTypeRequest, context: Context
    ) -> block_pb2.RegisterBlockTypeResponse:
        """Create a type of blocks, or change the one with the slug."""
        row = await register_block_type(self._blocks, current_caller().workspace_id, wire.to_type_wish(request))
        return block_pb2.RegisterBlockTypeResponse(block_type=wire.block_type(row))

    async def GetBlockType(
        self, request: block_pb2.GetBlockTypeRequest, context: Context
    ) -> block_pb2.GetBlockTypeResponse:
        """Return one type."""
        row = await self._blocks.load_type(current_caller().workspace_id, request.slug)
        if row is None:
            raise errors.NotFound(f"there is no block type {request.slug}")
        return block_pb2.GetBlockTypeResponse(block_type=wire.block_type(row))

    async def ListBlockTypes(
        self, request: block_pb2.ListBlockTypesRequest, context: Context
    ) -> block_pb2.ListBlockTypesResponse:
        """List types by slug."""
        workspace_id = current_caller().workspace_id
        page = asked_page(
            request,
            workspace_id,
            request.text,
            "\n".join(request.capabilities),
            "\n".join(request.block_type_ids),
            "\n".join(request.slugs),
            key=(str,),
        )
        rows, key = await self._blocks.list_types(
            workspace_id,
            request.text,
            request.capabilities,
            page.after_name,
            page.size,
            type_ids=values.to_ids(request.block_type_ids, "block_type_ids"),
            slugs=request.slugs,
        )
        return block_pb2.ListBlockTypesResponse(
            block_types=[wire.block_type(row) for row in rows], next_page_token=page.next_token(key)
        )

    async def DeleteBlockType(
        self, request: block_pb2.DeleteBlockTypeRequest, context: Context
    ) -> block_pb2.DeleteBlockTypeResponse:
        """Delete a type of which there are no blocks."""
        if not await self._blocks.delete_type(current_caller().workspace_id, request.slug):
            raise errors.NotFound(f"there is no block type {request.slug}")
        return block_pb2.DeleteBlockTypeResponse()

    async def ListBlockSchemas(
        self, request: block_pb2.ListBlockSchemasRequest, context: Context
    ) -> block_pb2.ListBlockSchemasResponse:
        """List schemas of types, the newest first."""
        workspace_id = current_caller().workspace_id
        chosen = wire.to_schema_filter(request)
        page = asked_page(request, workspace_id, repr(chosen), key=(uuid.UUID,))
        rows, key = await self._blocks.list_schemas(workspace_id, chosen, page.after_id, page.size)
        return block_pb2.ListBlockSchemasResponse(
            schemas=[wire.block_schema(row) for row in rows], next_page_token=page.next_token(key)
        )

    async def DeleteBlockSchema(
        self, request: block_pb2.DeleteBlockSchemaRequest, context: Context
    ) -> block_pb2.DeleteBlockSchemaResponse:
        """Delete a schema that is not the newest of its type, and with which no block was saved."""
        schema_id = values.to_id(request.block_schema_id, "block_schema_id")
        if not await self._blocks.delete_schema(current_caller().workspace_id, schema_id):
            raise errors.NotFound(f"there is no block schema {schema_id}")
        return block_pb2.DeleteBlockSchemaResponse()

    async def SaveBlock(self, request: block_pb2.SaveBlockRequest, context: Context) -> block_pb2.SaveBlockResponse:
        """Create a block, or change the one with the type and name."""
        row = await save_block(
            self._blocks,
            self._sealer,
            current_caller().workspace_id,
            request.type_slug,
            request.name,
            values.to_object(request.data, "data"),
            overwrite=request.overwrite,
            schema_id=values.to_optional_id(request.block_schema_id, "block_schema_id"),
        )
        return block_pb2.SaveBlockResponse(block=wire.block(row))

    async def GetBlock(self, request: block_pb2.GetBlockRequest, context: Context) -> block_pb2.GetBlockResponse:
        """Return one block with the blocks that it refers to."""
        caller = current_caller()
        if request.include_secrets:
            caller.require(_SEE_SECRETS)
        rows = await self._blocks.load(caller.workspace_id, request.type_slug, request.name)
        if not rows:
            raise errors.NotFound(f"there is no block {request.type_slug}/{request.name}")
        first, *others = [
            wire.block(row, secrets_of(self._sealer, row) if request.include_secrets else None) for row in rows
        ]
        return block_pb2.GetBlockResponse(block=first, referenced=others)

    async def ListBlocks(self, request: block_pb2.ListBlocksRequest, context: Context) -> block_pb2.ListBlocksResponse:
        """List blocks by type and name, without their secrets."""
        workspace_id = current_caller().workspace_id
        question = (
            "\n".join(request.type_slugs),
            request.name_contains,
            "\n".join(request.capabilities),
            "\n".join(request.block_ids),
        )
        page = asked_page(request, workspace_id, *question)
        rows, key = await self._blocks.list_page(
            workspace_id,
            request.type_slugs,
            request.name_contains,
            request.capabilities,
            page.behind(str, str),
            page.size,
            values.to_ids(request.block_ids, "block_ids"),
        )
        return block_pb2.ListBlocksResponse(
            blocks=[wire.block(row, with_schema=False) for row in rows], next_page_token=page.next_token(key)
        )

    async def DeleteBlock(
        self, request: block_pb2.DeleteBlockRequest, context: Context
    ) -> block_pb2.DeleteBlockResponse:
        """Delete a block that no other refers to."""
        if not await self._blocks.delete(current_caller().workspace_id, request.type_slug, request.name):
            raise errors.NotFound(f"there is no block {request.type_slug}/{request.name}")
        return block_pb2.DeleteBlockResponse()

    async def RotateBlockSecrets(
        self, request: block_pb2.RotateBlockSecretsRequest, context: Context
    ) -> block_pb2.RotateBlockSecretsResponse:
        """Encrypt some of the secrets anew that are not encrypted with the newest key."""
        # The key is of the whole server, and so are the secrets that it seals.
        with everywhere():
            done = await rotate_secrets(self._blocks, self._sealer, request.batch_size or _ROTATED)
        return block_pb2.RotateBlockSecretsResponse(rotated=done.rotated, left=done.left, unreadable=done.unreadable)
