"""Deployments and their versions."""

from __future__ import annotations

import operator
import uuid
from collections.abc import Sequence
from functools import reduce
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from headrace import errors
from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection
from headrace_chassis.paging import check_key
from headrace_scheduler.queries import SQL, rows
from headrace_scheduler.queries.schedules import SCHEDULE_COLUMNS
from headrace_scheduler.repository.storage import Executable, Key
from headrace_scheduler.rules.deployment import Deployment, DeploymentFilter, Version, content_of, document
from headrace_scheduler.tables import deployment, deployment_version, schedule, work_pool, work_queue, worker

_own_queue = work_queue.alias("own_queue")
_default_queue = work_queue.alias("default_queue")
_queue_name = sa.func.coalesce(_own_queue.c.name, _default_queue.c.name)

_is_served = sa.exists().where(
    worker.c.deployment_ids.contains(pg.array([deployment.c.deployment_id])),
    # As the partial index on deployment_ids says it.
    worker.c.status != sa.literal_column("'OFFLINE'"),
    worker.c.status == "ONLINE",
)
_is_pooled = sa.exists().where(
    worker.c.work_pool_id == deployment.c.work_pool_id,
    worker.c.status == "ONLINE",
    sa.or_(sa.func.cardinality(worker.c.work_queue_names) == 0, _queue_name == sa.any_(worker.c.work_queue_names)),
)

_SELECT = sa.select(
    *deployment.c,
    deployment_version.c.content,
    work_pool.c.name.label("work_pool_name"),
    sa.func.coalesce(_own_queue.c.work_queue_id, _default_queue.c.work_queue_id).label("effective_queue_id"),
    _queue_name.label("effective_queue_name"),
    sa.case((deployment.c.work_pool_id.is_(None), _is_served), else_=_is_pooled).label("is_ready"),
).select_from(
    deployment.join(deployment_version, deployment_version.c.version_id == deployment.c.version_id)
    .outerjoin(work_pool, work_pool.c.work_pool_id == deployment.c.work_pool_id)
    .outerjoin(_own_queue, _own_queue.c.work_queue_id == deployment.c.work_queue_id)
    .outerjoin(_default_queue, _default_queue.c.work_queue_id == work_pool.c.default_queue_id)
)

_SCHEDULES_OF = (
    sa.select(*SCHEDULE_COLUMNS)
    .where(schedule.c.deployment_id == sa.any_(sa.bindparam("ids", type_=pg.ARRAY(sa.Uuid))))
    .order_by(schedule.c.schedule_id)
)

_VERSION_SELECT = sa.select(
    *deployment_version.c, (deployment.c.version_id == deployment_version.c.version_id).label("is_current")
).select_from(deployment_version.join(deployment, deployment.c.deployment_id == deployment_version.c.deployment_id))

_ORDERS: dict[str, tuple[sa.Column[Any], bool]] = {
    "CREATED_DESC": (deployment.c.created_at, True),
    "UPDATED_DESC": (deployment.c.updated_at, True),
    "NAME_ASC": (deployment.c.name, False),
    "NAME_DESC": (deployment.c.name, True),
}


