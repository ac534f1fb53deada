"""Events in the tables."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg
import sqlalchemy
from sqlalchemy import ColumnElement, any_, or_, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from headrace import errors
from headrace_chassis import metrics
from headrace_chassis.codecs import dump_json
from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection, Database
from headrace_chassis.leases import ServiceLease
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import outbox_channel
from headrace_notification.queries import SQL
from headrace_notification.queries.rows import event_from_row, resource_columns
from headrace_notification.repository import Followed
from headrace_notification.rules.events import Event, EventCounts, EventFilter, Facet, Key
from headrace_notification.rules.positions import MOST_EVENTS_IN_BLOCK, first_position
from headrace_notification.tables import event as event_table

_SHOWN = (
    event_table.c.position,
    event_table.c.event_id,
    event_table.c.workspace_id,
    event_table.c.name,
    event_table.c.occurred_at,
    event_table.c.received_at,
    event_table.c.resource_id,
    event_table.c.resource,
    event_table.c.related,
    event_table.c.payload,
    event_table.c.follows_event_id,
)


class Events:
    """Keeps events.

    Args:
        database: The service's pool.
        wakeups: Who is told after each commit.
        leases: By source, what must be held to store how far it is followed.
    """

    def __init__(self, database: Database, wakeups: Wakeups, leases: dict[str, ServiceLease] | None = None) -> None:
        self._database = database
        self._wakeups = wakeups
        self._leases = leases or {}
        self._channel = outbox_channel(database.schema)

    async def add(self, events: Sequence[Event], followed: Followed | None = None) -> int:
        """Store the events whose ids are not known, in this order, and how far their source is followed.

        Raises:
            errors.InvalidArgument: One of them cannot be stored; nothing was.
            errors.LeaseLost: The source is followed by another process by now; nothing was stored.
        """
        try:
            added = await self._database.run(lambda connection: self._add(connection, events, followed))
        except asyncpg.DataError as error:
            raise errors.InvalidArgument(f"an event cannot be stored: {error}", reason="EVENT_NOT_STORABLE") from error
        metrics.events_stored.add(added, {"source": followed.source if followed is not None else "client"})
        return added

    async def _add(self, connection: Connection, events: Sequence[Event], followed: Followed | None) -> int:
        if followed is not None:
            await self._leases[followed.source].guard(connection)
        new = {event.event_id: event for event in events}
        if new:
            known = await connection.fetch(SQL.known_events, list(new))
            for row in known:
                del new[row["event_id"]]
        added = await self.insert(connection, list(new.values())) if new else 0
        if followed is not None:
            await connection.execute(SQL.save_cursor, followed.source, followed.cursor)
            if followed.until is not None:
                mark = dump_json({"source": followed.source, "until": followed.until})
                await connection.execute(SQL.mark_source, mark)
                self._database.after_commit(connection, self._tell)
        return added

    async def insert(self, connection: Connection, events: Sequence[Event]) -> int:
        """Store new events in a transaction of somebody's; return how many there were that were not known."""
        blocks: list[tuple[uuid.UUID, list[Event]]] = []
        by_workspace: dict[uuid.UUID, list[Event]] = {}
        for event in events:
            by_workspace.setdefault(event.workspace_id, []).append(event)
        for workspace_id, own in by_workspace.items():
            for start in range(0, len(own), MOST_EVENTS_IN_BLOCK):
                blocks.append((workspace_id, own[start : start + MOST_EVENTS_IN_BLOCK]))
        drawn = await connection.fetch(
            SQL.draw_blocks, [workspace_id for workspace_id, _ in blocks], [_payload(own) for _, own in blocks]
        )
        placed: list[tuple[int, Event]] = []
        for row, (_, own) in zip(sorted(drawn, key=lambda row: row["position"]), blocks, strict=True):
            placed.extend(enumerate(own, first_position(row["position"])))
        columns = [resource_columns(event) for _, event in placed]
        inserted = await connection.fetch(
            SQL.insert_events,
            [position for position, _ in placed],
            [event.event_id for _, event in placed],
            [event.workspace_id for _, event in placed],
            [event.name for _, event in placed],
            [event.occurred_at for _, event in placed],
            [event.resource.resource_id for _, event in placed],
            [resource for resource, _ in columns],
            # As texts: a list of lists would be taken for an array of more dimensions.
            [dump_json(related).decode() for _, related in columns],
            [dict(event.payload) for _, event in placed],
            [event.follows_event_id for _, event in placed],
        )
        self._database.after_commit(connection, self._tell)
        return len(inserted)

    def _tell(self) -> None:
        self._wakeups.notify(self._channel)

    async def load_cursor(self, source: str) -> str:
        """Return how far a source is followed; "" if it never was."""
        async with self._database.connection() as connection:
            return str(await connection.fetchval(SQL.load_cursor, source) or "")

    async def load(self, workspace_id: uuid.UUID, event_id: uuid.UUID) -> Event | None:
        """Return an event, None if there is none."""
        found = await self.list_events(
            workspace_id, EventFilter(event_ids=(event_id,)), after=None, newest_first=True, limit=1
        )
        return found[0] if found else None

    async def list_events(
        self, workspace_id: uuid.UUID, wanted: EventFilter, *, after: Key | None, newest_first: bool, limit: int
    ) -> list[Event]:
        """Return at most `limit` events behind `after` in the order of time, or in the opposite one."""
        conditions = [event_table.c.workspace_id == workspace_id, *filter_conditions(wanted)]
        keys = (event_table.c.occurred_at, event_table.c.position)
        if after is not None:
            place = tuple_(
                sqlalchemy.literal(after.occurred_at, sqlalchemy.DateTime(timezone=True)),
                sqlalchemy.literal(after.position, sqlalchemy.BigInteger),
            )
            conditions.append(tuple_(*keys) < place if newest_first else tuple_(*keys) > place)
        statement = (
            sqlalchemy.select(*_SHOWN)
            .where(*conditions)
            .order_by(*(key.desc() if newest_first else key.asc() for key in keys))
            .limit(limit)
        )
        text, arguments = compile_core(statement)
        async with self._database.connection() as connection:
            return [event_from_row(row) for row in await connection.fetch(text, *arguments)]

    async def count(
        self,
        workspace_id: uuid.UUID,
        wanted: EventFilter,
        facet: Facet,
        span: tuple[datetime.datetime, datetime.datetime],
        *,
        buckets: int,
        most_values: int,
        most_events: int,
    ) -> EventCounts:
        """Return how many events there are in a span, by value and bucket of time; of the newest `most_events`."""
        begin, end = span
        table = event_table
        values: Any = {
            Facet.NAME: table.c.name,
            Facet.RESOURCE: table.c.resource_id,
            Facet.RELATED: table.c.related_ids,
        }[facet]
        seconds = max((end - begin).total_seconds(), 1e-6)
        place = sqlalchemy.func.width_bucket(
            sqlalchemy.extract("epoch", table.c.occurred_at - _moment(begin)),
            sqlalchemy.literal(0.0, sqlalchemy.Numeric),
            sqlalchemy.literal(seconds, sqlalchemy.Numeric),
            sqlalchemy.literal(buckets, sqlalchemy.Integer),
        )
        newest = (
            sqlalchemy.select(values.label("value"), place.label("place"))
            .where(
                table.c.workspace_id == workspace_id,
                table.c.occurred_at >= begin,
                table.c.occurred_at < end,
                *filter_conditions(dataclasses.replace(wanted, occurred_from=None, occurred_until=None)),
            )
            .order_by(table.c.occurred_at.desc(), table.c.position.desc())
            .limit(most_events + 1)
            .cte("newest")
        )
        one: Any = sqlalchemy.func.unnest(newest.c.value) if facet is Facet.RELATED else newest.c.value
        each = sqlalchemy.select(one.label("value"), newest.c.place).cte("each")
        count = sqlalchemy.func.count()
        top = (
            sqlalchemy.select(each.c.value, count.label("total"))
            .group_by(each.c.value)
            .order_by(count.desc(), each.c.value)
            .limit(most_values)
            .cte("top")
        )
        by_value = (
            sqlalchemy.select(top.c.value, top.c.total, each.c.place, count)
            .select_from(top.join(each, each.c.value == top.c.value))
            .group_by(top.c.value, top.c.total, each.c.place)
        )
        by_time = sqlalchemy.select(
            sqlalchemy.null().cast(sqlalchemy.Text), sqlalchemy.literal(0), newest.c.place, count
        ).group_by(newest.c.place)
        text, arguments = compile_core(sqlalchemy.union_all(by_value, by_time))
        over_time = [0] * buckets
        found: dict[str, tuple[int, list[int]]] = {}
        async with self._database.connection() as connection:
            for value, total, bucket, number in await connection.fetch(text, *arguments):
                counts = over_time if value is None else found.setdefault(value, (total, [0] * buckets))[1]
                counts[min(max(bucket, 1), buckets) - 1] += number
        ordered = sorted(found, key=lambda value: (-found[value][0], value))
        return EventCounts(
            {value: tuple(found[value][1]) for value in ordered}, tuple(over_time), sum(over_time) > most_events
        )

    async def list_in_positions(
        self,
        workspace_id: uuid.UUID,
        wanted: EventFilter,
        first: int,
        last: int,
        span: tuple[datetime.datetime, datetime.datetime],
    ) -> list[Event]:
        """Return the events of a span of positions that match, in the order of commits.

        Args:
            workspace_id: Whose.
            wanted: Which ones.
            first: The lowest position.
            last: The highest position.
            span: All of these positions occurred from the first to the second moment.
        """
        statement = (
            sqlalchemy.select(*_SHOWN)
            .where(
                event_table.c.workspace_id == workspace_id,
                event_table.c.occurred_at >= span[0],
                event_table.c.occurred_at <= span[1],
                event_table.c.position >= first,
                event_table.c.position <= last,
                *filter_conditions(wanted),
            )
            .order_by(event_table.c.position)
        )
        text, arguments = compile_core(statement)
        async with self._database.connection() as connection:
            return [event_from_row(row) for row in await connection.fetch(text, *arguments)]


