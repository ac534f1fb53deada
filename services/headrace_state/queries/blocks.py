"""Blocks in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headrace import errors
from headrace.ids import uuid7
from headrace_chassis.database import Connection, Database
from headrace_state.queries.conditions import contains_pattern
from headrace_state.queries.statements import SQL
from headrace_state.repository.blocks import BlockValues, Rotated
from headrace_state.rules.blocks import BlockSchemaFilter, BlockTypeWish
from headrace_state.rules.rows import Row

_FIRST = uuid.UUID(int=0)


class PostgresBlocks:
    """Implements `repository.blocks.Blocks`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def register(self, workspace_id: uuid.UUID, wish: BlockTypeWish) -> Row:
        """Create a type or change the one with the slug; return it."""

        async def work(connection: Connection) -> Row:
            schema_id = uuid7()
            type_id = await connection.fetchval(
                SQL.set_block_type,
                uuid7(),
                workspace_id,
                wish.slug,
                wish.name or wish.slug,
                wish.description,
                wish.logo_url,
                wish.documentation_url,
                wish.code_example,
                schema_id,
            )
            await connection.execute(
                SQL.set_block_schema,
                schema_id,
                type_id,
                workspace_id,
                wish.checksum,
                dict(wish.fields),
                list(wish.secret_fields),
                list(wish.capabilities),
                wish.version,
                wish.client_checksum,
            )
            [row] = await connection.fetch(SQL.load_block_type, workspace_id, wish.slug)
            return row

        return await self._database.run(work)

    async def load_type(self, workspace_id: uuid.UUID, slug: str) -> Row | None:
        """Return a type with its newest schema, None if there is none."""
        async with self._database.connection() as connection:
            return await connection.fetchrow(SQL.load_block_type, workspace_id, slug)

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
        pattern = contains_pattern(text) if text else ""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL.list_block_types,
                workspace_id,
                pattern,
                list(capabilities),
                after,
                list(type_ids),
                list(slugs),
                limit + 1,
            )
        if len(rows) <= limit:
            return list[Row](rows), None
        return list[Row](rows[:limit]), (rows[limit - 1]["slug"],)

    async def delete_type(self, workspace_id: uuid.UUID, slug: str) -> bool:
        """Delete a type; return whether there was one."""

        async def work(connection: Connection) -> bool:
            row = await connection.fetchrow(SQL.count_blocks_of_type, workspace_id, slug)
            if row is None:
                return False
            if row["blocks"]:
                raise errors.FailedPrecondition(
                    f"there are {row['blocks']} blocks of the type {slug}; delete them first",
                    reason="BLOCK_TYPE_IN_USE",
                )
            await connection.execute(SQL.delete_block_type, row["block_type_id"])
            return True

        return await self._database.run(work)

    async def list_schemas(
        self, workspace_id: uuid.UUID, chosen: BlockSchemaFilter, after: uuid.UUID | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page of schemas, the newest first, and the key to go on behind it (None at the end)."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL.list_block_schemas,
                workspace_id,
                list(chosen.schema_ids),
                list(chosen.type_slugs),
                chosen.client_checksum,
                list(chosen.capabilities),
                chosen.version,
                chosen.with_client_checksum,
                after,
                limit + 1,
            )
        if len(rows) <= limit:
            return list[Row](rows), None
        return list[Row](rows[:limit]), (rows[limit - 1]["block_schema_id"],)

    async def delete_schema(self, workspace_id: uuid.UUID, schema_id: uuid.UUID) -> bool:
        """Delete a schema; return whether there was one."""

        async def work(connection: Connection) -> bool:
            row = await connection.fetchrow(SQL.lock_block_schema, workspace_id, schema_id)
            if row is None:
                return False
            if row["is_newest"]:
                raise errors.FailedPrecondition(
                    "the newest schema of a type stays as long as the type does", reason="BLOCK_SCHEMA_NEWEST"
                )
            if row["blocks"]:
                raise errors.FailedPrecondition(
                    f"{row['blocks']} blocks were saved with the schema; delete them first",
                    reason="BLOCK_SCHEMA_IN_USE",
                )
            await connection.execute(SQL.delete_block_schema, schema_id)
            return True

        return await self._database.run(work)

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
        """Store a block; None if it exists and must not be overwritten; see `repository.blocks.Blocks.save`."""

        async def work(connection: Connection) -> Row | None:
            if await connection.fetchval(SQL.lock_block_type, workspace_id, type_slug) is None:
                raise errors.NotFound(f"there is no block type {type_slug}; register it first")
            # One who saves the same new block at the same time is waited for.
            await connection.execute(SQL.lock_key, workspace_id, f"block:{type_slug}/{name}")
            stored = await connection.fetchrow(SQL.lock_block, workspace_id, type_slug, name)
            if stored is not None and not overwrite:
                return None
            [block_type] = await connection.fetch(SQL.load_block_type, workspace_id, type_slug)
            block_id: uuid.UUID = stored["block_id"] if stored is not None else uuid7()
            schema: Row = block_type
            if schema_id is not None:
                found = await connection.fetchrow(SQL.load_block_schema, schema_id, block_type["block_type_id"])
                if found is None:
                    raise errors.InvalidArgument.of_field("block_schema_id", f"is no schema of the type {type_slug}")
                schema = found
            values = make(schema, block_id, stored)
            referenced = await _find_referenced(connection, workspace_id, values.references)
            if await connection.fetchval(SQL.is_block_reached, block_id, list(referenced.values())):
                raise errors.InvalidArgument.of_field(
                    "data", f"refers to {type_slug}/{name} itself, if by way of others"
                )
            await connection.execute(
                SQL.store_block,
                block_id,
                workspace_id,
                block_type["block_type_id"],
                schema["block_schema_id"],
                name,
                dict(values.data),
                values.secrets,
                list(values.secret_paths),
                values.key_name,
            )
            await connection.execute(SQL.set_block_references, block_id, list(referenced), list(referenced.values()))
            return await connection.fetchrow(SQL.lock_block, workspace_id, type_slug, name)

        return await self._database.run(work)

    async def load(self, workspace_id: uuid.UUID, type_slug: str, name: str) -> list[Row]:
        """Return a block and all that it refers to, itself first; empty if there is none."""
        async with self._database.connection() as connection:
            return list[Row](await connection.fetch(SQL.load_blocks, workspace_id, type_slug, name))

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
        pattern = contains_pattern(name_contains) if name_contains else ""
        slug, name = after if after is not None else (None, None)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL.list_blocks,
                workspace_id,
                list(type_slugs),
                pattern,
                list(capabilities),
                slug,
                name,
                list(block_ids),
                limit + 1,
            )
        if len(rows) <= limit:
            return list[Row](rows), None
        return list[Row](rows[:limit]), (rows[limit - 1]["slug"], rows[limit - 1]["name"])

    async def delete(self, workspace_id: uuid.UUID, type_slug: str, name: str) -> bool:
        """Delete a block; return whether there was one."""

        async def work(connection: Connection) -> bool:
            row = await connection.fetchrow(SQL.lock_block, workspace_id, type_slug, name)
            if row is None:
                return False
            referring = await connection.fetch(SQL.list_referring_blocks, row["block_id"])
            if referring:
                others = ", ".join(f"{other['slug']}/{other['name']}" for other in referring)
                raise errors.FailedPrecondition(
                    f"{type_slug}/{name} is referred to by {others}; change or delete these first",
                    reason="BLOCK_IN_USE",
                )
            await connection.execute(SQL.delete_block, row["block_id"])
            return True

        return await self._database.run(work)

    async def reseal(
        self, key_name: str, key_names: Sequence[str], reseal: Callable[[uuid.UUID, str], str | None], most: int
    ) -> Rotated:
        """Encrypt secrets anew that another key sealed; see `repository.blocks.Blocks.reseal`."""

        async def work(connection: Connection) -> int:
            done: dict[uuid.UUID, str] = {}
            behind = _FIRST
            while len(done) < most:
                rows = await connection.fetch(SQL.lock_blocks_to_reseal, key_name, behind, most - len(done))
                if not rows:
                    break
                behind = rows[-1]["block_id"]
                for row in rows:
                    sealed = reseal(row["block_id"], row["secrets"])
                    if sealed is not None:
                        done[row["block_id"]] = sealed
            if done:
                await connection.execute(SQL.reseal_blocks, list(done), list(done.values()), key_name)
            return len(done)

        rotated = await self._database.run(work)
        async with self._database.connection() as connection:
            [left] = await connection.fetch(SQL.count_blocks_to_reseal, key_name, list(key_names))
        return Rotated(rotated, left["blocks"], left["unreadable"])


async def _find_referenced(
    connection: Connection, workspace_id: uuid.UUID, references: Mapping[str, tuple[str, str]]
) -> dict[str, uuid.UUID]:
    if not references:
        return {}
    wanted = sorted(set(references.values()))
    rows = await connection.fetch(
        SQL.find_blocks, workspace_id, [slug for slug, _ in wanted], [name for _, name in wanted]
    )
    found = {(row["slug"], row["name"]): row["block_id"] for row in rows}
    for place, (slug, name) in references.items():
        if (slug, name) not in found:
            raise errors.InvalidArgument.of_field(
                "data" + place.replace("/", "."), f"refers to the block {slug}/{name}, which does not exist"
            )
    return {place: found[reference] for place, reference in references.items()}
