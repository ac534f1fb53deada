"""`RunInputService`."""

from __future__ import annotations

import datetime
import re
from typing import Any

import grpc.aio
import orjson

from headrace import errors
from headrace.api.v1 import run_input_pb2, run_input_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.calls import current_draining
from headrace_chassis.pages import asked_page
from headrace_chassis.paging import page_size
from headrace_state.repository.flow_runs import FlowRuns
from headrace_state.repository.run_inputs import RunInputs
from headrace_state.servicers.own_runs import OwnRuns
from headrace_state.usecases.run_inputs import LONGEST_WAIT_SECONDS, send_run_input, wait_for_run_inputs
from headrace_state.wire import values
from headrace_state.wire.run_inputs import run_input

MOST_BYTES = 512 * 1024
"""The value of an input, as JSON, is at most this large."""

_MOST_WAIT_SECONDS = 24 * 3600.0
_MESSAGE = re.compile(r"-[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$")
"""How the keys of messages end: each has one of its own, which nobody waits for by name."""

Context = grpc.aio.ServicerContext[Any, Any]


class RunInputServicer(run_input_pb2_grpc.RunInputServiceServicer):
    """Keeps what was sent to flow runs."""

    def __init__(self, flow_runs: FlowRuns, inputs: RunInputs, own: OwnRuns) -> None:
        self._flow_runs = flow_runs
        self._inputs = inputs
        self._own = own

    async def CreateRunInput(
        self, request: run_input_pb2.CreateRunInputRequest, context: Context
    ) -> run_input_pb2.CreateRunInputResponse:
        """Send an input to a flow run."""
        value = values.to_json(request.value, "value")
        if len(orjson.dumps(value)) > MOST_BYTES:
            raise errors.InvalidArgument.of_field("value", f"must not be larger than {MOST_BYTES // 1024} KiB as JSON")
        caller = current_caller()
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        if request.replace or not _MESSAGE.search(request.key):
            # Runs send each other messages. What another one waits for, such as a form that people fill in, they
            # do not answer.
            await self._own.require(caller, flow_run_id)
        row, is_new = await send_run_input(
            self._flow_runs,
            caller.workspace_id,
            flow_run_id,
            request.key,
            value,
            request.sender,
            replaces=request.replace,
        )
        return run_input_pb2.CreateRunInputResponse(run_input=run_input(row), created=is_new)

    async def GetRunInput(
        self, request: run_input_pb2.GetRunInputRequest, context: Context
    ) -> run_input_pb2.GetRunInputResponse:
        """Return one input."""
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        row = await self._inputs.load(current_caller().workspace_id, flow_run_id, request.key)
        if row is None:
            raise errors.NotFound(f"the flow run has no input {request.key}")
        return run_input_pb2.GetRunInputResponse(run_input=run_input(row))

    async def ListRunInputs(
        self, request: run_input_pb2.ListRunInputsRequest, context: Context
    ) -> run_input_pb2.ListRunInputsResponse:
        """Return a page of the inputs of a flow run, oldest first."""
        workspace_id = current_caller().workspace_id
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        page = asked_page(request, workspace_id, str(flow_run_id), request.key_prefix)
        after = page.behind(datetime.datetime, str)
        rows, key = await self._inputs.list_page(workspace_id, flow_run_id, request.key_prefix, after, page.size)
        return run_input_pb2.ListRunInputsResponse(
            run_inputs=[run_input(row) for row in rows], next_page_token=page.next_token(key)
        )

    async def WaitForRunInputs(
        self, request: run_input_pb2.WaitForRunInputsRequest, context: Context
    ) -> run_input_pb2.WaitForRunInputsResponse:
        """Wait for inputs that the caller does not know."""
        wait_seconds = values.to_span(request.wait_up_to, "wait_up_to", least=0.0, most=_MOST_WAIT_SECONDS, default=0.0)
        rows = await wait_for_run_inputs(
            self._inputs,
            current_caller().workspace_id,
            values.to_id(request.flow_run_id, "flow_run_id"),
            request.key_prefix,
            request.known_keys,
            min(wait_seconds, LONGEST_WAIT_SECONDS),
            page_size(request.limit),
            current_draining(),
        )
        return run_input_pb2.WaitForRunInputsResponse(run_inputs=[run_input(row) for row in rows])

    async def DeleteRunInput(
        self, request: run_input_pb2.DeleteRunInputRequest, context: Context
    ) -> run_input_pb2.DeleteRunInputResponse:
        """Delete one input."""
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        await self._own.require(current_caller(), flow_run_id)
        if not await self._inputs.delete(current_caller().workspace_id, flow_run_id, request.key):
            raise errors.NotFound(f"the flow run has no input {request.key}")
        return run_input_pb2.DeleteRunInputResponse()
