"""Deliveries to channels in the tables: a queue, and the record of what became of each."""

from __future__ import annotations

import datetime
import logging
import uuid
from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import any_
from sqlalchemy.dialects.postgresql import ARRAY

from headrace import errors
from headrace.ids import uuid7
from headrace_chassis import metrics
from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeups
from headrace_notification.queries import SQL
from headrace_notification.queries.rows import Row
from headrace_notification.repository.channels import ChannelDeliveryPage
from headrace_notification.rules.channel_deliveries import (
    MOST_IN_DIGEST,
    MOST_TOLD,
    MOST_WAITING,
    ChannelDelivery,
    ChannelDeliveryStatus,
    Part,
    Try,
    escalated,
)
from headrace_notification.rules.channels import MOST_TRIES, Policy, Rate, due_at, policy_from_document
from headrace_notification.rules.deliveries import AfterTry, Answer, Result
from headrace_notification.rules.kinds.registry import rate_of
from headrace_notification.rules.messages import Envelope, fitted, message_document, message_from_document
from headrace_notification.tables import channel_delivery as delivery_table
from headrace_notification.tables import channel_delivery_try as try_table

logger = logging.getLogger(__name__)

CHANNELS_CHANNEL = "channel-deliveries"
"""Where it is told that something is to be sent."""


def channel_delivery_from_row(row: Row) -> ChannelDelivery:
    """Return the delivery in a row."""
    values = {name: row[name] for name in _PLAIN}
    return ChannelDelivery(
        message=message_from_document(row["message"]), status=ChannelDeliveryStatus(row["status"]), **values
    )


_PLAIN = tuple(
    column.name for column in delivery_table.columns if column.name not in ("message", "status", "scheduled_at")
)


class ChannelQueue:
    """Takes messages for channels.

    Args:
        database: The service's pool.
        wakeups: Who is told of what is due.
    """

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._database = database
        self._wakeups = wakeups

    async def enqueue(self, envelope: Envelope) -> tuple[uuid.UUID, bool]:
        """Queue a message; return which delivery it is, and False if its key was known.

        Raises:
            errors.NotFound: There is no such channel.
        """
        async with self._database.transaction() as connection:
            queued = await self.enqueue_in(connection, envelope)
        if queued is None:
            raise errors.NotFound(f"there is no channel {envelope.channel_id}")
        return queued

    async def enqueue_in(self, connection: Connection, envelope: Envelope) -> tuple[uuid.UUID, bool] | None:
        """Queue a message in a transaction; None if there is no such channel."""
        channel_id, group_key = envelope.channel_id, envelope.group_key
        channel = await connection.fetchrow(SQL.channel_to_queue_for, channel_id, envelope.workspace_id)
        if channel is None:
            return None
        policy: Policy = policy_from_document(channel["policy"])
        message = fitted(envelope.message)
        scheduled_at = None
        if policy.group_seconds > 0 and group_key:
            await connection.execute(SQL.lock_group, channel_id, group_key)
            scheduled_at = await connection.fetchval(
                SQL.group_scheduled_at, channel_id, group_key, policy.group_seconds
            )
        is_full = await connection.fetchval(SQL.count_waiting, channel_id, MOST_WAITING) >= MOST_WAITING
        status = ChannelDeliveryStatus.DEAD if is_full else ChannelDeliveryStatus.PENDING
        delivery_id = await connection.fetchval(
            SQL.insert_channel_delivery,
            uuid7(),
            envelope.workspace_id,
            channel_id,
            channel["name"],
            channel["kind"],
            envelope.dedup_key,
            group_key,
            message_document(message),
            envelope.event_id,
            envelope.automation_id,
            envelope.flow_run_id,
            status.value,
            policy.most_tries or MOST_TRIES,
            due_at(policy, message.severity, scheduled_at, channel["read_at"]),
            f"{MOST_WAITING} messages wait for the channel already" if is_full else "",
            envelope.escalation_of_id,
            envelope.escalations,
        )
        if delivery_id is None:
            known = await connection.fetchval(SQL.channel_delivery_of_key, channel_id, envelope.dedup_key)
            return known, False
        self._database.after_commit(connection, lambda: self._wakeups.notify(CHANNELS_CHANNEL))
        return delivery_id, True