class DeploymentQueries:
    """Deployments in one transaction; see `repository.storage.Deployments`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def load(self, workspace_id: uuid.UUID, deployment_id: uuid.UUID, *, lock: bool = False) -> Deployment | None:
        """Return a deployment, None if there is none."""
        return await self._load(
            [deployment.c.workspace_id == workspace_id, deployment.c.deployment_id == deployment_id], lock=lock
        )

    async def load_by_name(
        self, workspace_id: uuid.UUID, flow_name: str, name: str, *, lock: bool = False
    ) -> Deployment | None:
        """Return a deployment, None if there is none."""
        conditions = [
            deployment.c.workspace_id == workspace_id,
            deployment.c.flow_name == flow_name,
            deployment.c.name == name,
        ]
        return await self._load(conditions, lock=lock)

    async def _load(self, conditions: list[sa.ColumnElement[bool]], *, lock: bool) -> Deployment | None:
        if lock:
            # What is joined is read after the lock is there, so that it is as its last holder left it.
            await self._fetch(sa.select(deployment.c.deployment_id).where(*conditions).with_for_update())
        found = await self._fetch(_SELECT.where(*conditions))
        return (await self._with_schedules(found))[0] if found else None

    async def list_page(
        self, workspace_id: uuid.UUID, chosen: DeploymentFilter, order: str, after: Key | None, limit: int
    ) -> tuple[list[Deployment], Key | None]:
        """Return a page in an order of the contract (`CREATED_DESC`), and the key to go on behind it."""
        column, is_descending = _ORDERS[order]
        columns = (column, deployment.c.deployment_id)
        statement = _SELECT.where(deployment.c.workspace_id == workspace_id, *_conditions(chosen))
        if after is not None:
            check_key(after, [column.type.python_type for column in columns])
            compare = operator.lt if is_descending else operator.gt
            statement = statement.where(
                compare(sa.tuple_(*columns), sa.tuple_(*after, types=[c.type for c in columns]))
            )
        statement = statement.order_by(*(c.desc() if is_descending else c.asc() for c in columns)).limit(limit + 1)
        found = await self._fetch(statement)
        key = None
        if len(found) > limit:
            found = found[:limit]
            key = (found[-1][column.name], found[-1]["deployment_id"])
        return await self._with_schedules(found), key

    async def _with_schedules(self, found: list[asyncpg.Record]) -> list[Deployment]:
        ids = [row["deployment_id"] for row in found]
        text, arguments = compile_core(_SCHEDULES_OF.params(ids=ids))
        by_deployment: dict[uuid.UUID, list[Any]] = {}
        for row in await self._connection.fetch(text, *arguments):
            by_deployment.setdefault(row["deployment_id"], []).append(rows.schedule_of(row))
        return [rows.deployment_of(row, tuple(by_deployment.get(row["deployment_id"], ()))) for row in found]

    async def insert(self, new: Deployment) -> None:
        """Store a new deployment without its version and schedules.

        Raises:
            errors.AlreadyExists: The id or the name is taken.
        """
        text, arguments = compile_core(deployment.insert().values(rows.deployment_columns(new)))
        try:
            async with self._connection.transaction():
                await self._connection.execute(text, *arguments)
        except asyncpg.UniqueViolationError as error:
            taken = "name" if error.constraint_name == "deployment_name_key" else "id"
            raise errors.AlreadyExists(f"another deployment has this {taken}", reason="DEPLOYMENT_EXISTS") from error

    async def update(self, changed: Deployment) -> None:
        """Store a changed deployment without its schedules."""
        columns = rows.deployment_columns(changed)
        key = columns.pop("deployment_id")
        await self._execute(deployment.update().where(deployment.c.deployment_id == key).values(columns))

    async def delete(self, deployment_id: uuid.UUID) -> None:
        """Delete a deployment with its versions and schedules."""
        await self._execute(deployment.delete().where(deployment.c.deployment_id == deployment_id))

    async def insert_version(self, workspace_id: uuid.UUID, version: Version) -> None:
        """Store a version."""
        await self._execute(
            deployment_version.insert().values(
                version_id=version.version_id,
                workspace_id=workspace_id,
                deployment_id=version.deployment_id,
                number=version.number,
                content=document(version.content),
                **rows.creator_columns(version.creator),
                created_at=version.created_at,
                message=version.message,
                former_number=version.former_number,
            )
        )

    async def load_version(self, workspace_id: uuid.UUID, version_id: uuid.UUID) -> Version | None:
        """Return a version, None if there is none."""
        found = await self._fetch(
            _VERSION_SELECT.where(
                deployment_version.c.workspace_id == workspace_id, deployment_version.c.version_id == version_id
            )
        )
        return rows.version_of(found[0]) if found else None

    async def load_numbered(self, workspace_id: uuid.UUID, deployment_id: uuid.UUID, number: int) -> Version | None:
        """Return a version by its number, None if there is none."""
        found = await self._fetch(
            _VERSION_SELECT.where(
                deployment_version.c.workspace_id == workspace_id,
                deployment_version.c.deployment_id == deployment_id,
                deployment_version.c.number == number,
            )
        )
        return rows.version_of(found[0]) if found else None

    async def load_executables(self, version_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Executable]:
        """Return what workers need of those versions that exist."""
        found = await self._connection.fetch(SQL.load_executables, list(version_ids))
        return {row["version_id"]: Executable(content_of(row["content"]), rows.concurrency_of(row)) for row in found}

    async def list_versions(
        self, workspace_id: uuid.UUID, deployment_id: uuid.UUID, before: int | None, limit: int
    ) -> list[Version]:
        """Return versions with numbers below `before`, newest first."""
        statement = _VERSION_SELECT.where(
            deployment_version.c.workspace_id == workspace_id, deployment_version.c.deployment_id == deployment_id
        )
        if before is not None:
            statement = statement.where(deployment_version.c.number < before)
        found = await self._fetch(statement.order_by(deployment_version.c.number.desc()).limit(limit))
        return [rows.version_of(row) for row in found]

    async def _fetch(self, statement: Any) -> list[asyncpg.Record]:
        text, arguments = compile_core(statement)
        return list(await self._connection.fetch(text, *arguments))

    async def _execute(self, statement: Any) -> None:
        text, arguments = compile_core(statement)
        await self._connection.execute(text, *arguments)


def _conditions(chosen: DeploymentFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    columns = deployment.c
    any_of: list[tuple[sa.ColumnElement[Any], tuple[Any, ...], Any]] = [
        (columns.deployment_id, chosen.deployment_ids, sa.Uuid),
        (columns.flow_id, chosen.flow_ids, sa.Uuid),
        (columns.name, chosen.names, sa.Text),
        (work_pool.c.name, chosen.work_pool_names, sa.Text),
        (_queue_name, chosen.work_queue_names, sa.Text),
    ]
    for column, wanted, kind in any_of:
        if wanted:
            conditions.append(column == sa.any_(sa.literal(list(wanted), pg.ARRAY(kind))))
    words = pg.ARRAY(sa.Text)
    if chosen.name_contains:
        parts = (columns.name, columns.flow_name)
        conditions.append(
            reduce(operator.or_, (part.icontains(chosen.name_contains, autoescape=True) for part in parts))
        )
    if chosen.tags_all:
        conditions.append(columns.tags.contains(sa.literal(list(chosen.tags_all), words)))
    if chosen.tags_any:
        conditions.append(columns.tags.overlap(sa.literal(list(chosen.tags_any), words)))
    if chosen.tags_none:
        conditions.append(sa.not_(columns.tags.overlap(sa.literal(list(chosen.tags_none), words))))
    if chosen.labels:
        conditions.append(columns.labels.contains(sa.literal(dict(chosen.labels), pg.JSONB)))
    if chosen.paused is not None:
        conditions.append(columns.paused.is_(chosen.paused))
    if chosen.has_concurrency_limit is not None:
        limited = sa.or_(columns.concurrency_limit.is_not(None), columns.shared_limit_name != "")
        conditions.append(limited if chosen.has_concurrency_limit else sa.not_(limited))
    if chosen.scheduled is not None:
        active = sa.exists().where(schedule.c.deployment_id == columns.deployment_id, schedule.c.active)
        conditions.append(active if chosen.scheduled else sa.not_(active))
    return conditions
