"""Writers and readers of log records for tests."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc.aio

from headrace.api.v1 import log_pb2, log_pb2_grpc
from headrace.ids import uuid7

FIRST_MOMENT = datetime.datetime(2026, 3, 5, 12, tzinfo=datetime.UTC)


def a_line(
    message: str = "hello",
    *,
    flow_run_id: str = "",
    at: datetime.datetime | None = None,
    level: int = 20,
    **fields: Any,
) -> log_pb2.LogRecord:
    """Return a record with an id, of now if `at` is not given."""
    record = log_pb2.LogRecord(
        log_id=str(uuid7()), flow_run_id=flow_run_id, message=message, level=level, logger="test", **fields
    )
    record.occurred_at.FromDatetime(at or datetime.datetime.now(datetime.UTC))
    return record


class LogWriter:
    """A stream of a writing process, as a client has it; use `a_writer`.

    Args:
        call: The open call.
        process_id: What it introduced itself as.
    """

    def __init__(self, call: Any, process_id: str) -> None:
        self._call = call
        self.process_id = process_id
        self.sequence = 0
        self.acknowledged = 0

    async def send(self, records: Sequence[log_pb2.LogRecord], *, sequence: int | None = None) -> int:
        """Send a batch without waiting for its answer; return its number."""
        self.sequence = self.sequence + 1 if sequence is None else sequence
        batch = log_pb2.LogBatch(sequence=self.sequence, records=records)
        await self.send_request(log_pb2.WriteLogsRequest(batch=batch))
        return self.sequence

    async def send_request(self, request: log_pb2.WriteLogsRequest) -> None:
        """Send a message as it is."""
        await self._call.write(request)

    async def answer(self) -> log_pb2.WriteLogsResponse:
        """Return the next answer."""
        response = await self._call.read()
        assert isinstance(response, log_pb2.WriteLogsResponse), "the stream ended"
        if response.WhichOneof("message") == "ack":
            self.acknowledged = max(self.acknowledged, response.ack.sequence)
        return response

    async def until_end(self) -> int:
        """Read until the server ends the stream; return the last acknowledged number."""
        while isinstance(response := await self._call.read(), log_pb2.WriteLogsResponse):
            self.acknowledged = max(self.acknowledged, response.ack.sequence)
        return self.acknowledged

    async def acked(self, sequence: int | None = None) -> None:
        """Return once the batch, by default the last one, is acknowledged."""
        wanted = self.sequence if sequence is None else sequence
        while self.acknowledged < wanted:
            response = await self.answer()
            assert response.WhichOneof("message") == "ack", response

    async def write(self, records: Sequence[log_pb2.LogRecord], *, sequence: int | None = None) -> None:
        """Send a batch and return once it is acknowledged."""
        sent = await self.send(records, sequence=sequence)
        self.acknowledged = min(self.acknowledged, sent - 1)
        await self.acked(sent)


@contextlib.asynccontextmanager
async def a_writer(channel: grpc.aio.Channel, process_id: str | None = None) -> AsyncIterator[LogWriter]:
    """Lend an open stream of a writing process, a new one unless it is named."""
    name = process_id or str(uuid7())
    call: Any = log_pb2_grpc.LogServiceStub(channel).WriteLogs()
    await call.write(log_pb2.WriteLogsRequest(open=log_pb2.WriteLogsOpen(process_id=name, client_version="0.1.0")))
    opened = await call.read()
    assert opened.WhichOneof("message") == "opened"
    try:
        yield LogWriter(call, name)
    finally:
        call.cancel()


async def list_all(channel: grpc.aio.Channel, wanted: log_pb2.LogFilter, **request: Any) -> list[log_pb2.LogRecord]:
    """Return all records of all pages."""
    stub = log_pb2_grpc.LogServiceStub(channel)
    found: list[log_pb2.LogRecord] = []
    token = ""
    while True:
        page = await stub.ListLogs(log_pb2.ListLogsRequest(filter=wanted, page_token=token, **request))
        found.extend(page.logs)
        token = page.next_page_token
        if not token:
            return found


class LogFollower:
    """Collects what a follower is sent, in a task of its own; use `a_follower`."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._changed = asyncio.Condition()
        self.records: list[log_pb2.LogRecord] = []
        self.tokens: list[str] = []
        self.caught_up_at: int | None = None
        """How many records had come when history was over."""
        self.ended = False

    @property
    def messages(self) -> list[str]:
        """The messages so far."""
        return [record.message for record in self.records]

    async def collect(self) -> None:
        """Read until the stream ends or is cancelled."""
        try:
            async for response in self._call:
                async with self._changed:
                    self.records.extend(response.logs)
                    self.tokens.append(response.follow_token)
                    if response.caught_up:
                        assert self.caught_up_at is None
                        self.caught_up_at = len(self.records)
                    self._changed.notify_all()
        finally:
            async with self._changed:
                self.ended = True
                self._changed.notify_all()

    async def got(self, count: int) -> list[str]:
        """Return the messages once there are at least `count`."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.records) >= count or self.ended)
        return self.messages

    async def caught_up(self) -> list[str]:
        """Return the messages of the history once it is over."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.caught_up_at is not None or self.ended)
        return self.messages[: self.caught_up_at]

    async def end(self) -> None:
        """Return once the stream has ended."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.ended)


@contextlib.asynccontextmanager
async def a_follower(
    channel: grpc.aio.Channel, wanted: log_pb2.LogFilter, **request: Any
) -> AsyncIterator[LogFollower]:
    """Lend a follower that collects at once."""
    call = log_pb2_grpc.LogServiceStub(channel).FollowLogs(log_pb2.FollowLogsRequest(filter=wanted, **request))
    follower = LogFollower(call)
    collecting = asyncio.create_task(follower.collect())
    try:
        yield follower
    finally:
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError, grpc.aio.AioRpcError):
            await collecting
