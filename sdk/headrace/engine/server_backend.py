"""The backend that a server is: calls for flow runs, one stream for task runs, one for logs.

Everything runs on the loop thread of the client. One connection serves all flow runs of the process.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
import pathlib
import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from headrace import errors
from headrace.api.v1 import (
    artifact_pb2,
    asset_pb2,
    block_pb2,
    event_pb2,
    flow_run_pb2,
    state_pb2,
    task_run_pb2,
    variable_pb2,
)
from headrace.client.core import Client
from headrace.client.retry import patiently
from headrace.client.values import value_from_proto, value_to_proto
from headrace.engine.backend import EarlierTaskRun, NewFlowRun, StartedFlowRun, Verdict
from headrace.engine.server_waits import ServerWaits
from headrace.engine.slots import HeldSlots, SlotFuture, SlotKeeper, SlotWish
from headrace.engine.verdicts import verdict_from_proto
from headrace.recording.events import EventShipper
from headrace.recording.facts import AttemptHandle, Transition
from headrace.recording.log_batches import LogLine
from headrace.recording.logs import LogShipper
from headrace.recording.recorder import Recorder
from headrace.recording.recovery import recover, spool_folder_of
from headrace.recording.spool import Spool
from headrace.recording.text import storable
from headrace.recording.wire import reference_from_proto, state_to_proto, struct_of
from headrace.settings import DEFAULT_API_URL, Settings
from headrace.states import ResultReference, State

logger = logging.getLogger("headrace.engine")

T = TypeVar("T")

INFRASTRUCTURE_ID = "HEADRACE_INFRASTRUCTURE_ID"
"""Environment variable with what identifies the container that this process runs in."""
_PAGE = 200
RETRY_REQUESTED = "RETRY_REQUESTED"
"""Reason of the state of a task run that is to be executed again on request."""
_CACHED = 20
_CLOSE_SECONDS = 2.0
"""How long the end waits for slots to be given back; their leases end by themselves, too."""

# Both requests carry ids made here, so that sending them twice does nothing twice.
_REPEATABLE = (errors.Unavailable, errors.DeadlineExceeded)


class ServerBackend:
    """Keeps runs in a server.

    Args:
        client: The connection.
        settings: Patience, folders and limits.
    """

    def __init__(self, client: Client, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self.api_url = client.server.api_url
        self.waits = ServerWaits(client)
        self._infrastructure_id = os.environ.get(INFRASTRUCTURE_ID) or f"{socket.gethostname()}:{os.getpid()}"
        self._tasks: list[asyncio.Task[None]] = []
        self._recorder, self._shipper, self._events, self._keeper = client.run(self._start())
        # Called very often, so without a method in between.
        self.record: Callable[[Transition], None] = self._recorder.record
        self.write_log: Callable[[LogLine], None] = self._shipper.write
        self.emit_event: Callable[[event_pb2.Event], object] = self._events.write

    def create_flow_run(self, run: NewFlowRun) -> concurrent.futures.Future[StartedFlowRun]:
        """Create a flow run as RUNNING."""
        return self._submit(self._create(run))

    def propose(self, flow_run_id: str, token: str, state: State[Any]) -> concurrent.futures.Future[Verdict]:
        """Propose a state for a flow run."""
        return self._submit(self._propose(flow_run_id, token, state))

    def flush(self) -> concurrent.futures.Future[None]:
        """Wait until all transitions recorded so far are acknowledged."""
        return self._submit(self._recorder.flush(self._settings.run_patience_seconds))

    def flush_within(self, timeout: float) -> concurrent.futures.Future[None]:
        """Wait until all transitions recorded so far are acknowledged, but no longer than `timeout` seconds."""
        return self._submit(self._recorder.flush(timeout))

    def flush_logs(self, timeout: float) -> concurrent.futures.Future[int]:
        """Wait until all log records are acknowledged, and all events."""
        return self._submit(self._flush_told(timeout))

    def earlier_task_runs(self, flow_run_id: str) -> concurrent.futures.Future[dict[tuple[str, str], EarlierTaskRun]]:
        """Return the task runs of earlier executions of a flow run."""
        return self._submit(self._earlier(flow_run_id))

    def find_cached(self, cache_key: str) -> concurrent.futures.Future[ResultReference | None]:
        """Return where the result is of the last task run that completed with a cache key."""
        return self._submit(self._find_cached(cache_key))

    def save_artifact(self, artifact: artifact_pb2.Artifact, *, is_new: bool) -> concurrent.futures.Future[None]:
        """Keep an artifact, or change the fields of one that are set."""
        return self._submit(self._save_artifact(artifact, is_new))

    def record_materializations(
        self, request: asset_pb2.RecordMaterializationsRequest
    ) -> concurrent.futures.Future[None]:
        """Tell that a task run made assets."""
        return self._submit(self._record_materializations(request))

    def get_variable(self, name: str) -> concurrent.futures.Future[Any]:
        """Return a variable's value."""
        return self._submit(self._get_variable(name))

    def set_variable(
        self, name: str, value: Any, tags: Sequence[str], *, overwrite: bool
    ) -> concurrent.futures.Future[None]:
        """Set a variable."""
        return self._submit(self._set_variable(name, value, tags, overwrite))

    def unset_variable(self, name: str) -> concurrent.futures.Future[bool]:
        """Delete a variable."""
        return self._submit(self._unset_variable(name))

    def register_block_type(
        self, request: block_pb2.RegisterBlockTypeRequest
    ) -> concurrent.futures.Future[block_pb2.RegisterBlockTypeResponse]:
        """Create a type of blocks, or change the one with the slug."""
        return self._submit(_answer(self._client.aio.blocks.RegisterBlockType(request)))

    def save_block(self, request: block_pb2.SaveBlockRequest) -> concurrent.futures.Future[block_pb2.SaveBlockResponse]:
        """Create a block, or change the one with the type and name."""
        return self._submit(_answer(self._client.aio.blocks.SaveBlock(request)))

    def get_block(self, request: block_pb2.GetBlockRequest) -> concurrent.futures.Future[block_pb2.GetBlockResponse]:
        """Return a block with those that it refers to."""
        return self._submit(_answer(self._client.aio.blocks.GetBlock(request)))

    def delete_block(
        self, request: block_pb2.DeleteBlockRequest
    ) -> concurrent.futures.Future[block_pb2.DeleteBlockResponse]:
        """Delete a block."""
        return self._submit(_answer(self._client.aio.blocks.DeleteBlock(request)))

    def acquire_slots(self, wish: SlotWish) -> SlotFuture:
        """Take slots of concurrency limits, waiting in line."""
        return self._keeper.begin(wish)

    def release_slots(self, held: HeldSlots) -> concurrent.futures.Future[None]:
        """Give slots back."""
        return self._submit(self._keeper.release(held))

    def is_unlimited(self, names: tuple[str, ...]) -> bool:
        """Return whether none of these names had a limit a moment ago."""
        return self._keeper.is_unlimited(names)

    def attach(self, attempt: AttemptHandle) -> None:
        """Keep an attempt's lease from now on."""
        self._recorder.attach(attempt)

    def detach(self, attempt: AttemptHandle) -> None:
        """Let an attempt's lease go."""
        self._recorder.detach(attempt)

    def close(self) -> None:
        """Stop sending; transitions that are not acknowledged by now are left on disk for another process."""
        self._client.run(self._stop())

    def _submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        return self._client.thread.submit(coroutine)

    async def _start(self) -> tuple[Recorder, LogShipper, EventShipper, SlotKeeper]:
        folder = spool_folder_of(
            self._settings.spool_folder, self._settings.api_url or DEFAULT_API_URL, self._settings.workspace_id
        )
        recorder = Recorder(self._client.aio, Spool(folder, self._settings.spool_bytes))
        shipper = LogShipper(self._client.aio)
        events = EventShipper(self._client.aio)
        running = [(recorder.run(), "recorder"), (shipper.run(), "log shipper"), (events.run(), "event shipper")]
        if folder.exists():
            running.append((self._recover(folder), "recovery"))
        for coroutine, name in running:
            task = asyncio.create_task(coroutine, name=f"headrace-{name}")
            task.add_done_callback(_report_end)
            self._tasks.append(task)
        keeper = SlotKeeper(self._client.aio.concurrency, self._settings.run_patience_seconds)
        return recorder, shipper, events, keeper

    async def _flush_told(self, timeout: float) -> int:
        missing, events = await asyncio.gather(self._shipper.flush(timeout), self._events.flush(timeout))
        if events:
            logger.warning("the server did not confirm %d events before the end", events)
        return missing

    async def _stop(self) -> None:
        await self._keeper.close(_CLOSE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._recorder.close()

    async def _recover(self, folder: pathlib.Path) -> None:
        await recover(folder, self._client.aio.record.RecordTransitions)

    async def _create(self, run: NewFlowRun) -> StartedFlowRun:
        request = flow_run_pb2.CreateFlowRunRequest(
            flow_run_id=run.flow_run_id,
            flow_name=storable(run.flow_name),
            name=storable(run.name),
            state=state_pb2.State(type=state_pb2.STATE_TYPE_RUNNING),
            tags=list(map(storable, run.tags)),
            flow_version=storable(run.flow_version),
            parent_task_run_id=run.parent_task_run_id,
            parent_flow_run_id=run.parent_flow_run_id,
            infrastructure_id=self._infrastructure_id,
        )
        if run.parameters:
            request.parameters.CopyFrom(struct_of(run.parameters))
        if run.retries:
            request.retry_policy.CopyFrom(
                flow_run_pb2.RetryPolicy(
                    retries=run.retries,
                    delay_seconds=run.retry_delays,
                    kind=flow_run_pb2.RETRY_KIND_IN_PROCESS,
                )
            )
        response = await self._client.aio.flow_runs.CreateFlowRun(request)
        return StartedFlowRun(
            name=response.flow_run.name,
            token=response.attempt.token,
            run_count=max(1, response.flow_run.run_count),
        )

    async def _propose(self, flow_run_id: str, token: str, state: State[Any]) -> Verdict:
        if state.is_final():
            await self._recorder.flush(self._settings.run_patience_seconds)
        request = flow_run_pb2.ProposeFlowRunStateRequest(
            flow_run_id=flow_run_id,
            state=state_to_proto(state),
            attempt_token=token,
            infrastructure_id=self._infrastructure_id,
        )
        response = await patiently(
            lambda: self._client.aio.flow_runs.ProposeFlowRunState(request),
            self._settings.run_patience_seconds,
            retried=_REPEATABLE,
            on_wait=lambda error, _: logger.warning("The end of a flow run waits for the server: %s", error),
        )
        return verdict_from_proto(response.verdict, response.attempt.token)

    async def _earlier(self, flow_run_id: str) -> dict[tuple[str, str], EarlierTaskRun]:
        found: dict[tuple[str, str], EarlierTaskRun] = {}
        request = task_run_pb2.ListTaskRunsRequest(
            filter=task_run_pb2.TaskRunFilter(flow_run_ids=[flow_run_id]),
            sort=task_run_pb2.TASK_RUN_SORT_ID_ASC,
            page_size=_PAGE,
        )
        while True:
            page = await self._client.aio.task_runs.ListTaskRuns(request)
            for run in page.task_runs:
                found[run.task_key, run.dynamic_key] = EarlierTaskRun(
                    task_run_id=run.task_run_id,
                    version=run.state.version,
                    run_count=run.run_count,
                    is_completed=run.state.type == state_pb2.STATE_TYPE_COMPLETED,
                    reference=reference_from_proto(run.state.result),
                    is_wanted_again=run.state.details.reason == RETRY_REQUESTED,
                )
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def _find_cached(self, cache_key: str) -> ResultReference | None:
        request = task_run_pb2.ListTaskRunsRequest(
            filter=task_run_pb2.TaskRunFilter(cache_keys=[cache_key], state_types=[state_pb2.STATE_TYPE_COMPLETED]),
            sort=task_run_pb2.TASK_RUN_SORT_ENDED_DESC,
            page_size=_CACHED,
        )
        page = await self._client.aio.task_runs.ListTaskRuns(request)
        # A run that was undone, or closed before its end, has no result.
        references = (reference_from_proto(run.state.result) for run in page.task_runs)
        return next((reference for reference in references if reference is not None), None)

    async def _save_artifact(self, artifact: artifact_pb2.Artifact, is_new: bool) -> None:
        stub = self._client.aio.artifacts
        if is_new:
            await stub.CreateArtifact(artifact_pb2.CreateArtifactRequest(artifact=artifact))
        else:
            await stub.UpdateArtifact(artifact_pb2.UpdateArtifactRequest(artifact=artifact))

    async def _record_materializations(self, request: asset_pb2.RecordMaterializationsRequest) -> None:
        if request.upstream_task_run_ids:
            # The server looks at what these took results from.
            await self._recorder.flush(self._settings.run_patience_seconds)
        await self._client.aio.assets.RecordMaterializations(request)

    async def _get_variable(self, name: str) -> Any:
        response = await self._client.aio.variables.GetVariable(variable_pb2.GetVariableRequest(name=name))
        return value_from_proto(response.variable.value)

    async def _set_variable(self, name: str, value: Any, tags: Sequence[str], overwrite: bool) -> None:
        request = variable_pb2.SetVariableRequest(
            name=name, value=value_to_proto(value), tags=tags, overwrite=overwrite
        )
        await self._client.aio.variables.SetVariable(request)

    async def _unset_variable(self, name: str) -> bool:
        try:
            await self._client.aio.variables.DeleteVariable(variable_pb2.DeleteVariableRequest(name=name))
        except errors.NotFound:
            return False
        return True


async def _answer(call: Awaitable[T]) -> T:
    return await call


def _report_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.critical("The %s ended, which is a fault of Headrace", task.get_name(), exc_info=task.exception())
