"""`LogService` on the wire."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import log_pb2, log_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.calls import current_draining
from headrace_chassis.clock import Clock
from headrace_chassis.paging import question_digest
from headrace_log import wire
from headrace_log.repository import Outcome, RecordReader, RecordTail
from headrace_log.rules.records import Batch
from headrace_log.usecases.following import Follow, Following
from headrace_log.usecases.ingest import Ingest
from headrace_log.usecases.listing import list_page

MOST_BATCHES_IN_FLIGHT = 32
MOST_MESSAGE_BYTES = 64 * 1024
MOST_TAIL = 10_000
_MOST_PROCESS_ID = 255
_RETRY_AFTER_SECONDS = 1.0
_APPEND_WAIT_SECONDS = 10.0

Context = grpc.aio.ServicerContext[Any, Any]


class LogServicer(log_pb2_grpc.LogServiceServicer):
    """Takes, finds and follows log records.

    Args:
        ingest: Commits batches.
        reader: Finds records.
        tail: Tells what is committed.
        follow: Makes streams of records.
        clock: Gives a time to records that have none.
    """

    def __init__(self, ingest: Ingest, reader: RecordReader, tail: RecordTail, follow: Follow, clock: Clock) -> None:
        self._ingest = ingest
        self._reader = reader
        self._tail = tail
        self._follow = follow
        self._clock = clock

    async def WriteLogs(
        self, request_iterator: AsyncIterator[log_pb2.WriteLogsRequest], context: Context
    ) -> AsyncIterator[log_pb2.WriteLogsResponse]:
        """Take batches and acknowledge them once they are committed."""
        writing = _Writing(current_caller().workspace_id, self._ingest, self._clock.now)
        yield await writing.open(request_iterator)
        reading = asyncio.create_task(writing.read(request_iterator), name="log writer reads")
        stopping = asyncio.create_task(_cancel_when(current_draining(), reading), name="log writer drains")
        try:
            async for answer in writing.answers():
                yield answer
            # What was wrong with the stream itself is told after what came before it.
            with contextlib.suppress(asyncio.CancelledError):
                await reading
        finally:
            reading.cancel()
            stopping.cancel()
            await asyncio.gather(reading, stopping, return_exceptions=True)

    async def AppendLogs(self, request: log_pb2.AppendLogsRequest, context: Context) -> log_pb2.AppendLogsResponse:
        """Take one batch."""
        if len(request.records) > wire.MOST_RECORDS:
            raise errors.InvalidArgument.of_field("records", f"must be at most {wire.MOST_RECORDS}")
        workspace_id = current_caller().workspace_id
        batch = wire.batch_of(
            request.records, workspace_id, now=self._clock.now(), most_message_bytes=MOST_MESSAGE_BYTES
        )
        try:
            async with asyncio.timeout(_APPEND_WAIT_SECONDS):
                done = await self._ingest.submit(batch)
        except TimeoutError:
            raise errors.ResourceExhausted(
                "more log records arrive than can be stored",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
                reason="LOG_INGEST_FULL",
            ) from None
        outcome = await done
        return log_pb2.AppendLogsResponse(stored=len(batch.rows) if outcome is Outcome.STORED else 0)

    async def ListLogs(self, request: log_pb2.ListLogsRequest, context: Context) -> log_pb2.ListLogsResponse:
        """Return a page of records."""
        workspace_id = current_caller().workspace_id
        newest_first = request.sort == log_pb2.LOG_SORT_OCCURRED_DESC
        question = question_digest(request.filter, "desc" if newest_first else "asc", workspace_id)
        page = await list_page(
            self._reader,
            self._tail,
            workspace_id,
            wire.filter_from_proto(request.filter),
            after=wire.key_from_token(request.page_token, question),
            newest_first=newest_first,
            page_size=wire.page_size(request.page_size),
        )
        return log_pb2.ListLogsResponse(
            logs=[wire.record_to_proto(record) for record in page.records],
            next_page_token=wire.key_to_token(page.next_key, question),
            follow_token=wire.follow_token_to_wire(page.follow_token, _following(request.filter, workspace_id)),
        )

    async def FollowLogs(
        self, request: log_pb2.FollowLogsRequest, context: Context
    ) -> AsyncIterator[log_pb2.FollowLogsResponse]:
        """Send records as they come."""
        workspace_id = current_caller().workspace_id
        question = _following(request.filter, workspace_id)
        wanted = wire.filter_from_proto(request.filter)
        if request.until_final and not wanted.flow_run_ids:
            raise errors.InvalidArgument.of_field("filter.flow_run_ids", "must name the runs whose end is awaited")
        if request.tail > MOST_TAIL:
            raise errors.InvalidArgument.of_field("tail", f"must be at most {MOST_TAIL}; 0 sends all")
        asked = Following(
            workspace_id,
            wanted,
            token=wire.follow_token_from_wire(request.follow_token, question),
            tail=request.tail,
            until_final=request.until_final,
        )
        async for chunk in self._follow.stream(asked, current_draining().is_set):
            yield log_pb2.FollowLogsResponse(
                logs=[wire.record_to_proto(record) for record in chunk.records],
                follow_token=wire.follow_token_to_wire(chunk.token, question),
                caught_up=chunk.caught_up,
            )
        if current_draining().is_set():
            # An end without an error says that the runs are over.
            raise errors.Unavailable("the server is stopping; follow again from the last follow_token")


def _following(wanted: log_pb2.LogFilter, workspace_id: uuid.UUID) -> bytes:
    return question_digest(wanted, "follow", workspace_id)


async def _cancel_when(draining: asyncio.Event, reading: asyncio.Task[None]) -> None:
    """End a stream when the server is about to stop: what has come is committed, the rest is for another replica."""
    await draining.wait()
    reading.cancel()


class _Writing:
    """One stream of a writer: reads ahead up to a bound, and answers in order."""

    def __init__(self, workspace_id: uuid.UUID, ingest: Ingest, now: Callable[[], datetime.datetime]) -> None:
        self._workspace_id = workspace_id
        self._ingest = ingest
        self._now = now
        self._process_id = ""
        # What is under way, in the order in which it came; None ends it.
        self._under_way: asyncio.Queue[tuple[int, asyncio.Future[Outcome]] | None] = asyncio.Queue(
            MOST_BATCHES_IN_FLIGHT
        )

    async def open(self, requests: AsyncIterator[log_pb2.WriteLogsRequest]) -> log_pb2.WriteLogsResponse:
        """Take the first message."""
        request = await anext(aiter(requests), log_pb2.WriteLogsRequest())
        if request.WhichOneof("message") != "open":
            raise errors.InvalidArgument.of_field("open", "must be the first message of the stream")
        process_id = request.open.process_id
        if not process_id or len(process_id) > _MOST_PROCESS_ID or "\0" in process_id:
            raise errors.InvalidArgument.of_field("open.process_id", f"must have 1 to {_MOST_PROCESS_ID} characters")
        self._process_id = process_id
        return log_pb2.WriteLogsResponse(
            opened=log_pb2.WriteLogsOpened(
                max_batches_in_flight=MOST_BATCHES_IN_FLIGHT,
                max_records_per_batch=wire.MOST_RECORDS,
                max_message_bytes=MOST_MESSAGE_BYTES,
            )
        )

    async def read(self, requests: AsyncIterator[log_pb2.WriteLogsRequest]) -> None:
        """Take batches until the writer has no more."""
        try:
            async for request in requests:
                if request.WhichOneof("message") != "batch":
                    raise errors.InvalidArgument.of_field("batch", "must be in every message after the first")
                await self._under_way.put((request.batch.sequence, await self._take(request.batch)))
        finally:
            await self._under_way.put(None)

    async def _take(self, batch: log_pb2.LogBatch) -> asyncio.Future[Outcome]:
        try:
            return await self._ingest.submit(self._batch(batch))
        except errors.InvalidArgument as error:
            refused: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            refused.set_exception(error)
            return refused

    def _batch(self, batch: log_pb2.LogBatch) -> Batch:
        if batch.sequence < 1:
            raise errors.InvalidArgument.of_field("sequence", "must count from 1")
        if len(batch.records) > wire.MOST_RECORDS:
            raise errors.InvalidArgument.of_field(
                "records", f"must be at most {wire.MOST_RECORDS}", reason="TOO_MANY_RECORDS"
            )
        return wire.batch_of(
            batch.records,
            self._workspace_id,
            now=self._now(),
            most_message_bytes=MOST_MESSAGE_BYTES,
            process_id=self._process_id,
            sequence=batch.sequence,
        )

    async def answers(self) -> AsyncIterator[log_pb2.WriteLogsResponse]:
        """Yield acknowledgements in order, one for all that became durable together, and refusals."""
        committed: int | None = None
        while (item := await self._under_way.get()) is not None:
            sequence, done = item
            if committed is not None and not done.done():
                yield _acknowledge(committed)
                committed = None
            refusal = await _refusal(sequence, done)
            if refusal is None:
                committed = sequence
                if not self._under_way.empty():
                    continue
            if committed is not None:
                yield _acknowledge(committed)
                committed = None
            if refusal is not None:
                yield log_pb2.WriteLogsResponse(refused=refusal)
        if committed is not None:
            yield _acknowledge(committed)


async def _refusal(sequence: int, done: asyncio.Future[Outcome]) -> log_pb2.WriteLogsRefused | None:
    try:
        outcome = await done
    except errors.InvalidArgument as error:
        return log_pb2.WriteLogsRefused(sequence=sequence, reason=error.message, code=error.reason)
    if outcome is Outcome.TOO_OLD:
        reason = "so many later batches are stored that this one may be among them"
        return log_pb2.WriteLogsRefused(sequence=sequence, reason=reason, code="SEQUENCE_TOO_OLD")
    return None


def _acknowledge(sequence: int) -> log_pb2.WriteLogsResponse:
    return log_pb2.WriteLogsResponse(ack=log_pb2.WriteLogsAck(sequence=sequence))
