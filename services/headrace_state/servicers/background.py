"""`BackgroundTaskService`."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import background_task_pb2, background_task_pb2_grpc
from headrace_chassis.caller import Caller, current_caller
from headrace_chassis.calls import current_draining
from headrace_chassis.notify import Wakeup, Wakeups
from headrace_state.repository.background import CHANNEL, BackgroundTasks
from headrace_state.repository.task_runs import TaskRunReads
from headrace_state.rules.background import Server
from headrace_state.rules.states import is_final
from headrace_state.servicers.feed import Feed
from headrace_state.servicers.own_runs import OwnRuns
from headrace_state.wire import background, task_runs, values

Context = grpc.aio.ServicerContext[Any, Any]

HEARTBEAT_SECONDS = 5.0
POLL_SECONDS = 1.0
"""How often a stream looks by itself whether there is something, beside being woken."""

CANCEL_SECONDS = 0.2
"""A busy stream looks for cancelled task runs this often."""

MOST_AT_ONCE = 100
"""Task runs in one message."""

_PAYLOADS = "PERMISSION_RUN_PAYLOADS_VIEW"


class BackgroundTaskServicer(background_task_pb2_grpc.BackgroundTaskServiceServicer):
    """Queues background tasks and hands them out."""

    def __init__(self, tasks: BackgroundTasks, reads: TaskRunReads, feed: Feed, wakeups: Wakeups, own: OwnRuns) -> None:
        self._own = own
        self._tasks = tasks
        self._reads = reads
        self._feed = feed
        self._wakeups = wakeups

    async def CreateBackgroundTasks(
        self, request: background_task_pb2.CreateBackgroundTasksRequest, context: Context
    ) -> background_task_pb2.CreateBackgroundTasksResponse:
        """Queue task runs."""
        caller = current_caller()
        workspace_id = caller.workspace_id
        tasks, frame = background.to_new_tasks(request, workspace_id, caller.run_uuid)
        queued = await self._tasks.create(workspace_id, tasks, frame)
        return background_task_pb2.CreateBackgroundTasksResponse(queued=queued)

    async def CancelBackgroundTask(
        self, request: background_task_pb2.CancelBackgroundTaskRequest, context: Context
    ) -> background_task_pb2.CancelBackgroundTaskResponse:
        """Cancel a background task."""
        caller = current_caller()
        workspace_id = caller.workspace_id
        task_run_id = values.to_id(request.task_run_id, "task_run_id")
        run = await self._reads.load(workspace_id, task_run_id)
        if run is None:
            raise errors.NotFound(f"there is no task run {task_run_id}")
        if run["flow_run_id"] is not None:
            raise errors.FailedPrecondition(
                f"task run {task_run_id} is part of a flow run: cancel that", reason="NOT_A_BACKGROUND_TASK"
            )
        if caller.is_run:
            for queued_by in (await self._tasks.queued_by(workspace_id, [task_run_id])).values():
                await self._own.require(caller, queued_by)
        is_over = await self._tasks.cancel(workspace_id, task_run_id)
        return background_task_pb2.CancelBackgroundTaskResponse(is_over=is_over)

    async def GetTaskServing(
        self, request: background_task_pb2.GetTaskServingRequest, context: Context
    ) -> background_task_pb2.GetTaskServingResponse:
        """Return the task servers that are there."""
        servers, backlogs = await self._tasks.list_servers(current_caller().workspace_id)
        return background.servers(servers, backlogs)

    async def FollowBackgroundTasks(
        self, request: background_task_pb2.FollowBackgroundTasksRequest, context: Context
    ) -> AsyncGenerator[background_task_pb2.FollowBackgroundTasksResponse, None]:
        """Send task runs as they are, then each change, until all are final."""
        caller = current_caller()
        wanted = set(values.to_ids(request.task_run_ids, "task_run_ids"))
        draining = current_draining()
        async with self._feed.follow(caller.workspace_id, with_task_runs=True) as subscriber:
            # They are followed before they are read, so nothing is missed in between.
            self._feed.add_runs(subscriber, [_NO_FLOW_RUN])
            changed = set(wanted)
            while True:
                if changed:
                    response, over = await self._changed(changed, caller)
                    wanted -= over
                    yield response
                if not wanted:
                    return
                if draining.is_set():
                    raise errors.Unavailable("the server is stopping; ask another", reason="DRAINING")
                changed = set()
                if await subscriber.wait(POLL_SECONDS):
                    _, ids = subscriber.take()
                    changed = wanted.intersection(map(uuid.UUID, ids))
                    if subscriber.behind is not None:
                        changed = set(wanted)
                        await self._feed.catch_up(subscriber)

    async def ServeBackgroundTasks(  # type: ignore[override]
        self, request_iterator: AsyncIterator[background_task_pb2.ServeBackgroundTasksRequest], context: Context
    ) -> None:
        """Serve the stream of one task server; it writes its answers by itself."""
        async with self._wakeups.subscribe(CHANNEL) as wakeup:
            stream = _ServeStream(self._tasks, self._reads, current_caller().workspace_id, wakeup, context)
            await stream.serve(request_iterator, current_draining())

    async def _changed(
        self, task_run_ids: set[uuid.UUID], caller: Caller
    ) -> tuple[background_task_pb2.FollowBackgroundTasksResponse, set[uuid.UUID]]:
        rows = await self._reads.load_many(caller.workspace_id, list(task_run_ids))
        with_result = caller.may(_PAYLOADS)
        response = background_task_pb2.FollowBackgroundTasksResponse(
            task_runs=[task_runs.task_run(row, with_result=with_result) for row in rows]
        )
        return response, {row["task_run_id"] for row in rows if is_final(row["state_type"])}


class _ServeStream:
    """Serves one task server: gives it what there is as long as it takes more."""

    def __init__(
        self,
        tasks: BackgroundTasks,
        reads: TaskRunReads,
        workspace_id: uuid.UUID,
        wakeup: Wakeup,
        context: Context,
    ) -> None:
        self._tasks = tasks
        self._reads = reads
        self._workspace_id = workspace_id
        self._wakeup = wakeup
        self._context = context
        self._server: Server | None = None
        self._free = 0
        self._given = 0
        self._under_way: collections.deque[uuid.UUID] = collections.deque()
        """Tokens of what was given and may not have arrived yet, in its order."""
        self._greeted_at = time.monotonic()
        self._told: set[uuid.UUID] = set()
        self._has_left = False

    async def serve(
        self,
        requests: AsyncIterator[background_task_pb2.ServeBackgroundTasksRequest],
        draining: asyncio.Event,
    ) -> None:
        """Serve until the task server closes its side, or this server stops.

        Raises:
            errors.InvalidArgument: The task server does not keep to the protocol.
            errors.Unavailable: The server is stopping.
        """
        giving = asyncio.create_task(self._give(), name="task server: give")
        running = [
            asyncio.create_task(self._read(requests), name="task server: read"),
            giving,
            asyncio.create_task(draining.wait(), name="task server: drain"),
        ]
        try:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if draining.is_set():
                raise errors.Unavailable("the server is stopping; connect to another", reason="DRAINING")
            if self._server is not None:
                await self._part(self._server, giving)
        finally:
            for task in running:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*running, return_exceptions=True)

    async def _part(self, server: Server, giving: asyncio.Task[None]) -> None:
        """Take leave of a task server that has closed its side: what was still on its way to it goes to others."""
        self._has_left = True
        self._wakeup.set()
        # A claim in progress is finished first, so that it is known what was claimed.
        await asyncio.wait([giving], timeout=HEARTBEAT_SECONDS)
        await self._tasks.give_back(self._workspace_id, list(self._under_way))
        await self._tasks.part(self._workspace_id, server)

    async def _read(self, requests: AsyncIterator[background_task_pb2.ServeBackgroundTasksRequest]) -> None:
        async for request in requests:
            kind = request.WhichOneof("message")
            if kind == "hello":
                self._server = background.to_server(request.hello)
                await self._tasks.greet(self._workspace_id, self._server)
                await self._context.write(background.welcome(HEARTBEAT_SECONDS))
            elif self._server is None:
                raise errors.InvalidArgument("the stream of a task server begins with its hello", reason="NOT_OPENED")
            elif kind == "ready":
                # It had not counted what is still on its way to it.
                under_way = max(0, self._given - request.ready.received)
                while len(self._under_way) > under_way:
                    self._under_way.popleft()
                self._free = min(request.ready.free, self._server.slots) - under_way
                self._wakeup.set()
                if time.monotonic() - self._greeted_at > HEARTBEAT_SECONDS / 2:
                    self._greeted_at = time.monotonic()
                    await self._tasks.greet(self._workspace_id, self._server)
            elif kind == "give_back":
                tokens = [attempt.token for attempt in request.give_back.attempts]
                await self._tasks.give_back(self._workspace_id, values.to_ids(tokens, "give_back.attempts"))
            elif kind == "keep":
                tokens = [attempt.token for attempt in request.keep.attempts]
                await self._tasks.keep(self._workspace_id, values.to_ids(tokens, "keep.attempts"))

    async def _give(self) -> None:
        looked_at = 0.0
        while not self._has_left:
            await self._wakeup.wait(POLL_SECONDS)
            server = self._server
            if server is None:
                continue
            while self._free > 0 and not self._has_left:
                claimed = await self._tasks.claim(self._workspace_id, server, min(self._free, MOST_AT_ONCE))
                if not claimed:
                    break
                self._free -= len(claimed)
                self._given += len(claimed)
                self._under_way.extend(row["token"] for row in claimed)
                runs = await self._reads.load_many(self._workspace_id, [row["task_run_id"] for row in claimed])
                await self._context.write(background.assignments(claimed, runs))
            if time.monotonic() - looked_at < CANCEL_SECONDS:
                continue
            looked_at = time.monotonic()
            cancels = set(await self._tasks.list_cancels(self._workspace_id, server))
            for task_run_id in cancels - self._told:
                await self._context.write(background.cancel(task_run_id))
            self._told = cancels


_NO_FLOW_RUN = ""
"""By which the feed knows task runs that are part of no flow run."""
