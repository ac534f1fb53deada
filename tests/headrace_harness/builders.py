"""Things in a state that a test starts from, made through the public API: `await a_run().completed().build(stack)`."""

from __future__ import annotations

import copy
import datetime
from typing import Any

from google.protobuf import json_format, struct_pb2, timestamp_pb2

from headrace.api.v1 import flow_run_pb2, flow_run_pb2_grpc, state_pb2
from headrace.ids import uuid7
from headrace_harness.stack import Stack

_FINAL = {
    state_pb2.STATE_TYPE_CANCELLED,
    state_pb2.STATE_TYPE_COMPLETED,
    state_pb2.STATE_TYPE_CRASHED,
    state_pb2.STATE_TYPE_FAILED,
}


class RunBuilder:
    """A flow run to be made. Each word returns a new builder, so that one can be the start of many."""

    def __init__(self) -> None:
        self._request: dict[str, Any] = {"flow_name": "a flow"}
        self._type = state_pb2.STATE_TYPE_SCHEDULED
        self._message = ""
        self._scheduled_at: datetime.datetime | None = None

    def of(self, flow_name: str) -> RunBuilder:
        """Let it be a run of the flow with this name."""
        return self._with(flow_name=flow_name)

    def named(self, name: str) -> RunBuilder:
        """Give it a name."""
        return self._with(name=name)

    def tagged(self, *tags: str) -> RunBuilder:
        """Give it tags."""
        return self._with(tags=list(tags))

    def given(self, **parameters: Any) -> RunBuilder:
        """Give it parameters."""
        return self._with(parameters=json_format.ParseDict(parameters, struct_pb2.Struct()))

    def scheduled(self, at: datetime.datetime) -> RunBuilder:
        """Let it be due at a time."""
        made = self._in(state_pb2.STATE_TYPE_SCHEDULED)
        made._scheduled_at = at
        return made

    def running(self) -> RunBuilder:
        """Let it run in the test's own process."""
        return self._in(state_pb2.STATE_TYPE_RUNNING)

    def completed(self) -> RunBuilder:
        """Let it have ended well."""
        return self._in(state_pb2.STATE_TYPE_COMPLETED)

    def failed(self, message: str = "it failed") -> RunBuilder:
        """Let it have ended with an error."""
        return self._in(state_pb2.STATE_TYPE_FAILED, message)

    def crashed(self, message: str = "it crashed") -> RunBuilder:
        """Let its infrastructure have failed."""
        return self._in(state_pb2.STATE_TYPE_CRASHED, message)

    async def build(self, stack: Stack) -> flow_run_pb2.FlowRun:
        """Make it and return it as the server has it."""
        runs = stack.stub(flow_run_pb2_grpc.FlowRunServiceStub)
        first = state_pb2.State(type=self._type)
        if self._type in _FINAL:
            first = state_pb2.State(type=state_pb2.STATE_TYPE_RUNNING)
        if self._scheduled_at is not None:
            due = timestamp_pb2.Timestamp()
            due.FromDatetime(self._scheduled_at)
            first.details.scheduled_at.CopyFrom(due)
        made = await runs.CreateFlowRun(
            flow_run_pb2.CreateFlowRunRequest(flow_run_id=str(uuid7()), state=first, **self._request)
        )
        flow_run_id = made.flow_run.flow_run_id
        if self._type in _FINAL:
            answer = await runs.ProposeFlowRunState(
                flow_run_pb2.ProposeFlowRunStateRequest(
                    flow_run_id=flow_run_id,
                    state=state_pb2.State(state_id=str(uuid7()), type=self._type, message=self._message),
                    attempt_token=made.attempt.token,
                )
            )
            assert answer.verdict.HasField("accepted"), answer.verdict
        found = await runs.GetFlowRun(flow_run_pb2.GetFlowRunRequest(flow_run_id=flow_run_id))
        run: flow_run_pb2.FlowRun = found.flow_run
        return run

    def _with(self, **fields: Any) -> RunBuilder:
        made = copy.copy(self)
        made._request = {**self._request, **fields}
        return made

    def _in(self, state_type: state_pb2.StateType.ValueType, message: str = "") -> RunBuilder:
        made = copy.copy(self)
        made._type, made._message = state_type, message
        return made


def a_run() -> RunBuilder:
    """Return a flow run that is scheduled for now, as far as nothing else is said."""
    return RunBuilder()
