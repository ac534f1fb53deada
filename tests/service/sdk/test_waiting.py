"""Pauses, inputs, sleeps and events of scripts, against the real services."""

from __future__ import annotations

import asyncio
import datetime
import threading
import time
from collections.abc import Callable
from typing import Any

import pydantic
import pytest
from google.protobuf import timestamp_pb2

from headrace import (
    RunInput,
    apause_flow_run,
    asleep_for,
    errors,
    flow,
    pause_flow_run,
    receive_input,
    resume_flow_run,
    send_input,
    sleep_for,
    sleep_until,
    suspend_flow_run,
    task,
    wait_for_event,
)
from headrace.api.v1 import automation_pb2, event_pb2, flow_run_pb2, run_input_pb2, state_pb2
from headrace.client import Client
from headrace.context import get_flow_run
from headrace.outcomes import MissingContext, ParameterError, PauseTimedOut, WaitTimedOut
from headrace.pausing import pause_flow_run as pause
from service.sdk.counterpart import wait_until


def the_run(client: Client, flow_name: str) -> flow_run_pb2.FlowRun | None:
    request = flow_run_pb2.ListFlowRunsRequest(filter=flow_run_pb2.FlowRunFilter(flow_names=[flow_name]))
    return next(iter(client.flow_runs.ListFlowRuns(request).flow_runs), None)


def until_paused(client: Client, flow_name: str) -> str:
    """Return the id of a flow's run as soon as it is PAUSED."""
    found: list[str] = []

    def is_paused() -> bool:
        run = the_run(client, flow_name)
        if run is not None and run.state.type == state_pb2.STATE_TYPE_PAUSED:
            found[:] = [run.flow_run_id]
        return bool(found)

    wait_until(is_paused, "it does not happen")
    return found[0]


