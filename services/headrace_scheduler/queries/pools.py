"""Work pools and work queues."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection
from headrace_scheduler.queries import rows
from headrace_scheduler.rules.work_pool import WorkPool, WorkQueue
from headrace_scheduler.tables import deployment, work_pool, work_queue, worker

_has_worker = sa.exists().where(worker.c.work_pool_id == work_pool.c.work_pool_id, worker.c.status == "ONLINE")
_queue_has_worker = sa.exists().where(
    worker.c.work_pool_id == work_queue.c.work_pool_id,
    worker.c.status == "ONLINE",
    sa.or_(
        sa.func.cardinality(worker.c.work_queue_names) == 0, work_queue.c.name == sa.any_(worker.c.work_queue_names)
    ),
)
_POOL = sa.select(*work_pool.c, _has_worker.label("is_ready"))
_QUEUE = sa.select(
    *work_queue.c, work_pool.c.name.label("work_pool_name"), _queue_has_worker.label("is_ready")
).select_from(work_queue.join(work_pool, work_pool.c.work_pool_id == work_queue.c.work_pool_id))


class PoolQueries:
    """Work pools and queues in one transaction; see `repository.storage.Pools`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def load(self, workspace_id: uuid.UUID, name: str, *, lock: bool = False) -> WorkPool | None:
        """Return a pool by name, None if there is none."""
        statement = _POOL.where(work_pool.c.workspace_id == workspace_id, work_pool.c.name == name)
        row = await self._fetchrow(statement.with_for_update(of=work_pool) if lock else statement)
        return rows.pool_of(row) if row is not None else None

    async def load_by_id(self, work_pool_id: uuid.UUID) -> WorkPool | None:
        """Return a pool, None if there is none."""
        row = await self._fetchrow(_POOL.where(work_pool.c.work_pool_id == work_pool_id))
        return rows.pool_of(row) if row is not None else None

    async def list_page(
        self, workspace_id: uuid.UUID, types: Sequence[str], name_contains: str, after: str | None, limit: int
    ) -> list[WorkPool]:
        """Return pools with names behind `after`, by name."""
        statement = _POOL.where(work_pool.c.workspace_id == workspace_id)
        if types:
            statement = statement.where(work_pool.c.type == sa.any_(sa.literal(list(types), pg.ARRAY(sa.Text))))
        if name_contains:
            statement = statement.where(work_pool.c.name.icontains(name_contains, autoescape=True))
        if after is not None:
            statement = statement.where(work_pool.c.name > after)
        found = await self._fetch(statement.order_by(work_pool.c.name).limit(limit))
        return [rows.pool_of(row) for row in found]

    async def insert(self, pool: WorkPool) -> bool:
        """Store a new pool; False if its name is taken."""
        statement = pg.insert(work_pool).values(workspace_id=pool.workspace_id, **_pool_columns(pool))
        return await self._inserted(statement.on_conflict_do_nothing(constraint="work_pool_name_key"))

    async def update(self, pool: WorkPool) -> None:
        """Store a changed pool."""
        columns = _pool_columns(pool)
        key = columns.pop("work_pool_id")
        await self._execute(work_pool.update().where(work_pool.c.work_pool_id == key).values(columns))

    async def delete(self, work_pool_id: uuid.UUID) -> None:
        """Delete a pool with its queues and workers."""
        await self._execute(work_pool.delete().where(work_pool.c.work_pool_id == work_pool_id))

    async def count_deployments(self, work_pool_id: uuid.UUID, work_queue_id: uuid.UUID | None = None) -> int:
        """Return how many deployments name the pool, or its queue."""
        statement = sa.select(sa.func.count()).select_from(deployment)
        if work_queue_id is not None:
            statement = statement.where(deployment.c.work_queue_id == work_queue_id)
        else:
            statement = statement.where(deployment.c.work_pool_id == work_pool_id)
        text, arguments = compile_core(statement)
        return int(await self._connection.fetchval(text, *arguments))

    async def list_queues(self, work_pool_id: uuid.UUID) -> list[WorkQueue]:
        """Return the queues of a pool by priority."""
        found = await self._fetch(
            _QUEUE.where(work_queue.c.work_pool_id == work_pool_id).order_by(
                work_queue.c.priority, work_queue.c.created_at, work_queue.c.work_queue_id
            )
        )
        return [rows.queue_of(row) for row in found]

    async def load_queue(self, work_pool_id: uuid.UUID, name: str) -> WorkQueue | None:
        """Return a queue by name, None if there is none."""
        row = await self._fetchrow(_QUEUE.where(work_queue.c.work_pool_id == work_pool_id, work_queue.c.name == name))
        return rows.queue_of(row) if row is not None else None

    async def load_queue_by_id(self, workspace_id: uuid.UUID, work_queue_id: uuid.UUID) -> WorkQueue | None:
        """Return a queue, None if there is none."""
        row = await self._fetchrow(
            _QUEUE.where(work_queue.c.workspace_id == workspace_id, work_queue.c.work_queue_id == work_queue_id)
        )
        return rows.queue_of(row) if row is not None else None

    async def insert_queue(self, queue: WorkQueue) -> bool:
        """Store a new queue; False if its name is taken."""
        statement = pg.insert(work_queue).values(
            workspace_id=queue.workspace_id, work_pool_id=queue.work_pool_id, **_queue_columns(queue)
        )
        return await self._inserted(statement.on_conflict_do_nothing(constraint="work_queue_name_key"))

    async def update_queue(self, queue: WorkQueue) -> None:
        """Store a changed queue."""
        columns = _queue_columns(queue)
        key = columns.pop("work_queue_id")
        await self._execute(work_queue.update().where(work_queue.c.work_queue_id == key).values(columns))

    async def delete_queue(self, work_queue_id: uuid.UUID) -> None:
        """Delete a queue."""
        await self._execute(work_queue.delete().where(work_queue.c.work_queue_id == work_queue_id))

    async def _fetch(self, statement: Any) -> list[asyncpg.Record]:
        text, arguments = compile_core(statement)
        return list(await self._connection.fetch(text, *arguments))

    async def _fetchrow(self, statement: Any) -> asyncpg.Record | None:
        text, arguments = compile_core(statement)
        return await self._connection.fetchrow(text, *arguments)

    async def _execute(self, statement: Any) -> str:
        text, arguments = compile_core(statement)
        return await self._connection.execute(text, *arguments)

    async def _inserted(self, statement: Any) -> bool:
        return await self._execute(statement) == "INSERT 0 1"


def _pool_columns(pool: WorkPool) -> dict[str, Any]:
    return {
        "work_pool_id": pool.work_pool_id,
        "name": pool.name,
        "description": pool.description,
        "type": pool.type,
        "base_job_template": dict(pool.base_job_template),
        "paused": pool.paused,
        "concurrency_limit": pool.concurrency_limit,
        "default_queue_id": pool.default_queue_id,
        "queue_policy": pool.queue_policy.value,
        "start_timeout_seconds": pool.start_timeout_seconds,
        "storage_configuration": dict(pool.storage_configuration),
        "created_at": pool.created_at,
        "updated_at": pool.updated_at,
    }


def _queue_columns(queue: WorkQueue) -> dict[str, Any]:
    return {
        "work_queue_id": queue.work_queue_id,
        "name": queue.name,
        "description": queue.description,
        "priority": queue.priority,
        "weight": queue.weight,
        "paused": queue.paused,
        "concurrency_limit": queue.concurrency_limit,
        "created_at": queue.created_at,
        "updated_at": queue.updated_at,
    }