def _payload(events: list[Event]) -> bytes:
    times = [event.occurred_at for event in events]
    return dump_json({"oldest": min(times), "newest": max(times)})


def filter_conditions(wanted: EventFilter) -> list[ColumnElement[bool]]:
    """Return a filter as conditions on the table."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.event_ids:
        conditions.append(
            event_table.c.event_id == any_(sqlalchemy.literal(list(wanted.event_ids), ARRAY(sqlalchemy.Uuid)))
        )
    if wanted.names:
        conditions.append(_fits(event_table.c.name, wanted.names))
    if wanted.names_excluded:
        conditions.append(~_fits(event_table.c.name, wanted.names_excluded))
    if wanted.resource_ids:
        conditions.append(_fits(event_table.c.resource_id, wanted.resource_ids))
    if wanted.related_resource_ids:
        conditions.append(_concerns(wanted.related_resource_ids))
    if wanted.any_resource_ids:
        conditions.append(
            or_(_fits(event_table.c.resource_id, wanted.any_resource_ids), _concerns(wanted.any_resource_ids))
        )
    if wanted.related_roles:
        roles = [event_table.c.related.op("@>")(_json([{"role": role}])) for role in wanted.related_roles]
        conditions.append(or_(*roles))
    if wanted.resource_labels:
        conditions.append(event_table.c.resource.op("@>")(_json({"labels": dict(wanted.resource_labels)})))
    if wanted.occurred_from is not None:
        conditions.append(event_table.c.occurred_at >= wanted.occurred_from)
    if wanted.occurred_until is not None:
        conditions.append(event_table.c.occurred_at < wanted.occurred_until)
    if wanted.text:
        conditions.extend(_contains(word) for word in wanted.text.split())
    return conditions


def _fits(column: Any, patterns: tuple[str, ...]) -> ColumnElement[bool]:
    exact = [pattern for pattern in patterns if not pattern.endswith("*")]
    found: list[ColumnElement[bool]] = []
    if len(exact) == 1:
        found.append(column == exact[0])
    elif exact:
        found.append(column == any_(_texts(exact)))
    for pattern in patterns:
        if pattern.endswith("*"):
            found.append(sqlalchemy.func.starts_with(column, pattern[:-1]))
    return or_(*found)


def _concerns(resource_ids: tuple[str, ...]) -> ColumnElement[bool]:
    return event_table.c.related_ids.op("&&", is_comparison=True)(_texts(list(resource_ids)))


def _contains(word: str) -> ColumnElement[bool]:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    everything = sqlalchemy.func.concat_ws(
        " ",
        event_table.c.name,
        event_table.c.resource_id,
        sqlalchemy.cast(event_table.c.resource, sqlalchemy.Text),
        sqlalchemy.cast(event_table.c.related, sqlalchemy.Text),
        sqlalchemy.cast(event_table.c.payload, sqlalchemy.Text),
    )
    return everything.op("ilike", is_comparison=True)(f"%{escaped}%")


def _moment(at: datetime.datetime) -> Any:
    return sqlalchemy.literal(at, sqlalchemy.DateTime(timezone=True))


def _json(value: object) -> Any:
    return sqlalchemy.literal(value, JSONB)


def _texts(values: list[str]) -> Any:
    return sqlalchemy.literal(values, ARRAY(sqlalchemy.Text))
