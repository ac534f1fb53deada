"""Streams of changes: one flow run with its task runs, or all flow runs that match a filter."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from typing import TypeVar

from headrace import errors
from headrace.api.v1 import flow_run_pb2
from headrace_chassis.caller import Caller
from headrace_chassis.calls import current_draining
from headrace_state.repository.flow_runs import FlowRunReads
from headrace_state.repository.task_runs import TaskRunReads
from headrace_state.rules.filters import FlowRunFilter
from headrace_state.rules.rows import Row
from headrace_state.rules.states import is_final
from headrace_state.servicers.feed import Feed, Subscriber
from headrace_state.wire import flow_runs, task_runs, values

Item = TypeVar("Item")

CHUNK = 500
"""Runs in one message."""

POLL_SECONDS = 1.0
"""How often a stream looks whether the server is stopping."""

SIGN_OF_LIFE_SECONDS = 10.0
PACE_SECONDS = 0.1
"""A follower under a flood of changes gets a message at most this often."""

SENT_LIMIT = 10_000
"""Runs that a follower is told about even when they no longer match its filter."""

_PAYLOADS = "PERMISSION_RUN_PAYLOADS_VIEW"


class Watching:
    """Follows runs for streams."""

    def __init__(self, feed: Feed, flow_runs: FlowRunReads, task_runs: TaskRunReads) -> None:
        self._feed = feed
        self._flow_runs = flow_runs
        self._task_runs = task_runs

    async def watch(
        self, request: flow_run_pb2.WatchFlowRunRequest, caller: Caller
    ) -> AsyncGenerator[flow_run_pb2.WatchFlowRunResponse, None]:
        """Send one flow run as it is, then each change, until it is final.

        Raises:
            errors.NotFound: There is no such flow run.
        """
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        with_task_runs = not request.without_task_runs
        draining = current_draining()
        async with self._feed.follow(caller.workspace_id, with_task_runs=with_task_runs) as subscriber:
            # It is followed before it is read, so nothing is missed in between.
            self._feed.add_runs(subscriber, [str(flow_run_id)])
            row = await self._load(flow_run_id, caller)
            yield flow_run_pb2.WatchFlowRunResponse(flow_run=self._flow_run(row, caller))
            if with_task_runs:
                async for chunk in self._all_task_runs(flow_run_id, caller):
                    yield self._task_run_response(chunk, caller)
            yield flow_run_pb2.WatchFlowRunResponse(caught_up=True)
            while not draining.is_set():
                if is_final(row["state_type"]) and not await subscriber.wait(0):
                    return
                if not await subscriber.wait(POLL_SECONDS):
                    continue
                changed, task_run_ids = await self._take(subscriber)
                # Task runs first: a final flow run is the last thing that is sent.
                for ids in _chunks(task_run_ids):
                    rows = await self._task_runs.load_many(caller.workspace_id, values.to_ids(ids, "task_run_id"))
                    if rows:
                        yield self._task_run_response(rows, caller)
                if changed:
                    row = await self._load(flow_run_id, caller)
                    yield flow_run_pb2.WatchFlowRunResponse(flow_run=self._flow_run(row, caller))
        raise errors.Unavailable("the server is stopping; watch again", reason="DRAINING")

    async def follow(
        self, chosen: FlowRunFilter, caller: Caller
    ) -> AsyncGenerator[flow_run_pb2.FollowFlowRunsResponse, None]:
        """Send the flow runs that match a filter, or did, whenever they change."""
        draining = current_draining()
        sent: collections.OrderedDict[uuid.UUID, None] = collections.OrderedDict()
        async with self._feed.follow(caller.workspace_id, whole_workspace=True) as subscriber:
            yield flow_run_pb2.FollowFlowRunsResponse(heartbeat=True)
            quiet_seconds = 0.0
            while not draining.is_set():
                if not await subscriber.wait(POLL_SECONDS):
                    quiet_seconds += POLL_SECONDS
                    if quiet_seconds >= SIGN_OF_LIFE_SECONDS:
                        quiet_seconds = 0.0
                        yield flow_run_pb2.FollowFlowRunsResponse(heartbeat=True)
                    continue
                changed, _ = await self._take(subscriber)
                for ids in _chunks([uuid.UUID(news) for news in changed]):
                    rows = await self._matching(ids, chosen, sent, caller)
                    if rows:
                        quiet_seconds = 0.0
                        yield flow_run_pb2.FollowFlowRunsResponse(
                            flow_runs=[self._flow_run(row, caller) for row in rows]
                        )
                await asyncio.sleep(PACE_SECONDS)
        raise errors.Unavailable("the server is stopping; follow again", reason="DRAINING")

    async def _take(self, subscriber: Subscriber) -> tuple[list[str], list[str]]:
        changed, task_run_ids = subscriber.take()
        if subscriber.behind is not None:
            await self._feed.catch_up(subscriber)
        return [news.flow_run_id for news in changed], task_run_ids

    async def _matching(
        self,
        ids: Sequence[uuid.UUID],
        chosen: FlowRunFilter,
        sent: collections.OrderedDict[uuid.UUID, None],
        caller: Caller,
    ) -> list[Row]:
        wanted = [run_id for run_id in ids if not chosen.flow_run_ids or run_id in chosen.flow_run_ids]
        found: dict[uuid.UUID, Row] = {}
        if wanted:
            rows, _ = await self._flow_runs.list_page(
                caller.workspace_id,
                dataclasses.replace(chosen, flow_run_ids=tuple(wanted)),
                "ID_ASC",
                None,
                len(wanted),
                with_payloads=caller.may(_PAYLOADS),
            )
            found = {row["flow_run_id"]: row for row in rows}
        left = [run_id for run_id in ids if run_id in sent and run_id not in found]
        if left:
            found |= await self._flow_runs.load_many(caller.workspace_id, left)
        for run_id in found:
            sent[run_id] = None
            sent.move_to_end(run_id)
        while len(sent) > SENT_LIMIT:
            sent.popitem(last=False)
        return list(found.values())

    async def _load(self, flow_run_id: uuid.UUID, caller: Caller) -> Row:
        row = await self._flow_runs.load(caller.workspace_id, flow_run_id)
        if row is None:
            raise errors.NotFound(f"there is no flow run {flow_run_id}")
        return row

    async def _all_task_runs(self, flow_run_id: uuid.UUID, caller: Caller) -> AsyncIterator[list[Row]]:
        after: uuid.UUID | None = None
        while True:
            rows = await self._task_runs.list_of_flow_run(caller.workspace_id, flow_run_id, after, CHUNK)
            if rows:
                yield rows
            if len(rows) < CHUNK:
                return
            after = rows[-1]["task_run_id"]

    def _flow_run(self, row: Row, caller: Caller) -> flow_run_pb2.FlowRun:
        return flow_runs.flow_run(row, with_payloads=caller.may(_PAYLOADS))

    def _task_run_response(self, rows: Sequence[Row], caller: Caller) -> flow_run_pb2.WatchFlowRunResponse:
        with_result = caller.may(_PAYLOADS)
        return flow_run_pb2.WatchFlowRunResponse(
            task_runs=[task_runs.task_run(row, with_result=with_result) for row in rows]
        )


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
