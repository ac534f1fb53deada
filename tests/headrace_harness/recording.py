"""A process that reports task runs, as tests want it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from headrace.api.v1 import flow_run_pb2, state_pb2, task_run_pb2
from headrace_harness.state import StateClient, new_id

START = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - datetime.timedelta(minutes=5)
"""When the task runs of tests begin; their times are seconds after it."""


def a_transition(
    task_run_id: str, state_type: int, version: int, *, at: float = 0.0, **fields: Any
) -> task_run_pb2.TaskRunTransition:
    """Return a transition `at` seconds after `START`."""
    occurred_at = Timestamp()
    occurred_at.FromDatetime(START + datetime.timedelta(seconds=at))
    state = state_pb2.State(
        state_id=new_id(),
        type=state_pb2.StateType.ValueType(state_type),
        version=version,
        occurred_at=occurred_at,
        **fields.pop("state", {}),
    )
    if version == 1 and "spec" not in fields:
        fields["spec"] = task_run_pb2.TaskRunSpec(task_key="t", dynamic_key=task_run_id[-6:], name=f"t-{version}")
    given: dict[str, Any] = {"task_run_id": task_run_id, "state": state, "run_count": 1} | fields
    return task_run_pb2.TaskRunTransition(**given)


def a_life(task_run_id: str, last: int = state_pb2.STATE_TYPE_COMPLETED) -> list[task_run_pb2.TaskRunTransition]:
    """Return the transitions of a task run that waits 1 s, runs 2 s and ends."""
    return [
        a_transition(task_run_id, state_pb2.STATE_TYPE_PENDING, 1, at=0),
        a_transition(task_run_id, state_pb2.STATE_TYPE_RUNNING, 2, at=1),
        a_transition(task_run_id, last, 3, at=3),
    ]


def attempt_of(created: flow_run_pb2.CreateFlowRunResponse) -> task_run_pb2.RecordAttempt:
    """Return the right to write for a run that was created running."""
    return task_run_pb2.RecordAttempt(flow_run_id=created.flow_run.flow_run_id, token=created.attempt.token)


def a_frame(
    attempts: Sequence[task_run_pb2.RecordAttempt],
    transitions: Sequence[task_run_pb2.TaskRunTransition],
    sequence: int = 0,
) -> task_run_pb2.RecordFrame:
    """Return a frame."""
    return task_run_pb2.RecordFrame(sequence=sequence, attempts=attempts, transitions=transitions)


async def record(state: StateClient, frame: task_run_pb2.RecordFrame) -> task_run_pb2.RecordTransitionsResponse:
    """Record a frame without a stream."""
    response: task_run_pb2.RecordTransitionsResponse = await state.record.RecordTransitions(
        task_run_pb2.RecordTransitionsRequest(frame=frame)
    )
    return response


class Stream:
    """A recording stream that is open; its answers are read by kind."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def send(self, **message: Any) -> None:
        """Send a message."""
        await self._call.write(task_run_pb2.RecordRequest(**message))

    async def close(self) -> None:
        """Say that nothing more will come."""
        await self._call.done_writing()

    async def answer(self, timeout: float = 10) -> task_run_pb2.RecordResponse:
        """Return the next answer."""
        async with asyncio.timeout(timeout):
            response = await self._call.read()
        if not isinstance(response, task_run_pb2.RecordResponse):
            raise EOFError(await self._call.code())
        return response

    async def answer_of(self, kind: str, timeout: float = 30) -> Any:
        """Return the next answer of a kind; others are passed over."""
        async with asyncio.timeout(timeout):
            while True:
                response = await self.answer(timeout)
                if response.WhichOneof("message") == kind:
                    return getattr(response, kind)


@contextlib.asynccontextmanager
async def a_stream(state: StateClient) -> AsyncIterator[Stream]:
    """Lend a recording stream that stands."""
    call = state.record.Record()
    stream = Stream(call)
    await stream.send(open=task_run_pb2.RecordOpen(process_id=new_id(), client_version="0"))
    await stream.answer_of("opened")
    try:
        yield stream
    finally:
        call.cancel()