class Beside:
    """Calls a function in a thread, and gives back what it raised."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self._function()
        except BaseException as error:
            self._error = error

    def __enter__(self) -> Beside:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(120)
        assert not self._thread.is_alive()
        if self._error is not None:
            raise self._error


class Approval(RunInput):
    approved: bool
    on: datetime.date
    comment: str = pydantic.Field(default="", max_length=20)


def test_a_paused_flow_waits_for_its_form_to_be_filled_in(client: Client) -> None:
    @flow
    def approving() -> Approval:
        return pause_flow_run(wait_for_input=Approval.with_initial_data("Is it good?", comment="fine"), timeout=30)

    def answer() -> None:
        run_id = until_paused(client, "approving")
        shown = client.run_inputs.ListRunInputs(run_input_pb2.ListRunInputsRequest(flow_run_id=run_id)).run_inputs
        assert [each.key for each in shown] == ["pause-0-schema", "pause-0-description"]
        assert shown[1].value.string_value == "Is it good?"
        with pytest.raises(errors.InvalidArgument) as caught:
            resume_flow_run(run_id, {"approved": "perhaps", "on": "tomorrow", "comment": "x" * 30})
        assert {violation.field for violation in caught.value.violations} == {
            "run_input.approved",
            "run_input.on",
            "run_input.comment",
        }
        resume_flow_run(run_id, {"approved": True, "on": "2026-03-05"})

    with Beside(answer):
        filled = approving()
    assert (filled.approved, filled.on, filled.comment) == (True, datetime.date(2026, 3, 5), "fine")
    assert filled.metadata is not None
    run = the_run(client, "approving")
    assert run is not None
    assert (run.state.type, run.attempt) == (state_pb2.STATE_TYPE_COMPLETED, 1)


def test_plain_types_can_be_asked_for_and_an_asynchronous_flow_can_pause(client: Client) -> None:
    @flow
    async def counting() -> int:
        first: int = await apause_flow_run(wait_for_input=int, key="first", timeout=30)
        second: list[int] = await apause_flow_run(wait_for_input=list[int], key="second", timeout=30)
        return first + sum(second)

    def answer() -> None:
        run_id = until_paused(client, "counting")
        with pytest.raises(errors.InvalidArgument):
            resume_flow_run(run_id, "many")
        resume_flow_run(run_id, 40)
        wait_until(lambda: _pause_key(client, run_id) == "second", "it does not happen")
        resume_flow_run(run_id, [1, 1])

    with Beside(answer):
        assert asyncio.run(counting()) == 42


def _pause_key(client: Client, run_id: str) -> str:
    run = client.flow_runs.GetFlowRun(flow_run_pb2.GetFlowRunRequest(flow_run_id=run_id)).flow_run
    return run.state.details.pause_key if run.state.type == state_pb2.STATE_TYPE_PAUSED else ""


def test_a_flow_that_is_not_resumed_in_time_fails(client: Client) -> None:
    seen: list[str] = []

    @flow(on_failure=[lambda *_: seen.append("hook")])
    def forgotten() -> None:
        pause_flow_run(timeout=1)

    with pytest.raises(PauseTimedOut):
        forgotten()
    run = the_run(client, "forgotten")
    assert run is not None
    assert (run.state.name, run.state.details.reason) == ("TimedOut", "PAUSE_EXPIRED")
    assert seen == ["hook"]


def test_a_flow_that_somebody_pauses_starts_no_further_task(client: Client) -> None:
    started: list[tuple[int, bool]] = []
    heard, resuming = threading.Event(), threading.Event()

    @task
    def step(number: int) -> None:
        started.append((number, resuming.is_set()))

    @flow
    def stepping() -> None:
        step(0)
        wait_until(lambda: get_flow_run().paused is not None, "the flow is not told that it is paused")
        heard.set()
        step(1)

    def interfere() -> None:
        wait_until(lambda: bool(started), "the first task does not start")
        run = the_run(client, "stepping")
        assert run is not None
        pause(flow_run_id=run.flow_run_id, message="lunch")
        assert until_paused(client, "stepping") == run.flow_run_id
        assert heard.wait(60)
        # Time to do what must not be done; without it the test could only miss a mistake.
        time.sleep(0.2)
        resuming.set()
        resume_flow_run(run.flow_run_id)

    with Beside(interfere):
        stepping()
    assert started == [(0, False), (1, True)]


def test_a_paused_flow_can_be_cancelled(client: Client) -> None:
    @flow
    def doomed() -> None:
        pause_flow_run(timeout=60)

    def cancel() -> None:
        run_id = until_paused(client, "doomed")
        client.flow_runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=run_id))

    with Beside(cancel), pytest.raises(errors.HeadraceError, match="Cancellation was requested"):
        doomed()
    run = the_run(client, "doomed")
    assert run is not None
    assert run.state.type == state_pb2.STATE_TYPE_CANCELLED


def test_where_nobody_could_go_on_nothing_is_suspended_or_paused(client: Client) -> None:
    @task
    def pausing_task() -> None:
        pause_flow_run()

    @flow
    def script(how: str) -> None:
        if how == "suspend":
            suspend_flow_run()
        else:
            pausing_task()

    with pytest.raises(errors.FailedPrecondition, match="deployment"):
        script("suspend")
    with pytest.raises(MissingContext):
        script("task")
    with pytest.raises(MissingContext):
        pause_flow_run()
    with pytest.raises(errors.FailedPrecondition, match="no pause"):
        run = the_run(client, "script")
        assert run is not None
        resume_flow_run(run.flow_run_id)


class Order(RunInput):
    item: str
    count: int = 1


def test_runs_send_each_other_inputs_and_answers(client: Client) -> None:
    @flow
    def shop() -> list[str]:
        sold: list[str] = []
        for order in Order.receive(timeout=30):
            sold.append(f"{order.count} {order.item}")
            order.respond(f"sold {order.item}")
            if len(sold) == 2:
                break
        return sold

    @flow
    def customer(shop_id: str) -> list[str]:
        Order(item="tea").send_to(shop_id)
        send_input(Order(item="milk", count=2), shop_id)
        answers = receive_input(str, timeout=30)
        return [answers.next(), answers.next()]

    sold: list[str] = []
    with Beside(lambda: sold.extend(shop())):
        wait_until(lambda: the_run(client, "shop") is not None, "it does not happen")
        run = the_run(client, "shop")
        assert run is not None
        assert customer(run.flow_run_id) == ["sold tea", "sold milk"]
    assert sold == ["1 tea", "2 milk"]


def test_a_receiver_takes_what_was_sent_before_it_listened_and_ends_in_time(client: Client) -> None:
    @flow
    async def late() -> list[int]:
        own = get_flow_run().id
        await asyncio.to_thread(send_input, 1, own, key_prefix="numbers")
        await asyncio.to_thread(send_input, 2, own, key_prefix="numbers")
        found = [number async for number in receive_input(int, timeout=1, key_prefix="numbers")]
        again = receive_input(int, timeout=1, key_prefix="numbers", with_metadata=True)
        first = await again.anext()
        assert first.metadata.sender == f"headrace.flow-run.{own}"  # type: ignore[attr-defined]
        known = again.known_keys
        rest = receive_input(int, timeout=1, key_prefix="numbers", exclude_keys=known, raise_timeout_error=True)
        assert await rest.anext() == 2
        with pytest.raises(WaitTimedOut):
            await rest.anext()
        await asyncio.to_thread(send_input, "word", own, key_prefix="numbers")
        with pytest.raises(ParameterError):
            await rest.anext()
        return found

    assert asyncio.run(late()) == [1, 2]


def test_a_sleep_is_counted_from_its_first_call(client: Client) -> None:
    calls: list[datetime.datetime] = []

    @flow(retries=1)
    def napping() -> None:
        sleep_for(0.2)
        sleep_until(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=0.2))
        calls.append(datetime.datetime.now(datetime.UTC))
        if len(calls) == 1:
            raise ValueError("once more")

    napping()
    run = the_run(client, "napping")
    assert run is not None
    inputs = client.run_inputs.ListRunInputs(
        run_input_pb2.ListRunInputsRequest(flow_run_id=run.flow_run_id, key_prefix="sleep-")
    ).run_inputs
    assert [each.key for each in inputs] == ["sleep-0", "sleep-1"]
    assert len(calls) == 2


def test_an_asynchronous_flow_sleeps_without_holding_the_loop_up(client: Client) -> None:
    order: list[str] = []

    @flow
    async def both() -> None:
        async def other() -> None:
            order.append("other")

        await asyncio.gather(asleep_for(0.3, key="nap"), other())
        order.append("woke")
        with pytest.raises(RuntimeError, match="event loop"):
            sleep_for(0.1)

    asyncio.run(both())
    assert order == ["other", "woke"]


def send_event(client: Client, name: str, resource_id: str, amount: int) -> None:
    at = timestamp_pb2.Timestamp()
    at.GetCurrentTime()
    event = event_pb2.Event(name=name, occurred_at=at, resource=event_pb2.EventResource(resource_id=resource_id))
    event.payload.update({"amount": amount})
    client.events.EmitEvents(event_pb2.EmitEventsRequest(events=[event]))


def test_a_script_waits_for_an_event_that_fits(client: Client) -> None:
    @flow
    def ordering() -> list[Any]:
        event = wait_for_event("order.*", resource={"headrace.resource.id": "order.7"}, timeout=60)
        with pytest.raises(WaitTimedOut):
            wait_for_event("order.never", timeout=0.5)
        return [event.name, event.resource["id"], event.payload["amount"]]

    def happen() -> None:
        wait_until(lambda: the_run(client, "ordering") is not None, "it does not happen")
        wait_until(lambda: bool(client.automations.ListAutomations(_all()).automations), "it does not happen")
        send_event(client, "order.placed", "order.6", 1)
        send_event(client, "shipment.sent", "order.7", 2)
        send_event(client, "order.placed", "order.7", 3)

    with Beside(happen):
        assert ordering() == ["order.placed", "order.7", 3]
    assert not client.automations.ListAutomations(_all()).automations


def _all() -> automation_pb2.ListAutomationsRequest:
    return automation_pb2.ListAutomationsRequest()
