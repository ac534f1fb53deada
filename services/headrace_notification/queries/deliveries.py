"""Deliveries in the tables."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import any_
from sqlalchemy.dialects.postgresql import ARRAY

from headrace.ids import made_at, uuid7
from headrace_chassis import metrics
from headrace_chassis.core import compile_core
from headrace_chassis.database import Database
from headrace_chassis.notify import Wakeups
from headrace_notification.queries import SQL
from headrace_notification.queries.evaluation import DELIVERIES_CHANNEL
from headrace_notification.queries.events import Events
from headrace_notification.queries.rows import delivery_from_row
from headrace_notification.repository import DeliveryPage
from headrace_notification.rules.automation_events import event_of_end
from headrace_notification.rules.automations import Action, action_document
from headrace_notification.rules.deliveries import AfterTry, Answer, Delivery, Status
from headrace_notification.tables import delivery as delivery_table


class Deliveries:
    """Keeps deliveries.

    Args:
        database: The service's pool.
        wakeups: Who is told of what is due.
        events: Keeps what became of them.
        claim_seconds: After this long without an outcome a claimed delivery is another process's to try.
    """

    def __init__(self, database: Database, wakeups: Wakeups, events: Events, *, claim_seconds: float) -> None:
        self._events = events
        self._database = database
        self._wakeups = wakeups
        self._claim_seconds = claim_seconds

    async def claim(self, limit: int, *, per_automation: int, busy: Sequence[uuid.UUID]) -> list[Delivery]:
        """Claim due deliveries for a try: a few of each automation, none of the busy ones."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(SQL.claim_deliveries, limit, per_automation, list(busy), self._claim_seconds)
        return [delivery_from_row(row) for row in rows]

    async def finish(self, delivery: Delivery, after: AfterTry, answer: Answer) -> bool:
        """Store what came of a try; return False if another process has taken the delivery over."""
        async with self._database.transaction() as connection:
            finished = await connection.fetchval(
                SQL.finish_try,
                delivery.delivery_id,
                delivery.tries,
                after.status.value,
                after.delay_seconds,
                answer.text,
                answer.status_code,
            )
            event_id = uuid7()
            made = event_id, made_at(event_id)
            told = event_of_end(delivery, after.status, answer.text, answer.status_code, made)
            if finished is not None and told is not None:
                await self._events.insert(connection, [told])
        if finished is not None:
            metrics.delivery_tries.add(1, {"action": delivery.action_kind, "status": after.status.value})
        return finished is not None

    async def load(self, workspace_id: uuid.UUID, delivery_id: uuid.UUID) -> Delivery | None:
        """Return a delivery."""
        table = delivery_table
        text, arguments = compile_core(
            sqlalchemy.select(table).where(table.c.delivery_id == delivery_id, table.c.workspace_id == workspace_id)
        )
        async with self._database.connection() as connection:
            row = await connection.fetchrow(text, *arguments)
        return delivery_from_row(row) if row is not None else None

    async def resend(self, workspace_id: uuid.UUID, delivery_id: uuid.UUID) -> bool:
        """Queue a delivery again that was given up; return whether it was."""
        async with self._database.transaction() as connection:
            queued = await connection.fetchval(SQL.resend_delivery, delivery_id, workspace_id)
            self._database.after_commit(connection, self._tell)
        return queued is not None

    async def list_unsent(self, after: uuid.UUID, limit: int) -> list[Delivery]:
        """Return deliveries of all workspaces that may still be sent, in the order of their ids, behind `after`."""
        table = delivery_table
        text, arguments = compile_core(
            sqlalchemy.select(table)
            .where(table.c.delivery_id > after, table.c.status != Status.DELIVERED.value)
            .order_by(table.c.delivery_id)
            .limit(limit)
        )
        async with self._database.connection() as connection:
            return [delivery_from_row(row) for row in await connection.fetch(text, *arguments)]

    async def replace_action(self, delivery_id: uuid.UUID, action: Action) -> None:
        """Store what a delivery does, encrypted anew."""
        async with self._database.connection() as connection:
            await connection.execute(SQL.replace_action, delivery_id, action_document(action))

    def _tell(self) -> None:
        self._wakeups.notify(DELIVERIES_CHANNEL)

    async def list_deliveries(self, workspace_id: uuid.UUID, page: DeliveryPage) -> list[Delivery]:
        """Return deliveries, newest first."""
        table = delivery_table
        conditions = [table.c.workspace_id == workspace_id]
        if page.automation_id is not None:
            conditions.append(table.c.automation_id == page.automation_id)
        if page.event_id is not None:
            conditions.append(table.c.event_id == page.event_id)
        if page.statuses:
            statuses = [status.value for status in page.statuses]
            conditions.append(table.c.status == any_(sqlalchemy.literal(statuses, ARRAY(sqlalchemy.Text))))
        if page.before is not None:
            conditions.append(table.c.delivery_id < page.before)
        text, arguments = compile_core(
            sqlalchemy.select(table).where(*conditions).order_by(table.c.delivery_id.desc()).limit(page.limit)
        )
        async with self._database.connection() as connection:
            return [delivery_from_row(row) for row in await connection.fetch(text, *arguments)]


class Sweeper:
    """Deletes what is no longer needed, a piece at a time.

    Args:
        database: The service's pool.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget_deliveries(self, *, days: int, limit: int) -> int:
        """Delete deliveries that ended more than `days` ago; return how many."""
        return await self._delete(SQL.forget_deliveries, days, limit)

    async def forget_channel_deliveries(self, *, days: int, limit: int) -> int:
        """Delete deliveries to channels that ended more than `days` ago; return how many."""
        return await self._delete(SQL.forget_channel_deliveries, days, limit)

    async def forget_buckets(self, *, days: int, limit: int) -> int:
        """Forget what no event or timer has touched for `days`; return how many."""
        return await self._delete(SQL.forget_buckets, days, limit)

    async def forget_calls(self, *, limit: int) -> int:
        """Forget calls of webhooks that are other events when they come again; return how many."""
        return await self._delete(SQL.forget_webhook_calls, limit)

    async def _delete(self, statement: str, *limits: int) -> int:
        async with self._database.transaction() as connection:
            status = await connection.execute(statement, *limits)
        return int(status.rpartition(" ")[2])
