"""Workers."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from headrace import errors
from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection
from headrace_scheduler.queries import SQL, rows
from headrace_scheduler.repository.storage import Beat, Heard, StatusChange
from headrace_scheduler.rules.work_pool import Worker, WorkerStatus
from headrace_scheduler.tables import work_pool, worker

_WORKER = sa.select(*worker.c, work_pool.c.name.label("work_pool_name")).select_from(
    worker.outerjoin(work_pool, work_pool.c.work_pool_id == worker.c.work_pool_id)
)


class WorkerQueries:
    """Workers in one transaction; see `repository.storage.Workers`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def connect(self, new: Worker, connection_id: uuid.UUID) -> tuple[Worker, WorkerStatus | None]:
        """Store that a worker stands on a new stream; return it and its status before, None for a new one.

        Raises:
            errors.AlreadyExists: The id belongs to a worker of another workspace.
        """
        before = await self._connection.fetchval(SQL.lock_worker_status, new.worker_id)
        row = await self._connection.fetchrow(
            SQL.connect_worker,
            new.worker_id,
            new.workspace_id,
            new.name,
            new.work_pool_id,
            list(new.work_queue_names),
            list(new.deployment_ids),
            new.type,
            new.status.value,
            new.capacity,
            list(new.flow_run_ids),
            dict(new.labels),
            new.client_version,
            new.host,
            connection_id,
        )
        if row is None:
            raise errors.AlreadyExists("another worker has this worker_id", reason="WORKER_ID_TAKEN")
        return rows.worker_of(row), WorkerStatus(before) if before is not None else None

    async def poll(self, new: Worker, silent_seconds: float) -> tuple[Worker, WorkerStatus | None]:
        """Store a sign of life of a worker without a stream; return it and its status before, None for a new one.

        Raises:
            errors.AlreadyExists: The id belongs to a worker of another workspace.
        """
        row = await self._connection.fetchrow(
            SQL.poll_worker,
            new.worker_id,
            new.workspace_id,
            new.name,
            new.work_pool_id,
            list(new.work_queue_names),
            list(new.deployment_ids),
            new.type,
            dict(new.labels),
            new.client_version,
            silent_seconds,
        )
        if row is None:
            raise errors.AlreadyExists("another worker has this worker_id", reason="WORKER_ID_TAKEN")
        before = row["status_before"]
        return rows.worker_of(row), WorkerStatus(before) if before is not None else None

    async def delete(self, workspace_id: uuid.UUID, worker_id: uuid.UUID) -> Worker | None:
        """Delete a worker and return it, None if there is none."""
        is_it = sa.and_(worker.c.workspace_id == workspace_id, worker.c.worker_id == worker_id)
        found = await self._fetch(_WORKER.where(is_it))
        text, arguments = compile_core(worker.delete().where(is_it))
        await self._connection.execute(text, *arguments)
        return rows.worker_of(found[0]) if found else None

    async def disconnect(self, worker_id: uuid.UUID, connection_id: uuid.UUID) -> StatusChange | None:
        """Make a worker OFFLINE if it still stands on that stream; None if it does not."""
        row = await self._connection.fetchrow(SQL.disconnect_worker, worker_id, connection_id)
        return _change_of(row) if row is not None else None

    async def beat(self, beats: Sequence[Beat]) -> tuple[list[Heard], list[StatusChange]]:
        """Store signs of life; return what streams have to know, and workers whose status changed by it."""
        heard: list[Heard] = []
        changed: list[StatusChange] = []
        # In one order everywhere, so that two processes do not wait for each other.
        for beat in sorted(beats, key=lambda beat: beat.worker_id):
            row = await self._connection.fetchrow(
                SQL.beat_worker,
                beat.worker_id,
                beat.connection_id,
                beat.is_draining,
                list(beat.flow_run_ids),
                beat.has_paused,
            )
            heard.append(
                Heard(
                    beat.worker_id,
                    row is not None,
                    row["drain_reason"] if row is not None else None,
                    (row["pause_reason"] or "") if row is not None else "",
                )
            )
            if row is not None and row["status"] != row["status_before"]:
                changed.append(_change_of(row))
        return heard, changed

    async def expire(self, silent_seconds: float) -> list[StatusChange]:
        """Make workers OFFLINE that were not heard of for so long, and return them."""
        return [_change_of(row) for row in await self._connection.fetch(SQL.expire_workers, silent_seconds)]

    async def forget(self, offline_seconds: float) -> int:
        """Delete workers that were not heard of for so long; return how many."""
        return len(await self._connection.fetch(SQL.forget_workers, offline_seconds))

    async def request_drain(self, workspace_id: uuid.UUID, worker_id: uuid.UUID, reason: str) -> Worker | None:
        """Store that a worker shall drain; None if there is none."""
        return await self._request(workspace_id, worker_id, drain_reason=reason)

    async def request_pause(self, workspace_id: uuid.UUID, worker_id: uuid.UUID, reason: str | None) -> Worker | None:
        """Store why a worker shall pause, None if it shall go on; None if there is no such worker."""
        return await self._request(workspace_id, worker_id, pause_reason=reason)

    async def _request(self, workspace_id: uuid.UUID, worker_id: uuid.UUID, **values: str | None) -> Worker | None:
        is_it = sa.and_(worker.c.workspace_id == workspace_id, worker.c.worker_id == worker_id)
        text, arguments = compile_core(worker.update().where(is_it).values(**values))
        await self._connection.execute(text, *arguments)
        found = await self._fetch(_WORKER.where(is_it))
        return rows.worker_of(found[0]) if found else None

    async def load(self, worker_id: uuid.UUID) -> Worker | None:
        """Return a worker, None if there is none."""
        found = await self._fetch(_WORKER.where(worker.c.worker_id == worker_id))
        return rows.worker_of(found[0]) if found else None

    async def list_serving(self, workspace_id: uuid.UUID, deployment_id: uuid.UUID) -> list[Worker]:
        """Return the processes that serve a deployment and are not OFFLINE."""
        statement = _WORKER.where(
            worker.c.workspace_id == workspace_id,
            worker.c.deployment_ids.contains(pg.array([sa.literal(deployment_id, sa.Uuid)])),
            # As the partial index on deployment_ids says it.
            worker.c.status != sa.literal_column("'OFFLINE'"),
        )
        return [rows.worker_of(row) for row in await self._fetch(statement.order_by(worker.c.worker_id))]

    async def count_online(self, work_pool_id: uuid.UUID) -> int:
        """Return how many workers of a pool are ONLINE."""
        statement = sa.select(sa.func.count()).where(worker.c.work_pool_id == work_pool_id, worker.c.status == "ONLINE")
        text, arguments = compile_core(statement)
        return int(await self._connection.fetchval(text, *arguments))

    async def list_page(
        self,
        workspace_id: uuid.UUID,
        work_pool_name: str,
        statuses: Sequence[WorkerStatus],
        after: uuid.UUID | None,
        limit: int,
    ) -> list[Worker]:
        """Return workers behind an id, by id."""
        statement = _WORKER.where(worker.c.workspace_id == workspace_id)
        if work_pool_name:
            statement = statement.where(work_pool.c.name == work_pool_name)
        if statuses:
            wanted = sa.literal([status.value for status in statuses], pg.ARRAY(sa.Text))
            statement = statement.where(worker.c.status == sa.any_(wanted))
        if after is not None:
            statement = statement.where(worker.c.worker_id > after)
        return [rows.worker_of(row) for row in await self._fetch(statement.order_by(worker.c.worker_id).limit(limit))]

    async def _fetch(self, statement: Any) -> list[asyncpg.Record]:
        text, arguments = compile_core(statement)
        return list(await self._connection.fetch(text, *arguments))


def _change_of(row: rows.Row) -> StatusChange:
    return StatusChange(rows.worker_of(row), WorkerStatus(row["status_before"]))
