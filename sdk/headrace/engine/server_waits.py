"""Pauses, inputs and events of runs that a server keeps."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import datetime
import time
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from google.protobuf import duration_pb2

from headrace import errors
from headrace.api.v1 import automation_pb2, flow_run_pb2, run_input_pb2, state_pb2
from headrace.client.core import Client
from headrace.client.retry import delays
from headrace.client.values import value_from_proto, value_to_proto
from headrace.engine.backend import Verdict
from headrace.engine.verdicts import verdict_from_proto
from headrace.engine.waits import EventWish, InputRecord
from headrace.ids import uuid7
from headrace.recording.wire import state_from_proto, struct_of
from headrace.states import State

T = TypeVar("T")

_CALL_SECONDS = 20.0
"""One call waits so long for inputs."""
_LONGEST_PAUSE_SECONDS = 5.0
"""Between tries while the server is away: whoever waits for a person can wait for a server, too."""
_AWAY = (errors.Unavailable, errors.DeadlineExceeded, errors.Cancelled)


class ServerWaits:
    """Implements `headrace.engine.waits.Waits` with a server.

    Args:
        client: The connection.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def pause(
        self, flow_run_id: str, *, suspends: bool, key: str, timeout_seconds: float | None, reason: str
    ) -> concurrent.futures.Future[Verdict]:
        """Pause a flow run from outside."""
        return self._submit(self._pause(flow_run_id, suspends, key, timeout_seconds, reason))

    def resume(self, flow_run_id: str, run_input: Mapping[str, Any] | None) -> concurrent.futures.Future[Verdict]:
        """Resume a flow run."""
        return self._submit(self._resume(flow_run_id, run_input))

    def while_paused(self, flow_run_id: str) -> concurrent.futures.Future[State[Any]]:
        """Wait until a flow run is not PAUSED."""
        return self._submit(self._while_paused(flow_run_id))

    def send_input(
        self, flow_run_id: str, key: str, value: Any, sender: str, *, replaces: bool = False
    ) -> concurrent.futures.Future[InputRecord]:
        """Send an input."""
        return self._submit(self._send_input(flow_run_id, key, value, sender, replaces))

    def wait_for_inputs(
        self, flow_run_id: str, prefix: str, known: Sequence[str], seconds: float
    ) -> concurrent.futures.Future[list[InputRecord]]:
        """Wait for inputs."""
        return self._submit(self._wait_for_inputs(flow_run_id, prefix, known, seconds))

    def delete_input(self, flow_run_id: str, key: str) -> concurrent.futures.Future[bool]:
        """Delete an input."""
        return self._submit(self._delete_input(flow_run_id, key))

    def await_event(self, flow_run_id: str, key: str, wish: EventWish) -> concurrent.futures.Future[None]:
        """Have the next such event sent to a flow run."""
        return self._submit(self._await_event(flow_run_id, key, wish))

    def forget_event(self, flow_run_id: str, key: str) -> concurrent.futures.Future[None]:
        """Stop waiting for an event."""
        return self._submit(self._forget_event(flow_run_id, key))

    def _submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        return self._client.thread.submit(coroutine)

    async def _pause(
        self, flow_run_id: str, suspends: bool, key: str, timeout_seconds: float | None, reason: str
    ) -> Verdict:
        stub = self._client.aio.flow_runs
        timeout = _span(timeout_seconds) if timeout_seconds is not None else None
        verdict: state_pb2.Verdict
        if suspends:
            suspension = flow_run_pb2.SuspendFlowRunRequest(
                flow_run_id=flow_run_id, request_id=str(uuid7()), timeout=timeout, key=key, reason=reason
            )
            verdict = (await stub.SuspendFlowRun(suspension)).verdict
        else:
            pause = flow_run_pb2.PauseFlowRunRequest(
                flow_run_id=flow_run_id, request_id=str(uuid7()), timeout=timeout, key=key, reason=reason
            )
            verdict = (await stub.PauseFlowRun(pause)).verdict
        return verdict_from_proto(verdict, "")

    async def _resume(self, flow_run_id: str, run_input: Mapping[str, Any] | None) -> Verdict:
        request = flow_run_pb2.ResumeFlowRunRequest(flow_run_id=flow_run_id, request_id=str(uuid7()))
        if run_input is not None:
            request.run_input.CopyFrom(struct_of(run_input))
        response = await self._client.aio.flow_runs.ResumeFlowRun(request)
        return verdict_from_proto(response.verdict, "")

    async def _while_paused(self, flow_run_id: str) -> State[Any]:
        request = flow_run_pb2.WatchFlowRunRequest(flow_run_id=flow_run_id, without_task_runs=True)
        pauses = delays(_LONGEST_PAUSE_SECONDS)
        while True:
            try:
                async for response in self._client.aio.flow_runs.WatchFlowRun(request):
                    if not response.HasField("flow_run"):
                        continue
                    pauses = delays(_LONGEST_PAUSE_SECONDS)
                    if response.flow_run.state.type != state_pb2.STATE_TYPE_PAUSED:
                        return state_from_proto(response.flow_run.state)
            except _AWAY:
                pass
            await asyncio.sleep(next(pauses))

    async def _send_input(self, flow_run_id: str, key: str, value: Any, sender: str, replaces: bool) -> InputRecord:
        request = run_input_pb2.CreateRunInputRequest(
            flow_run_id=flow_run_id, key=key, value=value_to_proto(value), sender=sender, replace=replaces
        )
        response = await self._client.aio.run_inputs.CreateRunInput(request)
        return _record(response.run_input, is_new=response.created)

    async def _wait_for_inputs(
        self, flow_run_id: str, prefix: str, known: Sequence[str], seconds: float
    ) -> list[InputRecord]:
        until = time.monotonic() + seconds
        pauses = delays(_LONGEST_PAUSE_SECONDS)
        while True:
            left = max(0.0, until - time.monotonic())
            span = min(left, _CALL_SECONDS)
            request = run_input_pb2.WaitForRunInputsRequest(
                flow_run_id=flow_run_id, key_prefix=prefix, known_keys=known, wait_up_to=_span(span)
            )
            try:
                call = self._client.aio.run_inputs.WaitForRunInputs
                response = await call(request, timeout=span + self._client.settings.api_timeout_seconds)
            except _AWAY:
                if left <= 0:
                    raise
                await asyncio.sleep(next(pauses))
                continue
            pauses = delays(_LONGEST_PAUSE_SECONDS)
            if response.run_inputs or left <= span:
                return [_record(each) for each in response.run_inputs]

    async def _delete_input(self, flow_run_id: str, key: str) -> bool:
        request = run_input_pb2.DeleteRunInputRequest(flow_run_id=flow_run_id, key=key)
        try:
            await self._client.aio.run_inputs.DeleteRunInput(request)
        except errors.NotFound:
            return False
        return True

    async def _await_event(self, flow_run_id: str, key: str, wish: EventWish) -> None:
        trigger = automation_pb2.EventTrigger(expect=wish.names, match_related=[_match(each) for each in wish.related])
        if wish.resource:
            trigger.match.CopyFrom(_match(wish.resource))
        automation = automation_pb2.Automation(
            automation_id=_automation_id(flow_run_id, key),
            name=f"{key} of flow run {flow_run_id}",
            description="The flow run waits for this event. It deletes the automation when it has it.",
            enabled=True,
            trigger=automation_pb2.Trigger(event=trigger),
            actions=[
                automation_pb2.Action(
                    send_run_input=automation_pb2.SendRunInputAction(flow_run_id=flow_run_id, key=key)
                )
            ],
            owner_resource_id=f"headrace.flow-run.{flow_run_id}",
        )
        await self._client.aio.automations.CreateAutomation(
            automation_pb2.CreateAutomationRequest(automation=automation)
        )

    async def _forget_event(self, flow_run_id: str, key: str) -> None:
        request = automation_pb2.DeleteAutomationRequest(automation_id=_automation_id(flow_run_id, key))
        # With the token of a run only the server deletes it, at the end of the run.
        with contextlib.suppress(errors.NotFound, errors.PermissionDenied):
            await self._client.aio.automations.DeleteAutomation(request)


def _automation_id(flow_run_id: str, key: str) -> str:
    """Return the same id each time that a run waits for the same event."""
    return str(uuid.uuid5(uuid.UUID(flow_run_id), f"event:{key}"))


def _match(labels: Mapping[str, Sequence[str]]) -> automation_pb2.ResourceMatch:
    return automation_pb2.ResourceMatch(
        labels={label: automation_pb2.LabelValues(values=values) for label, values in labels.items()}
    )


def _record(message: run_input_pb2.RunInput, *, is_new: bool = False) -> InputRecord:
    return InputRecord(
        key=message.key,
        value=value_from_proto(message.value),
        sender=message.sender,
        created_at=message.created_at.ToDatetime(datetime.UTC),
        is_new=is_new,
    )


def _span(seconds: float) -> duration_pb2.Duration:
    span = duration_pb2.Duration()
    span.FromNanoseconds(round(seconds * 1e9))
    return span