class ChannelDeliveries:
    """Keeps deliveries to channels.

    Args:
        database: The service's pool.
        wakeups: Who is told of what is due.
        claim_seconds: After this long without an outcome a claimed delivery is another process's to try.
    """

    def __init__(self, database: Database, wakeups: Wakeups, *, claim_seconds: float) -> None:
        self._database = database
        self._wakeups = wakeups
        self._claim_seconds = claim_seconds

    async def claim(self, limit: int, *, busy: Sequence[uuid.UUID]) -> list[ChannelDelivery]:
        """Claim due deliveries for a try, as their channels' rates allow, none of the busy channels.

        What is due of a group is taken into one of them.
        """
        async with self._database.transaction() as connection:
            channels = await connection.fetch(SQL.waiting_channels, list(busy), limit)
            allowances: dict[uuid.UUID, int] = {}
            left = limit
            for row in channels:
                rate = _rate(row)
                # A share for each, so that one with much to send does not hold up the others.
                share = max(1, -(-left // (len(channels) - len(allowances))))
                allowances[row["channel_id"]] = min(rate.allowance(row["free_at"], row["read_at"]), share, left)
                left -= allowances[row["channel_id"]]
            claimed = await connection.fetch(
                SQL.claim_channel_deliveries, list(allowances), list(allowances.values()), self._claim_seconds
            )
            gathering = {row["channel_id"] for row in channels if policy_from_document(row["policy"]).group_seconds > 0}
            ids = await self._gather(connection, claimed, gathering)
            counts = {row["channel_id"]: 0 for row in channels}
            for row in claimed:
                counts[row["channel_id"]] += row["channel_delivery_id"] in ids
            await connection.execute(
                SQL.save_channel_rates,
                list(counts),
                [_rate(row).after(row["free_at"], row["read_at"], counts[row["channel_id"]]) for row in channels],
            )
            return await _load_all(connection, ids)

    async def _gather(
        self, connection: Connection, claimed: Sequence[Row], gathering: set[uuid.UUID]
    ) -> list[uuid.UUID]:
        ids: list[uuid.UUID] = []
        groups: dict[tuple[uuid.UUID, str], list[uuid.UUID]] = {}
        for row in sorted(claimed, key=lambda row: row["channel_delivery_id"]):
            # What was tried alone before stays alone: the receiver may have it.
            if row["channel_id"] in gathering and row["group_key"] and row["tries"] == 1:
                groups.setdefault((row["channel_id"], row["group_key"]), []).append(row["channel_delivery_id"])
            else:
                ids.append(row["channel_delivery_id"])
        for (channel_id, group_key), (first, *others) in groups.items():
            await connection.execute(
                SQL.gather_channel_deliveries, first, channel_id, group_key, others, MOST_IN_DIGEST - 1
            )
            ids.append(first)
        return ids

    async def parts(self, delivery: ChannelDelivery) -> list[Part]:
        """Return the first messages that were taken into a delivery, and the newest."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.parts_of_digest, delivery.channel_delivery_id, MOST_TOLD)
        return [Part(message_from_document(row["message"]), row["created_at"]) for row in rows]

    async def finish(
        self,
        delivery: ChannelDelivery,
        after: AfterTry,
        answer: Answer,
        *,
        took_seconds: float,
        escalates_seconds: float | None,
    ) -> bool:
        """Store what came of a try; return False if another process has taken the delivery over."""
        async with self._database.transaction() as connection:
            finished = await connection.fetchval(
                SQL.finish_channel_try,
                delivery.channel_delivery_id,
                delivery.tries,
                after.status.value,
                after.delay_seconds,
                answer.text,
                answer.status_code,
                took_seconds,
                # Who says when to come back means all that is sent, not this message alone.
                after.delay_seconds if answer.result is Result.AGAIN and answer.retry_after_seconds else None,
                escalates_seconds,
            )
        if finished is not None:
            metrics.delivery_tries.add(1, {"action": delivery.channel_kind, "status": after.status.value})
        return finished is not None

    async def postpone(self, delivery: ChannelDelivery, until: datetime.datetime) -> None:
        """Put a claimed delivery back; it was not tried."""
        async with self._database.connection() as connection:
            await connection.execute(SQL.postpone_channel_delivery, delivery.channel_delivery_id, delivery.tries, until)

    async def load(self, workspace_id: uuid.UUID, channel_delivery_id: uuid.UUID) -> ChannelDelivery | None:
        """Return a delivery."""
        async with self._database.connection() as connection:
            found = await _load_all(connection, [channel_delivery_id])
        return next((each for each in found if each.workspace_id == workspace_id), None)

    async def list_deliveries(self, workspace_id: uuid.UUID, page: ChannelDeliveryPage) -> list[ChannelDelivery]:
        """Return deliveries, newest first."""
        table = delivery_table
        conditions = [table.c.workspace_id == workspace_id]
        for name in ("channel_id", "event_id", "automation_id", "flow_run_id", "digest_id"):
            wanted = getattr(page, name)
            if wanted is not None:
                conditions.append(table.c[name] == wanted)
        if page.statuses:
            statuses = [status.value for status in page.statuses]
            conditions.append(table.c.status == any_(sqlalchemy.literal(statuses, ARRAY(sqlalchemy.Text))))
        if page.acknowledged is not None:
            is_open = table.c.acknowledged_at.is_(None)
            conditions.append(sqlalchemy.not_(is_open) if page.acknowledged else is_open)
        if page.before is not None:
            conditions.append(table.c.channel_delivery_id < page.before)
        text, arguments = compile_core(
            sqlalchemy.select(table).where(*conditions).order_by(table.c.channel_delivery_id.desc()).limit(page.limit)
        )
        async with self._database.connection() as connection:
            return [channel_delivery_from_row(row) for row in await connection.fetch(text, *arguments)]

    async def list_tries(self, channel_delivery_id: uuid.UUID, limit: int) -> list[Try]:
        """Return the last tries of a delivery, the newest last."""
        table = try_table
        text, arguments = compile_core(
            sqlalchemy.select(table)
            .where(table.c.channel_delivery_id == channel_delivery_id)
            .order_by(table.c.number.desc())
            .limit(limit)
        )
        names = ("number", "ended_at", "took_seconds", "delivered", "status_code", "answer")
        async with self._database.connection() as connection:
            rows = await connection.fetch(text, *arguments)
        return [Try(*(row[name] for name in names)) for row in reversed(rows)]

    async def resend(self, workspace_id: uuid.UUID, channel_delivery_id: uuid.UUID, most_tries: int) -> bool:
        """Queue a delivery again that ended; return whether it was."""
        async with self._database.transaction() as connection:
            queued = await connection.fetchval(
                SQL.resend_channel_delivery, channel_delivery_id, workspace_id, most_tries
            )
            self._database.after_commit(connection, lambda: self._wakeups.notify(CHANNELS_CHANNEL))
        return queued is not None

    async def acknowledge(self, workspace_id: uuid.UUID, channel_delivery_id: uuid.UUID, by: str) -> None:
        """Store who looks after a delivery, unless somebody does."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL.acknowledge_channel_delivery, channel_delivery_id, workspace_id, by)


async def _load_all(connection: Connection, ids: Sequence[uuid.UUID]) -> list[ChannelDelivery]:
    if not ids:
        return []
    table = delivery_table
    text, arguments = compile_core(
        sqlalchemy.select(table)
        .where(table.c.channel_delivery_id == any_(sqlalchemy.literal(list(ids), ARRAY(sqlalchemy.Uuid))))
        .order_by(table.c.channel_delivery_id)
    )
    return [channel_delivery_from_row(row) for row in await connection.fetch(text, *arguments)]


def _rate(row: Row) -> Rate:
    return Rate.of(policy_from_document(row["policy"]).most_per_minute or rate_of(row["kind"]))


class Escalations:
    """Tells other channels of what nobody acknowledged.

    Args:
        database: The service's pool.
        queue: Takes the messages.
    """

    def __init__(self, database: Database, queue: ChannelQueue) -> None:
        self._database = database
        self._queue = queue

    async def escalate(self, limit: int) -> int:
        """Tell other channels of deliveries that nobody acknowledged in time; return how many there were.

        What is told and that it is told are stored together: each of them is told once.
        """
        async with self._database.transaction() as connection:
            due = [row["channel_delivery_id"] for row in await connection.fetch(SQL.due_escalations, limit)]
            for delivery in await _load_all(connection, due):
                told = await self._tell(connection, delivery)
                await connection.execute(SQL.mark_escalated, delivery.channel_delivery_id, told)
        return len(due)

    async def _tell(self, connection: Connection, delivery: ChannelDelivery) -> uuid.UUID | None:
        channel = await connection.fetchrow(SQL.channel_to_queue_for, delivery.channel_id, delivery.workspace_id)
        escalation = policy_from_document(channel["policy"]).escalation if channel is not None else None
        if escalation is None:
            return None
        queued = await self._queue.enqueue_in(
            connection,
            Envelope(
                workspace_id=delivery.workspace_id,
                channel_id=escalation.channel_id,
                message=escalated(delivery),
                dedup_key=f"escalation {delivery.channel_delivery_id} {delivery.tries}",
                event_id=delivery.event_id,
                automation_id=delivery.automation_id,
                flow_run_id=delivery.flow_run_id,
                escalation_of_id=delivery.channel_delivery_id,
                escalations=delivery.escalations + 1,
            ),
        )
        if queued is None:
            logger.warning(
                "nobody acknowledged delivery %s, and the channel %s that should be told is gone",
                delivery.channel_delivery_id,
                escalation.channel_id,
            )
        return queued[0] if queued is not None else None
