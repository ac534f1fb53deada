"""Reads by id that come together are made one call.

A call costs about as much as what it does, so requests of one turn of the event loop, and those that come
while the calls before them are under way, are joined into one call of the batch method. Nobody waits for
others to come. What the batch leaves out is asked for alone, so that the answer to a missing thing is the
service's own.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc.aio

from headrace.api.v1 import flow_run_pb2
from headrace_gateway.backends import Metadata

logger = logging.getLogger(__name__)

BATCHES_UNDER_WAY = 2
"""Calls of one kind and caller at a time; requests that come meanwhile form the next one."""

Call = Callable[[Any, Metadata], Awaitable[Any]]
"""Calls one method with a request."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class Joinable:
    """A method that gets one thing by its id, and the method that gets several."""

    get: str
    """Path of the one."""
    batch: str
    """Path of the other."""
    key: str
    """Field of the request that has the id."""
    keys: str
    """Field of the batch request that has the ids."""
    item: str
    """Field of the answer that has the thing."""
    items: str
    """Field of the batch answer that has the things."""
    limit: int
    """So many ids fit one batch."""
    answer: type[Any]
    """What the one answers with."""
    question: type[Any]
    """What the other is asked with."""


FLOW_RUNS = Joinable(
    get="/headrace.api.v1.FlowRunService/GetFlowRun",
    batch="/headrace.api.v1.FlowRunService/BatchGetFlowRuns",
    key="flow_run_id",
    keys="flow_run_ids",
    item="flow_run",
    items="flow_runs",
    limit=500,
    answer=flow_run_pb2.GetFlowRunResponse,
    question=flow_run_pb2.BatchGetFlowRunsRequest,
)
JOINABLE = (FLOW_RUNS,)


def is_traced(metadata: Metadata) -> bool:
    """Return whether a request belongs to a trace of its caller."""
    return any(name in ("traceparent", "headrace-correlation-id") for name, _ in metadata)


class _Queue:
    """Requests of one kind by one caller that wait to be joined."""

    __slots__ = ("scheduled", "under_way", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[str, list[asyncio.Future[Any]]] = {}
        self.under_way = 0
        self.scheduled = False


class Joiner:
    """Joins calls of one `Joinable`.

    What waits is bounded by the requests that the server takes at a time; each waits in one list.

    Args:
        joinable: What is joined.
        get: Calls the method that gets one.
        batch: Calls the method that gets several.
    """

    def __init__(self, joinable: Joinable, get: Call, batch: Call) -> None:
        self._joinable = joinable
        self._get = get
        self._batch = batch
        self._queues: dict[Metadata, _Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def call(self, request: Any, metadata: Metadata) -> Any:
        """Return the answer for one thing, as the single method gives it.

        Raises:
            grpc.aio.AioRpcError: The service refused, or does not answer.
        """
        item = await self._joined(request, metadata)
        if item is None:
            return await self._get(request, metadata)
        response = self._joinable.answer()
        getattr(response, self._joinable.item).CopyFrom(item)
        return response

    async def item(self, request: Any, metadata: Metadata) -> Any:
        """Return one thing, which others may have got, too: it is not to be changed.

        Raises:
            grpc.aio.AioRpcError: The service refused, or does not answer.
        """
        item = await self._joined(request, metadata)
        return getattr(await self._get(request, metadata), self._joinable.item) if item is None else item

    async def _joined(self, request: Any, metadata: Metadata) -> Any:
        key = getattr(request, self._joinable.key)
        # One malformed id would fail the whole batch, and a traced request keeps a trace of its own.
        if not _UUID.fullmatch(key) or is_traced(metadata):
            return None
        return await self._wait(key, metadata)

    def _wait(self, key: str, metadata: Metadata) -> asyncio.Future[Any]:
        """Return the future of a thing; None in it means that the batch left the thing out."""
        loop = asyncio.get_running_loop()
        queue = self._queues.get(metadata)
        if queue is None:
            queue = self._queues[metadata] = _Queue()
        future: asyncio.Future[Any] = loop.create_future()
        queue.waiting.setdefault(key, []).append(future)
        if not queue.scheduled and queue.under_way < BATCHES_UNDER_WAY:
            queue.scheduled = True
            loop.call_soon(self._send, metadata, queue)
        return future

    def _send(self, metadata: Metadata, queue: _Queue) -> None:
        queue.scheduled = False
        while queue.waiting and queue.under_way < BATCHES_UNDER_WAY:
            keys = list(queue.waiting)[: self._joinable.limit]
            waiting = {key: queue.waiting.pop(key) for key in keys}
            queue.under_way += 1
            task = asyncio.create_task(self._fetch(waiting, metadata))
            self._tasks.add(task)
            task.add_done_callback(lambda done: self._ended(done, metadata, queue))

    def _ended(self, task: asyncio.Task[None], metadata: Metadata, queue: _Queue) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("joined calls of %s failed", self._joinable.get, exc_info=error)
        queue.under_way -= 1
        if queue.waiting:
            self._send(metadata, queue)
        elif not queue.under_way and not queue.scheduled:
            self._queues.pop(metadata, None)

    async def _fetch(self, waiting: dict[str, list[asyncio.Future[Any]]], metadata: Metadata) -> None:
        try:
            request = self._joinable.question()
            getattr(request, self._joinable.keys).extend(waiting)
            response = await self._batch(request, metadata)
            found = {getattr(item, self._joinable.key): item for item in getattr(response, self._joinable.items)}
        except grpc.aio.AioRpcError as error:
            _fail([future for futures in waiting.values() for future in futures], error)
            return
        except BaseException:
            for futures in waiting.values():
                for future in futures:
                    future.cancel()
            raise
        for key, futures in waiting.items():
            item = found.get(key)
            for future in futures:
                if not future.done():
                    future.set_result(item)


def _fail(futures: Sequence[asyncio.Future[Any]], error: grpc.aio.AioRpcError) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)
