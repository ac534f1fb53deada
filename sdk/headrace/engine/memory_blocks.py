"""Blocks in memory, for flows that run without a server."""

from __future__ import annotations

import concurrent.futures
import json
from collections.abc import Callable
from typing import TypeVar

from google.protobuf import json_format

from headrace import errors
from headrace.api.v1 import block_pb2
from headrace.engine.backend import done, refused
from headrace.recording.identifiers import new_id

Q = TypeVar("Q")
A = TypeVar("A")


def answer(operation: Callable[[Q], A], request: Q) -> concurrent.futures.Future[A]:
    """Return the future of an operation that takes no time."""
    try:
        return done(operation(request))
    except errors.HeadraceError as error:
        return refused(error)


class MemoryBlocks:
    """Types of blocks, and blocks. Nothing is encrypted, and everybody may see secrets."""

    def __init__(self) -> None:
        self._types: dict[str, block_pb2.BlockType] = {}
        self._blocks: dict[str, block_pb2.Block] = {}

    def register(self, request: block_pb2.RegisterBlockTypeRequest) -> block_pb2.RegisterBlockTypeResponse:
        """Create a type, or change the one with the slug."""
        known = self._types.get(request.slug)
        block_type = self._types[request.slug] = block_pb2.BlockType(
            block_type_id=known.block_type_id if known is not None else new_id(),
            slug=request.slug,
            name=request.name or request.slug,
            description=request.description,
            schema=request.schema,
        )
        return block_pb2.RegisterBlockTypeResponse(block_type=block_type)

    def save(self, request: block_pb2.SaveBlockRequest) -> block_pb2.SaveBlockResponse:
        """Create a block, or change the one with the type and name.

        Raises:
            errors.NotFound: There is no such type.
            errors.AlreadyExists: The block exists, and must not be overwritten.
            errors.InvalidArgument: It refers to a block that does not exist.
        """
        if request.type_slug not in self._types:
            raise errors.NotFound(f"there is no block type {request.type_slug}; register it first")
        path = f"{request.type_slug}/{request.name}"
        known = self._blocks.get(path)
        if known is not None and not request.overwrite:
            raise errors.AlreadyExists(f"the block {path} exists; set overwrite to replace it")
        block = block_pb2.Block(
            block_id=known.block_id if known is not None else new_id(),
            type_slug=request.type_slug,
            name=request.name,
            data=request.data,
            schema=self._types[request.type_slug].schema,
        )
        for referenced in _references(block):
            if referenced not in self._blocks:
                raise errors.InvalidArgument.of_field("data", f"refers to {referenced}, which does not exist")
        self._blocks[path] = block
        return block_pb2.SaveBlockResponse(block=block)

    def get(self, request: block_pb2.GetBlockRequest) -> block_pb2.GetBlockResponse:
        """Return a block with those that it refers to.

        Raises:
            errors.NotFound: There is none.
        """
        block = self._found(request.type_slug, request.name)
        reached: dict[str, block_pb2.Block] = {}
        ahead = _references(block)
        while ahead:
            path = ahead.pop()
            if path not in reached:
                reached[path] = self._blocks[path]
                ahead |= _references(reached[path])
        return block_pb2.GetBlockResponse(block=block, referenced=list(reached.values()))

    def delete(self, request: block_pb2.DeleteBlockRequest) -> block_pb2.DeleteBlockResponse:
        """Delete a block.

        Raises:
            errors.NotFound: There is none.
            errors.FailedPrecondition: Others refer to it.
        """
        self._found(request.type_slug, request.name)
        path = f"{request.type_slug}/{request.name}"
        referring = sorted(other for other, block in self._blocks.items() if path in _references(block))
        if referring:
            raise errors.FailedPrecondition(f"{path} is referred to by {', '.join(referring)}", reason="BLOCK_IN_USE")
        del self._blocks[path]
        return block_pb2.DeleteBlockResponse()

    def _found(self, type_slug: str, name: str) -> block_pb2.Block:
        block = self._blocks.get(f"{type_slug}/{name}")
        if block is None:
            raise errors.NotFound(f"there is no block {type_slug}/{name}")
        return block


def _references(block: block_pb2.Block) -> set[str]:
    found: set[str] = set()

    def collect(value: dict[str, object]) -> dict[str, object]:
        reference = value.get("$block")
        if isinstance(reference, str):
            found.add(reference)
        return value

    json.loads(json_format.MessageToJson(block.data), object_hook=collect)
    return found
