"""Assets in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from headrace import errors
from headrace_chassis.database import Connection, Database
from headrace_state import tables
from headrace_state.queries import conditions as where
from headrace_state.queries import pages
from headrace_state.queries.conditions import Condition
from headrace_state.queries.statements import SQL
from headrace_state.repository.assets import Lineage
from headrace_state.rules.assets import (
    AssetFilter,
    KnownAsset,
    MaterializationFilter,
    MaterializationReport,
    asset_id_of,
)
from headrace_state.rules.rows import Row

MOST_ASSETS = 1_000
"""Assets that one look at lineage follows."""

_ASSET = tables.asset
_MADE = tables.asset_materialization
_LAST = tables.asset_materialization.alias("last")
_BY_KEY = pages.Order("key")
_NEWEST = pages.Order("materialization_id", descending=True)
_JOINED = _ASSET.outerjoin(_LAST, _LAST.c.materialization_id == _ASSET.c.last_materialization_id)
_SEEN = [
    *_ASSET.c,
    *(
        _LAST.c[name].label(f"last_{name}")
        for name in ("flow_run_id", "task_run_id", "succeeded", "materialized_by", "metadata", "message")
    ),
]


class PostgresAssets:
    """Implements `repository.assets.Assets`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, workspace_id: uuid.UUID, report: MaterializationReport) -> list[Row]:
        """Store what a task run made and from what; return the materializations in the given order."""
        ids = [made.materialization_id for made in report.materializations]
        made_ids = [asset_id_of(workspace_id, made.asset.key) for made in report.materializations]

        async def work(connection: Connection) -> list[Row]:
            known = [*report.upstream_assets, *(made.asset for made in report.materializations)]
            upstream = {asset_id_of(workspace_id, asset.key) for asset in report.upstream_assets}
            if report.upstream_task_run_ids:
                rows = await connection.fetch(
                    SQL.find_upstream_assets, workspace_id, list(report.upstream_task_run_ids)
                )
                # Of what tasks take from nobody may have heard yet.
                taken = [KnownAsset(row["asset_key"]) for row in rows if row["asset_id"] is None]
                known += taken
                upstream |= {row["asset_id"] for row in rows if row["asset_id"] is not None}
                upstream |= {asset_id_of(workspace_id, asset.key) for asset in taken}
            await _keep(connection, workspace_id, known)
            for asset_id, made in zip(made_ids, report.materializations, strict=True):
                await connection.execute(
                    SQL.insert_materialization,
                    workspace_id,
                    made.materialization_id,
                    asset_id,
                    made.asset.key,
                    report.flow_run_id,
                    report.task_run_id,
                    report.succeeded,
                    report.materialized_by,
                    dict(made.metadata),
                    report.message,
                )
            pairs = sorted((asset_id, source) for asset_id in set(made_ids) for source in upstream - {asset_id})
            if pairs:
                await connection.execute(
                    SQL.keep_dependencies, workspace_id, [pair[0] for pair in pairs], [pair[1] for pair in pairs]
                )
            found = {
                row["materialization_id"]: row
                for row in await connection.fetch(SQL.load_materializations, workspace_id, ids)
            }
            for materialization_id in ids:
                if materialization_id not in found:
                    raise errors.AlreadyExists(f"the id {materialization_id} is taken")
            return [found[materialization_id] for materialization_id in ids]

        return await self._database.run(work)

    async def load(self, workspace_id: uuid.UUID, asset_id: uuid.UUID) -> Row | None:
        """Return an asset with its last materialization, None if there is none."""
        rows, _ = await self.list_page(workspace_id, AssetFilter(asset_ids=(asset_id,)), None, 1)
        return rows[0] if rows else None

    async def list_page(
        self, workspace_id: uuid.UUID, chosen: AssetFilter, after: Sequence[Any] | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, by key, and the key to go on behind it (None at the end)."""
        conditions: list[Condition] = [_ASSET.c.workspace_id == workspace_id]
        where.any_id(conditions, _ASSET.c.asset_id, chosen.asset_ids)
        where.any_word(conditions, _ASSET.c.key, chosen.keys)
        if chosen.key_prefix:
            conditions.append(sa.func.starts_with(_ASSET.c.key, sa.literal(chosen.key_prefix, sa.Text)))
        where.contains(conditions, chosen.text, _ASSET.c.key, _ASSET.c.name, _ASSET.c.description)
        if chosen.owners:
            conditions.append(_ASSET.c.owners.bool_op("&&")(where.words_array(chosen.owners)))
        where.within(conditions, _ASSET.c.last_materialized_at, chosen.materialized, optional=True)
        statement = pages.page(_ASSET, _SEEN, conditions, _BY_KEY, "asset_id", after, limit + 1, _JOINED)
        async with self._database.connection() as connection:
            rows = await pages.fetch(connection, statement)
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], pages.key_of(rows[limit - 1], _BY_KEY, "asset_id")

    async def list_materializations(
        self, workspace_id: uuid.UUID, chosen: MaterializationFilter, after: Sequence[Any] | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, newest first, and the key to go on behind it (None at the end)."""
        conditions: list[Condition] = [_MADE.c.workspace_id == workspace_id]
        where.any_id(conditions, _MADE.c.asset_id, chosen.asset_ids)
        where.any_id(conditions, _MADE.c.flow_run_id, chosen.flow_run_ids)
        where.any_id(conditions, _MADE.c.task_run_id, chosen.task_run_ids)
        if chosen.succeeded is not None:
            conditions.append(_MADE.c.succeeded.is_(chosen.succeeded))
        statement = pages.page(_MADE, list(_MADE.c), conditions, _NEWEST, "materialization_id", after, limit + 1)
        async with self._database.connection() as connection:
            rows = await pages.fetch(connection, statement)
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], pages.key_of(rows[limit - 1], _NEWEST, "materialization_id")

    async def load_lineage(
        self, workspace_id: uuid.UUID, asset_id: uuid.UUID, *, upstream: bool, downstream: bool, depth: int
    ) -> Lineage:
        """Return what an asset is made from, and what is made from it, up to so many steps away."""
        seen = {asset_id}
        edges: dict[tuple[uuid.UUID, uuid.UUID], Row] = {}
        is_truncated = False
        async with self._database.connection() as connection:
            for wanted, statement, far_end in (
                (upstream, SQL.list_upstream, "upstream_asset_id"),
                (downstream, SQL.list_downstream, "asset_id"),
            ):
                reached, frontier = {asset_id}, [asset_id]
                for step in range(depth + 1 if wanted else 0):
                    rows = await connection.fetch(statement, workspace_id, frontier, MOST_ASSETS + 1)
                    if step == depth or len(rows) > MOST_ASSETS or len(seen) >= MOST_ASSETS:
                        is_truncated = is_truncated or any(row[far_end] not in reached for row in rows)
                        break
                    edges |= {(row["asset_id"], row["upstream_asset_id"]): row for row in rows}
                    frontier = sorted({row[far_end] for row in rows} - reached)
                    reached.update(frontier)
                    seen.update(frontier)
                    if not frontier:
                        break
        assets: list[Row] = []
        after: tuple[Any, ...] | None = None
        while True:
            page, after = await self.list_page(workspace_id, AssetFilter(asset_ids=tuple(sorted(seen))), after, 500)
            assets += page
            if after is None:
                return Lineage(assets, list(edges.values()), is_truncated)

    async def delete(self, workspace_id: uuid.UUID, asset_id: uuid.UUID) -> bool:
        """Delete an asset with its materializations and dependencies; return whether there was one."""
        async with self._database.connection() as connection:
            gone = await connection.fetchval(SQL.delete_asset, workspace_id, asset_id)
        return gone is not None


async def _keep(connection: Connection, workspace_id: uuid.UUID, known: Sequence[KnownAsset]) -> None:
    # In one order everywhere, so that two reports do not wait for each other.
    merged: dict[str, KnownAsset] = {}
    for asset in known:
        before = merged.get(asset.key, KnownAsset(asset.key))
        merged[asset.key] = KnownAsset(
            asset.key,
            asset.name or before.name,
            asset.description or before.description,
            asset.url or before.url,
            asset.owners or before.owners,
        )
    for key in sorted(merged):
        asset = merged[key]
        await connection.execute(
            SQL.keep_asset,
            workspace_id,
            asset_id_of(workspace_id, key),
            key,
            asset.name,
            asset.description,
            asset.url,
            list(asset.owners),
        )
