"""The outboxes of the other services, as events."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from headrace import errors
from headrace.api.v1 import flow_run_pb2, flow_run_pb2_grpc, task_run_pb2, task_run_pb2_grpc
from headrace.internal.v1 import outbox_pb2, outbox_pb2_grpc
from headrace.rpc.status import from_rpc_error
from headrace_notification.neighbours.calling import TIMEOUT_SECONDS, call
from headrace_notification.rules.events import Event
from headrace_notification.wire import outboxes
from headrace_notification.wire.values import moment

logger = logging.getLogger(__name__)

CONSUMER = "notification"
FLOW_RUN_STATE = "flow-run.state"
TASK_RUN_STATES = "task-run.states"
MOST_IDS = 200
MOST_KNOWN_RUNS = 2000


@dataclasses.dataclass(frozen=True, slots=True)
class SourceBatch:
    """What a source told: events in order, and how far it is followed with them."""

    events: list[Event]
    cursor: str
    until: datetime.datetime
    """Everything that happened there until then has come."""


class OutboxSource:
    """Follows the outbox of one other service.

    Args:
        name: The service.
        channel: Returns the channel to a service by name.
        kinds: What to ask for.
        refresh: Brings up to date what `wants_name` knows.
        wants_name: Tells whether an automation of a workspace looks at events of a name.
        now: Tells the time.
    """

    def __init__(
        self,
        name: str,
        channel: Callable[[str], grpc.aio.Channel],
        kinds: tuple[str, ...],
        refresh: Callable[[], Awaitable[None]],
        wants_name: Callable[[uuid.UUID, str], bool],
        now: Callable[[], datetime.datetime],
    ) -> None:
        self.name = name
        self._channel = channel
        self._kinds = kinds
        self._refresh = refresh
        self._wants_name = wants_name
        self._now = now
        self._runs: collections.OrderedDict[str, flow_run_pb2.FlowRun] = collections.OrderedDict()

    async def follow(self, cursor: str) -> AsyncIterator[SourceBatch]:
        """Yield what is told behind `cursor`, until the connection breaks.

        Raises:
            errors.HeadraceError: It broke; Unavailable if it may be had again.
        """
        stub = outbox_pb2_grpc.OutboxServiceStub(self._channel(self.name))
        request = outbox_pb2.FollowOutboxRequest(consumer=CONSUMER, cursor=cursor, kinds=self._kinds, service=self.name)
        stream = stub.FollowOutbox(request)
        try:
            async for response in stream:
                # Without entries it is a sign of life: nothing has happened that has not come.
                if response.entries:
                    await self._refresh()
                until = moment(response.entries[-1].recorded_at) if response.entries else self._now()
                yield SourceBatch(await self._events(list(response.entries)), response.cursor, until)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        finally:
            stream.cancel()

    async def _events(self, entries: list[outbox_pb2.OutboxEntry]) -> list[Event]:
        events: list[Event] = []
        for entry in entries:
            try:
                events += await self._events_of(entry)
            except (errors.InvalidArgument, DecodeError, ValueError, KeyError):
                # One that nobody understands must not keep all that follow from being told.
                logger.exception("entry %d of the outbox of %s is left out of the events", entry.position, self.name)
        return events

    async def _events_of(self, entry: outbox_pb2.OutboxEntry) -> list[Event]:
        if entry.kind == FLOW_RUN_STATE:
            event, run = outboxes.flow_run_event(entry)
            self._know(run)
            return [event]
        if entry.kind == TASK_RUN_STATES:
            return await self._task_run_events(entry)
        changed = outboxes.change_event(entry, self.name)
        return [changed] if changed is not None else []

    async def _task_run_events(self, entry: outbox_pb2.OutboxEntry) -> list[Event]:
        workspace_id = uuid.UUID(entry.workspace_id)
        flow_run_id, wanted = outboxes.wanted_transitions(entry, lambda name: self._wants_name(workspace_id, name))
        if not wanted:
            return []
        run = await self._run(workspace_id, flow_run_id) if flow_run_id else None
        undescribed = [transition.task_run_id for transition in wanted if not transition.HasField("spec")]
        described = await self._task_runs(workspace_id, list(dict.fromkeys(undescribed)))
        return [
            outboxes.task_run_event(entry, transition, flow_run_id, run, described.get(transition.task_run_id))
            for transition in wanted
        ]

    async def _run(self, workspace_id: uuid.UUID, flow_run_id: str) -> flow_run_pb2.FlowRun | None:
        known = self._runs.get(flow_run_id)
        if known is not None:
            return known
        stub = flow_run_pb2_grpc.FlowRunServiceStub(self._channel("state"))
        request = flow_run_pb2.GetFlowRunRequest(flow_run_id=flow_run_id)
        try:
            response = await call(workspace_id, CONSUMER, lambda: stub.GetFlowRun(request, timeout=TIMEOUT_SECONDS))
        except errors.NotFound:
            return None
        self._know(response.flow_run)
        return response.flow_run

    def _know(self, run: flow_run_pb2.FlowRun) -> None:
        self._runs[run.flow_run_id] = run
        self._runs.move_to_end(run.flow_run_id)
        if len(self._runs) > MOST_KNOWN_RUNS:
            self._runs.popitem(last=False)

    async def _task_runs(self, workspace_id: uuid.UUID, ids: list[str]) -> dict[str, task_run_pb2.TaskRun]:
        found: dict[str, task_run_pb2.TaskRun] = {}
        for start in range(0, len(ids), MOST_IDS):
            for task_run in await self._list_task_runs(workspace_id, ids[start : start + MOST_IDS]):
                found[task_run.task_run_id] = task_run
        return found

    async def _list_task_runs(self, workspace_id: uuid.UUID, ids: list[str]) -> list[task_run_pb2.TaskRun]:
        stub = task_run_pb2_grpc.TaskRunServiceStub(self._channel("state"))
        wanted = task_run_pb2.TaskRunFilter(task_run_ids=ids)
        request = task_run_pb2.ListTaskRunsRequest(filter=wanted, page_size=MOST_IDS)
        response = await call(workspace_id, CONSUMER, lambda: stub.ListTaskRuns(request, timeout=TIMEOUT_SECONDS))
        return list(response.task_runs)
