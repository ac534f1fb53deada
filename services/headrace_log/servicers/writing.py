"""The stream of a writer of log records."""

from __future__ import annotations

import asyncio
import collections
import datetime
from collections.abc import AsyncIterator, Callable, Iterable, Mapping

from headrace import errors
from headrace.api.v1 import log_pb2
from headrace_chassis.caller import Caller
from headrace_log.repository import Outcome
from headrace_log.rules.records import Batch
from headrace_log.servicers.own_runs import OwnRuns
from headrace_log.usecases.ingest import Ingest
from headrace_log.usecases.quotas import Quotas
from headrace_log.wire import packing

MOST_BATCHES_IN_FLIGHT = 32
_MOST_PROCESS_ID = 255
_NEVER_TAKEN = (errors.InvalidArgument, errors.ResourceExhausted, errors.PermissionDenied)


def lines_by_run(records: Iterable[log_pb2.LogRecord], columns: log_pb2.LogColumns | None = None) -> Mapping[str, int]:
    """Return how many records there are of each flow run, with those in valid columns."""
    lines = collections.Counter(record.flow_run_id for record in records)
    if columns is not None:
        for kind, count in collections.Counter(columns.kinds).items():
            lines[columns.shared[kind].flow_run_id] += count
    return lines


async def cancel_when(draining: asyncio.Event, reading: asyncio.Task[None]) -> None:
    """End a stream when the server is about to stop: what has come is committed, the rest is for another replica."""
    await draining.wait()
    reading.cancel()


class Writing:
    """One stream of a writer: reads ahead up to a bound, and answers in order."""

    def __init__(
        self,
        caller: Caller,
        own: OwnRuns,
        ingest: Ingest,
        quotas: Quotas,
        now: Callable[[], datetime.datetime],
        most_message_bytes: int,
    ) -> None:
        self._caller = caller
        self._own = own
        self._workspace_id = caller.workspace_id
        self._ingest = ingest
        self._quotas = quotas
        self._most_message_bytes = most_message_bytes
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
                max_records_per_batch=packing.MOST_RECORDS,
                max_message_bytes=self._most_message_bytes,
                takes_columns=True,
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
            made = self._batch(batch)
            await self._own.require(self._caller, made.flow_run_ids or ())
            try:
                wait = self._quotas.delay(made, may_wait=True)
            except errors.ResourceExhausted:
                self._quotas.dropped(self._workspace_id, lines_by_run(batch.records, batch.columns))
                raise
            if wait:
                # The writer is held up by not reading on.
                await asyncio.sleep(wait)
            return await self._ingest.submit(made)
        except _NEVER_TAKEN as error:
            refused: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            refused.set_exception(error)
            return refused

    def _batch(self, batch: log_pb2.LogBatch) -> Batch:
        if batch.sequence < 1:
            raise errors.InvalidArgument.of_field("sequence", "must count from 1")
        if len(batch.records) + len(batch.columns.messages) > packing.MOST_RECORDS:
            raise errors.InvalidArgument.of_field(
                "records", f"must be at most {packing.MOST_RECORDS}", reason="TOO_MANY_RECORDS"
            )
        return packing.batch_of(
            batch.records,
            self._workspace_id,
            now=self._now(),
            most_message_bytes=self._most_message_bytes,
            process_id=self._process_id,
            sequence=batch.sequence,
            columns=batch.columns if batch.HasField("columns") else None,
            writer_run_id=self._caller.run_id,
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
    except _NEVER_TAKEN as error:
        return log_pb2.WriteLogsRefused(sequence=sequence, reason=error.message, code=error.reason)
    if outcome is Outcome.TOO_OLD:
        reason = "so many later batches are stored that this one may be among them"
        return log_pb2.WriteLogsRefused(sequence=sequence, reason=reason, code="SEQUENCE_TOO_OLD")
    return None


def _acknowledge(sequence: int) -> log_pb2.WriteLogsResponse:
    return log_pb2.WriteLogsResponse(ack=log_pb2.WriteLogsAck(sequence=sequence))
