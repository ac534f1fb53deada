"""`LogService` on the wire."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
from google.api import httpbody_pb2

from headrace import errors
from headrace.api.v1 import log_pb2, log_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.calls import current_draining
from headrace_chassis.clock import Clock
from headrace_chassis.paging import question_digest
from headrace_log.repository import Outcome, RecordReader, RecordTail, RunFamilies
from headrace_log.rules.records import RecordFilter
from headrace_log.servicers.own_runs import OwnRuns
from headrace_log.servicers.writing import Writing, cancel_when, lines_by_run
from headrace_log.usecases.following import Follow, Following
from headrace_log.usecases.ingest import Ingest
from headrace_log.usecases.listing import all_records, count_over_time, list_page
from headrace_log.usecases.quotas import Quotas
from headrace_log.wire import documents, packing
from headrace_log.wire import records as wire

MOST_TAIL = 10_000
DEFAULT_BUCKETS = 60
MOST_BUCKETS = 500
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
        families: Tells which runs are below others.
        clock: Gives a time to records that have none.
        quotas: Tells how much may be written.
        most_message_bytes: Where messages are cut.
    """

    def __init__(
        self,
        ingest: Ingest,
        reader: RecordReader,
        tail: RecordTail,
        follow: Follow,
        families: RunFamilies,
        clock: Clock,
        quotas: Quotas,
        *,
        most_message_bytes: int,
    ) -> None:
        self._quotas = quotas
        self._most_message_bytes = most_message_bytes
        self._ingest = ingest
        self._reader = reader
        self._tail = tail
        self._follow = follow
        self._families = families
        self._own = OwnRuns(families)
        self._clock = clock

    async def WriteLogs(
        self, request_iterator: AsyncIterator[log_pb2.WriteLogsRequest], context: Context
    ) -> AsyncIterator[log_pb2.WriteLogsResponse]:
        """Take batches and acknowledge them once they are committed."""
        writing = Writing(
            current_caller(), self._own, self._ingest, self._quotas, self._clock.now, self._most_message_bytes
        )
        yield await writing.open(request_iterator)
        reading = asyncio.create_task(writing.read(request_iterator), name="log writer reads")
        stopping = asyncio.create_task(cancel_when(current_draining(), reading), name="log writer drains")
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
        if len(request.records) > packing.MOST_RECORDS:
            raise errors.InvalidArgument.of_field("records", f"must be at most {packing.MOST_RECORDS}")
        caller = current_caller()
        workspace_id = caller.workspace_id
        batch = packing.batch_of(
            request.records,
            workspace_id,
            now=self._clock.now(),
            most_message_bytes=self._most_message_bytes,
            writer_run_id=caller.run_id,
        )
        await self._own.require(caller, batch.flow_run_ids or ())
        try:
            self._quotas.delay(batch, may_wait=False)
        except errors.ResourceExhausted as error:
            if error.reason == "LOG_DAY_FULL":
                self._quotas.dropped(workspace_id, lines_by_run(request.records))
            raise
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
        # What stands above it the token of the page has a follower look for, in the logs of runs that come later, too.
        horizon = await self._tail.settle() if request.filter.with_children else None
        page = await list_page(
            self._reader,
            self._tail,
            workspace_id,
            await self._wanted(request.filter, workspace_id),
            horizon=horizon,
            after=wire.key_from_token(request.page_token, question),
            newest_first=newest_first,
            page_size=wire.page_size(request.page_size),
        )
        return log_pb2.ListLogsResponse(
            logs=[wire.record_to_proto(record) for record in page.records],
            next_page_token=wire.key_to_token(page.next_key, question),
            follow_token=wire.follow_token_to_wire(page.follow_token, _following(request.filter, workspace_id)),
        )

    async def _wanted(self, asked: log_pb2.LogFilter, workspace_id: uuid.UUID) -> RecordFilter:
        wanted = wire.filter_from_proto(asked)
        if wanted.with_children:
            runs = await self._families.with_children(workspace_id, wanted.flow_run_ids)
            return dataclasses.replace(wanted, flow_run_ids=runs, with_children=False)
        return wanted

    async def GetLogHistogram(
        self, request: log_pb2.GetLogHistogramRequest, context: Context
    ) -> log_pb2.GetLogHistogramResponse:
        """Count records by level over time."""
        if not 0 <= request.buckets <= MOST_BUCKETS:
            raise errors.InvalidArgument.of_field("buckets", f"must be at most {MOST_BUCKETS}")
        workspace_id = current_caller().workspace_id
        wanted = await self._wanted(request.filter, workspace_id)
        spans, counts = await count_over_time(
            self._reader, workspace_id, wanted, most_spans=request.buckets or DEFAULT_BUCKETS
        )
        return wire.histogram_to_proto(spans, counts)

    async def DownloadLogs(
        self, request: log_pb2.DownloadLogsRequest, context: Context
    ) -> AsyncIterator[httpbody_pb2.HttpBody]:
        """Send all records as one document."""
        workspace_id = current_caller().workspace_id
        asked = request.filter
        if not (asked.flow_run_ids or asked.task_run_ids or asked.occurred.HasField("from")):
            raise errors.InvalidArgument.of_field(
                "filter", "must name flow runs, task runs or a beginning (occurred.from)"
            )
        wanted = await self._wanted(asked, workspace_id)
        document = documents.Document(request.format, strip_codes=request.strip_ansi)
        name = documents.file_name(
            wanted, document.suffix, is_of_one=len(asked.flow_run_ids) + len(asked.task_run_ids) == 1
        )
        await context.send_initial_metadata((("content-disposition", f'attachment; filename="{name}"'),))
        yield httpbody_pb2.HttpBody(content_type=document.media_type, data=document.head)
        async for page in all_records(self._reader, self._tail, workspace_id, wanted):
            yield httpbody_pb2.HttpBody(content_type=document.media_type, data=document.lines(page))
            if current_draining().is_set():
                raise errors.Unavailable("the server is stopping; the document is not complete")

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
