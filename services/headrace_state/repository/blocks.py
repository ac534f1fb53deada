"""Blocks."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from headrace_state.rules.blocks import BlockSchemaFilter, BlockTypeWish
from headrace_state.rules.rows import Row


class Sealer(Protocol):
    """Encrypts secrets."""

    @property
    def key_name(self) -> str:
        """Names the key that seals; empty without one."""
        ...

    @property
    def key_names(self) -> tuple[str, ...]:
        """Name the keys that open."""
        ...

    def seal(self, text: str, context: str) -> str:
        """Return `text` encrypted for its context.

        Raises:
            errors.FailedPrecondition: There is no key.
        """
        ...

    def open(self, sealed: str, context: str) -> str:
        """Return the text that was sealed for its context.

        Raises:
            errors.FailedPrecondition: Its key is not there.
        """
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class BlockValues:
    """What is stored of a block."""

    data: Mapping[str, Any]
    secrets: str
    """Sealed; empty if there are none."""
    secret_paths: Sequence[str]
    key_name: str
    references: Mapping[str, tuple[str, str]]
    """Type and name of the blocks that are referred to, by place."""


@dataclasses.dataclass(frozen=True, slots=True)
class Rotated:
    """What became of encrypting secrets anew."""

    rotated: int
    left: int
    unreadable: int
    """Among those left."""


class Blocks(Protocol):
    """The blocks of all workspaces."""

    async def register(self, workspace_id: uuid.UUID, wish: BlockTypeWish) -> Row:
        """Create a type or change the one with the slug; return it."""
        ...

    async def load_type(self, workspace_id: uuid.UUID, slug: str) -> Row | None:
        """Return a type with its newest schema, None if there is none."""
        ...

    async def list_types(
        self,
        workspace_id: uuid.UUID,
        text: str,
        capabilities: Sequence[str],
        after: str | None,
        limit: int,
        *,
        type_ids: Sequence[uuid.UUID] = (),
        slugs: Sequence[str] = (),
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page by slug, and the key to go on behind it (None at the end)."""
        ...

    async def delete_type(self, workspace_id: uuid.UUID, slug: str) -> bool:
        """Delete a type; return whether there was one.

        Raises:
            errors.FailedPrecondition: There are blocks of it.
        """
        ...

    async def list_schemas(
        self, workspace_id: uuid.UUID, chosen: BlockSchemaFilter, after: uuid.UUID | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page of schemas, the newest first, and the key to go on behind it (None at the end)."""
        ...

    async def delete_schema(self, workspace_id: uuid.UUID, schema_id: uuid.UUID) -> bool:
        """Delete a schema; return whether there was one.

        Raises:
            errors.FailedPrecondition: It is the newest one, or blocks were saved with it.
        """
        ...

    async def save(
        self,
        workspace_id: uuid.UUID,
        type_slug: str,
        name: str,
        make: Callable[[Row, uuid.UUID, Row | None], BlockValues],
        *,
        overwrite: bool,
        schema_id: uuid.UUID | None = None,
    ) -> Row | None:
        """Store a block; None if it exists and must not be overwritten.

        Args:
            workspace_id: Whose.
            type_slug: Its type.
            name: Its name.
            make: Takes the type, the block's id and the block as it is stored (None: it is new), which is locked.
            overwrite: Whether it may exist.
            schema_id: The schema of the type that it has to fit; None: the newest one.

        Raises:
            errors.NotFound: There is no such type.
            errors.InvalidArgument: A block that it refers to does not exist, or refers to it.
        """
        ...

    async def load(self, workspace_id: uuid.UUID, type_slug: str, name: str) -> list[Row]:
        """Return a block and all that it refers to, itself first; empty if there is none."""
        ...

    async def list_page(
        self,
        workspace_id: uuid.UUID,
        type_slugs: Sequence[str],
        name_contains: str,
        capabilities: Sequence[str],
        after: tuple[str, str] | None,
        limit: int,
        block_ids: Sequence[uuid.UUID] = (),
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page by type and name, and the key to go on behind it (None at the end)."""
        ...

    async def delete(self, workspace_id: uuid.UUID, type_slug: str, name: str) -> bool:
        """Delete a block; return whether there was one.

        Raises:
            errors.FailedPrecondition: Others refer to it.
        """
        ...

    async def reseal(
        self, key_name: str, key_names: Sequence[str], reseal: Callable[[uuid.UUID, str], str | None], most: int
    ) -> Rotated:
        """Encrypt secrets anew that another key than `key_name` sealed.

        Args:
            key_name: The newest key.
            key_names: The keys that can open.
            reseal: Takes a block's id and its sealed secrets, returns them sealed anew; None if they cannot be read.
            most: How many blocks at most.
        """
        ...
