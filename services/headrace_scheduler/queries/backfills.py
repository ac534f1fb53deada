"""Backfills."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection
from headrace_scheduler.queries import SQL, rows
from headrace_scheduler.rules.backfill import Backfill, Item, ItemState, Order, Progress, Status
from headrace_scheduler.tables import backfill, backfill_item

_COUNTS = sa.func.coalesce(
    sa.select(sa.func.jsonb_object_agg(sa.column("state"), sa.column("number")))
    .select_from(
        sa.select(backfill_item.c.state, sa.func.count().label("number"))
        .where(backfill_item.c.backfill_id == backfill.c.backfill_id)
        .group_by(backfill_item.c.state)
        .correlate(backfill)
        .subquery("counted")
    )
    .correlate(backfill)
    .scalar_subquery(),
    sa.literal_column("'{}'::jsonb"),
)
_SELECT = sa.select(*backfill.c, _COUNTS.label("counts"))


class BackfillQueries:
    """Backfills in one transaction; see `repository.backfills.Backfills`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, new: Backfill, items: Sequence[Item]) -> bool:
        """Store a new backfill; False if its id is known."""
        values = {
            "backfill_id": new.backfill_id,
            "workspace_id": new.workspace_id,
            "deployment_id": new.deployment_id,
            "version_id": new.version_id,
            "name": new.name,
            "status": new.status.value,
            "message": new.message,
            "concurrency": new.concurrency,
            "item_order": new.order.value,
            **rows.creator_columns(new.creator),
            "created_at": new.created_at,
            "updated_at": new.updated_at,
        }
        statement = pg.insert(backfill).values(values).on_conflict_do_nothing().returning(backfill.c.backfill_id)
        if not await self._fetch(statement):
            return False
        await self._connection.execute(
            SQL.insert_backfill_items,
            new.backfill_id,
            [item.number for item in items],
            [item.slot_at for item in items],
            [dict(item.parameters) for item in items],
        )
        return True

    async def load(self, workspace_id: uuid.UUID, backfill_id: uuid.UUID, *, lock: bool = False) -> Backfill | None:
        """Return a backfill with its progress, None if there is none."""
        chosen = (backfill.c.workspace_id == workspace_id, backfill.c.backfill_id == backfill_id)
        if lock:
            await self._fetch(sa.select(backfill.c.backfill_id).where(*chosen).with_for_update())
        found = await self._fetch(_SELECT.where(*chosen))
        return _backfill_of(found[0]) if found else None

    async def list_page(
        self,
        workspace_id: uuid.UUID,
        deployment_id: uuid.UUID | None,
        statuses: Sequence[Status],
        before: uuid.UUID | None,
        limit: int,
    ) -> list[Backfill]:
        """Return backfills with ids below `before`, newest first."""
        statement = _SELECT.where(backfill.c.workspace_id == workspace_id)
        if deployment_id is not None:
            statement = statement.where(backfill.c.deployment_id == deployment_id)
        if statuses:
            wanted = sa.literal([status.value for status in statuses], pg.ARRAY(sa.Text))
            statement = statement.where(backfill.c.status == sa.any_(wanted))
        if before is not None:
            statement = statement.where(backfill.c.backfill_id < before)
        found = await self._fetch(statement.order_by(backfill.c.backfill_id.desc()).limit(limit))
        return [_backfill_of(row) for row in found]

    async def list_unsettled(self, limit: int) -> list[Backfill]:
        """Return backfills of all workspaces that make runs or wait for runs, those longest untouched first."""
        # A paused one at rest costs nothing.
        has_active = sa.exists().where(
            backfill_item.c.backfill_id == backfill.c.backfill_id, backfill_item.c.state == ItemState.ACTIVE.value
        )
        statement = (
            _SELECT.where(
                backfill.c.status.in_([sa.literal_column(f"'{name}'") for name in _UNSETTLED]),
                sa.or_(backfill.c.status != Status.PAUSED.value, has_active),
            )
            .order_by(backfill.c.looked_at)
            .limit(limit)
        )
        return [_backfill_of(row) for row in await self._fetch(statement)]

    async def set_status(self, changed: Backfill) -> None:
        """Store status, message and end of a backfill."""
        await self._execute(
            backfill.update()
            .where(backfill.c.backfill_id == changed.backfill_id)
            .values(
                status=changed.status.value,
                message=changed.message,
                updated_at=sa.func.now(),
                ended_at=sa.func.now() if changed.status.is_over else None,
            )
        )

    async def touch(self, backfill_id: uuid.UUID) -> None:
        """Note that a backfill was looked at, so that others come before it."""
        await self._execute(
            backfill.update().where(backfill.c.backfill_id == backfill_id).values(looked_at=sa.func.clock_timestamp())
        )

    async def list_items(self, backfill_id: uuid.UUID, after: int, limit: int) -> list[Item]:
        """Return runs with numbers above `after`, in order."""
        return await self._items([backfill_item.c.backfill_id == backfill_id, backfill_item.c.number > after], limit)

    async def list_in_state(self, backfill_id: uuid.UUID, state: ItemState, limit: int) -> list[Item]:
        """Return runs in a state, in order."""
        return await self._items(
            [backfill_item.c.backfill_id == backfill_id, backfill_item.c.state == state.value], limit
        )

    async def _items(self, conditions: list[sa.ColumnElement[bool]], limit: int) -> list[Item]:
        statement = sa.select(*backfill_item.c).where(*conditions).order_by(backfill_item.c.number).limit(limit)
        return [
            Item(
                row["number"],
                row["slot_at"],
                row["parameters"],
                row["flow_run_id"],
                ItemState(row["state"]),
                row["tries"],
            )
            for row in await self._fetch(statement)
        ]

    async def activate(self, backfill_id: uuid.UUID, flow_runs: Mapping[int, uuid.UUID]) -> None:
        """Store that runs were made, by number."""
        await self._connection.execute(
            SQL.activate_backfill_items, backfill_id, list(flow_runs), list(flow_runs.values())
        )

    async def end_items(self, backfill_id: uuid.UUID, states: Mapping[int, ItemState]) -> None:
        """Store in which states runs ended, by number."""
        await self._connection.execute(
            SQL.end_backfill_items, backfill_id, list(states), [state.value for state in states.values()]
        )

    async def cancel_waiting(self, backfill_id: uuid.UUID) -> None:
        """Take runs that are not made yet as cancelled."""
        await self._execute(
            backfill_item.update()
            .where(backfill_item.c.backfill_id == backfill_id, backfill_item.c.state == ItemState.WAITING.value)
            .values(state=ItemState.CANCELLED.value)
        )

    async def reopen_items(self, backfill_id: uuid.UUID) -> int:
        """Let runs that are over and did not complete wait again; return how many."""
        unhappy = [ItemState.FAILED.value, ItemState.CRASHED.value, ItemState.CANCELLED.value]
        found = await self._fetch(
            backfill_item.update()
            .where(
                backfill_item.c.backfill_id == backfill_id,
                backfill_item.c.state == sa.any_(sa.literal(unhappy, pg.ARRAY(sa.Text))),
            )
            .values(state=ItemState.WAITING.value)
            .returning(backfill_item.c.number)
        )
        return len(found)

    async def _fetch(self, statement: Any) -> list[asyncpg.Record]:
        text, arguments = compile_core(statement)
        return list(await self._connection.fetch(text, *arguments))

    async def _execute(self, statement: Any) -> None:
        text, arguments = compile_core(statement)
        await self._connection.execute(text, *arguments)


_UNSETTLED = ("RUNNING", "PAUSED", "CANCELLING")


def _backfill_of(row: rows.Row) -> Backfill:
    return Backfill(
        backfill_id=row["backfill_id"],
        workspace_id=row["workspace_id"],
        deployment_id=row["deployment_id"],
        version_id=row["version_id"],
        name=row["name"],
        status=Status(row["status"]),
        message=row["message"],
        concurrency=row["concurrency"],
        order=Order(row["item_order"]),
        creator=rows.creator_of(row),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        ended_at=row["ended_at"],
        progress=Progress({ItemState(state): number for state, number in row["counts"].items()}),
    )
