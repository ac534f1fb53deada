"""`RecordService`: what processes that execute flow runs report."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import task_run_pb2, task_run_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.calls import current_draining
from headrace_state.repository.leases import AttemptRef, Leases
from headrace_state.servicers.feed import Feed
from headrace_state.servicers.own_attempts import OwnAttempts
from headrace_state.servicers.record_stream import RecordStream
from headrace_state.usecases.recording import Recorder
from headrace_state.usecases.renew import renew_attempts
from headrace_state.wire import frames, records, values

Context = grpc.aio.ServicerContext[Any, Any]


class RecordServicer(task_run_pb2_grpc.RecordServiceServicer):
    """Takes what a process that executes flow runs reports."""

    def __init__(self, recorder: Recorder, leases: Leases, feed: Feed, own: OwnAttempts) -> None:
        self._own = own
        self._recorder = recorder
        self._leases = leases
        self._feed = feed

    async def Record(  # type: ignore[override]
        self, request_iterator: AsyncIterator[task_run_pb2.RecordRequest], context: Context
    ) -> None:
        """Serve the stream of one process; it writes its answers by itself."""
        caller = current_caller()
        async with self._feed.follow(caller.workspace_id) as subscriber:
            stream = RecordStream(caller, self._recorder, self._leases, self._feed, subscriber, self._own)
            await stream.serve(request_iterator, context.write, current_draining())

    async def RecordTransitions(
        self, request: task_run_pb2.RecordTransitionsRequest, context: Context
    ) -> task_run_pb2.RecordTransitionsResponse:
        """Take one frame; answer after the commit."""
        caller = current_caller()
        try:
            frame = frames.to_frame(request.frame, caller.workspace_id)
        except frames.MalformedFrame as error:
            raise errors.InvalidArgument.of_field("frame", str(error), reason="MALFORMED") from error
        await self._own.require(caller, frame.flow_run_ids)
        lost = await (await self._recorder.submit(frame))
        return task_run_pb2.RecordTransitionsResponse(
            lost=[records.lost(frame.flow_run_ids[place]) for place in sorted(lost)]
        )

    async def RenewAttempts(
        self, request: task_run_pb2.RenewAttemptsRequest, context: Context
    ) -> task_run_pb2.RenewAttemptsResponse:
        """Renew the leases of attempts."""
        attempts = [
            AttemptRef(
                values.to_id(attempt.flow_run_id, f"attempts[{place}].flow_run_id"),
                values.to_id(attempt.token, f"attempts[{place}].token"),
            )
            for place, attempt in enumerate(request.attempts)
        ]
        caller = current_caller()
        await self._own.require(caller, [str(attempt.flow_run_id) for attempt in attempts])
        seconds = values.to_seconds(request.lease_duration) if request.HasField("lease_duration") else None
        renewed = await renew_attempts(self._leases, caller.workspace_id, attempts, seconds)
        return records.renew_response(
            renewed.expires_at,
            [str(renewal.attempt.flow_run_id) for renewal in renewed.lost],
            [(str(flow_run_id), state) for flow_run_id, state in (*renewed.to_stop, *renewed.to_hold)],
        )
