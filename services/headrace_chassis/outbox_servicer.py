"""Serves a service's outbox to the other services."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace.internal.v1 import outbox_pb2, outbox_pb2_grpc
from headrace_chassis import metrics
from headrace_chassis.calls import current_draining
from headrace_chassis.database import Database
from headrace_chassis.notify import Pace, Wakeups
from headrace_chassis.outbox import POLL_SECONDS, Entry, OutboxReader, outbox_channel, parse_cursor
from headrace_chassis.settings import SERVICE_NAMES

logger = logging.getLogger(__name__)

SIGN_OF_LIFE_SECONDS = 10.0
"""After this long without entries an empty message is sent, so that a follower notices a dead connection."""

_INTERVAL_SECONDS = 0.025


class OutboxServicer(outbox_pb2_grpc.OutboxServiceServicer):
    """`OutboxService` of one schema.

    Args:
        database: The service's pool; its schema holds the outbox.
        wakeups: Where appends are notified.
    """

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._reader = OutboxReader(database)
        self._schema = database.schema
        self._wakeups = wakeups

    async def FollowOutbox(
        self,
        request: outbox_pb2.FollowOutboxRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> AsyncIterator[outbox_pb2.FollowOutboxResponse]:
        """Send entries after the cursor in order of position, at least once, until the follower goes."""
        if request.service and request.service != self._schema:
            raise errors.InvalidArgument.of_field("service", f"this is the outbox of {self._schema}")
        draining = current_draining()
        cursor = await self._start(request)
        quiet_seconds = 0.0
        asked = request.least_interval.ToTimedelta().total_seconds()
        pace = Pace(interval_seconds=min(max(asked, _INTERVAL_SECONDS), POLL_SECONDS))
        labels = {
            "schema": self._schema,
            "consumer": request.consumer if request.consumer in SERVICE_NAMES else "other",
        }
        # The subscription stands before the first read, so nothing can be appended unseen between the two.
        async with self._wakeups.subscribe(outbox_channel(self._schema)) as wakeup:
            while not draining.is_set():
                batch = await self._reader.read(cursor, request.kinds)
                cursor = batch.cursor
                if batch.entries:
                    quiet_seconds = 0.0
                    metrics.outbox_entries.add(len(batch.entries), labels)
                    yield outbox_pb2.FollowOutboxResponse(
                        entries=[_to_proto(entry) for entry in batch.entries], cursor=str(cursor)
                    )
                if not batch.is_all:
                    continue
                if await wakeup.wait(POLL_SECONDS):
                    await pace.wait()
                else:
                    quiet_seconds += POLL_SECONDS
                if quiet_seconds >= SIGN_OF_LIFE_SECONDS:
                    quiet_seconds = 0.0
                    yield outbox_pb2.FollowOutboxResponse(cursor=str(cursor))

    async def _start(self, request: outbox_pb2.FollowOutboxRequest) -> int:
        last = await self._reader.last_position()
        if not request.cursor:
            cursor = last if request.from_now else 0
        else:
            cursor = parse_cursor(request.cursor)
        if cursor > last:
            raise errors.FailedPrecondition(
                f"the cursor {cursor} is ahead of the outbox, which ends at {last}: the database was restored or reset",
                reason="CURSOR_AHEAD",
            )
        first = await self._reader.first_position()
        if request.cursor and first is not None and first > cursor + 1:
            # Entries that were rolled back look the same from here, so it is not an error.
            logger.warning(
                "%s follows the outbox of %s behind %d, but the oldest entry kept is %d: "
                "retention may have dropped what was between",
                request.consumer,
                self._schema,
                cursor,
                first,
            )
        logger.info("%s follows the outbox of %s behind %d", request.consumer or "somebody", self._schema, cursor)
        return cursor


def _to_proto(entry: Entry) -> outbox_pb2.OutboxEntry:
    recorded_at = Timestamp()
    recorded_at.FromDatetime(entry.recorded_at)
    return outbox_pb2.OutboxEntry(
        position=entry.position,
        workspace_id=str(entry.workspace_id),
        kind=entry.kind,
        recorded_at=recorded_at,
        payload=entry.payload,
    )
