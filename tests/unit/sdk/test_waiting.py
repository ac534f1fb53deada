"""Pauses, inputs, sleeps and events in tests of flows, without a server."""

from __future__ import annotations

import asyncio
import concurrent.futures
import re
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydantic
import pytest

from headrace import (
    RunInput,
    apause_flow_run,
    await_for_event,
    errors,
    flow,
    pause_flow_run,
    receive_input,
    send_input,
    sleep_for,
    suspend_flow_run,
    wait_for_event,
)
from headrace.context import get_flow_run
from headrace.engine.guards import current_guard
from headrace.engine.runs import FlowRun
from headrace.outcomes import LeaseLostInterrupt, PauseTimedOut, WaitTimedOut
from headrace.states import State
from headrace.testing import LocalRuns

PAGE = Path(__file__).resolve().parents[3] / "docs" / "waiting.md"
GUIDE = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


class Choice(RunInput):
    colour: str
    size: int = 1


def when_paused(runs: LocalRuns, act: Callable[[str], Any]) -> threading.Thread:
    """Call `act` in a thread with the id of the first run that pauses."""

    def watch() -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            for run in runs.flow_runs():
                if run.state.is_paused():
                    act(run.flow_run_id)
                    return
            threading.Event().wait(0.001)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def test_a_form_is_filled_in(runs: LocalRuns) -> None:
    @flow
    def choosing() -> Choice:
        return pause_flow_run(wait_for_input=Choice)

    thread = when_paused(runs, lambda run_id: runs.resume(run_id, {"colour": "red"}))
    assert choosing() == Choice(colour="red")
    thread.join()
    [run] = runs.flow_runs()
    assert [state.name for state in run.states] == ["Running", "Paused", "Running", "Completed"]


def test_an_asynchronous_flow_pauses_without_holding_its_loop_up(runs: LocalRuns) -> None:
    @flow
    async def choosing() -> str:
        async def ask() -> str:
            found: str = await apause_flow_run(wait_for_input=str)
            return found

        answering = when_paused(runs, lambda run_id: runs.resume(run_id, {"value": "blue"}))
        found, _ = await asyncio.gather(ask(), asyncio.to_thread(answering.join))
        return found

    assert asyncio.run(choosing()) == "blue"


def test_a_pause_is_passed_once_for_each_key(runs: LocalRuns) -> None:
    @flow
    def twice() -> None:
        pause_flow_run(key="k")
        pause_flow_run(key="k")

    when_paused(runs, runs.resume)
    twice()


def test_a_pause_that_times_out_fails_the_flow(runs: LocalRuns) -> None:
    @flow
    def forgotten() -> None:
        pause_flow_run(timeout=0.05)

    with pytest.raises(PauseTimedOut):
        forgotten()
    assert runs.flow_runs()[0].state.name == "TimedOut"


def test_a_pause_that_times_out_says_so_however_late_its_end_is_noted(
    runs: LocalRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = FlowRun._go_on

    def go_on_late(run: FlowRun, waiting: concurrent.futures.Future[State[Any]]) -> None:
        # The server says in two ways that the run is over, and the other one was first.
        run.stop(LeaseLostInterrupt, "the run is over")
        time.sleep(0.2)
        noted(run, waiting)

    @flow
    def forgotten() -> None:
        pause_flow_run(timeout=0.05)

    monkeypatch.setattr(FlowRun, "_go_on", go_on_late)
    with pytest.raises(PauseTimedOut):
        forgotten()


def test_what_makes_no_sense_is_refused(runs: LocalRuns) -> None:
    @flow
    def alone() -> None:
        with pytest.raises(errors.FailedPrecondition, match="deployment"):
            suspend_flow_run()
        with pytest.raises(errors.InvalidArgument):
            pause_flow_run(timeout=0)
        with pytest.raises(errors.FailedPrecondition):
            runs.resume(get_flow_run().id)
        with pytest.raises(errors.InvalidArgument):
            sleep_for(-1)
        with pytest.raises(errors.InvalidArgument):
            send_input(object(), get_flow_run().id)

    alone()


def test_inputs_come_in_their_order(runs: LocalRuns) -> None:
    @flow
    def echoing() -> list[str]:
        own = get_flow_run().id
        for word in ("a", "b", "c"):
            send_input(word, own)
        return list(receive_input(str, timeout=0.05))

    assert echoing() == ["a", "b", "c"]


def test_a_flow_waits_for_the_event_that_fits(runs: LocalRuns) -> None:
    @flow
    def ordering() -> str:
        event = wait_for_event("order.*", resource={"headrace.resource.id": "order.7"}, timeout=20)
        return f"{event.name} {event.payload['n']}"

    def happen() -> None:
        while not runs.send_event("order.placed", {"n": 1}, resource_id="order.7"):
            assert not runs.send_event("order.placed", {"n": 2}, resource_id="order.8")

    thread = threading.Thread(target=happen, daemon=True)
    thread.start()
    assert ordering() == "order.placed 1"
    thread.join()


def test_an_event_that_does_not_come_is_missed_in_time(runs: LocalRuns) -> None:
    @flow
    async def ordering() -> None:
        with pytest.raises(WaitTimedOut):
            await await_for_event("order.*", timeout=0.05)

    asyncio.run(ordering())


def test_a_guard_is_left_as_it_was(runs: LocalRuns) -> None:
    @flow
    def napping() -> None:
        sleep_for(0.01)

    napping()
    assert not current_guard().disarm()


def test_a_form_keeps_its_checks_when_it_gets_other_defaults() -> None:
    class Amount(RunInput):
        amount: int = pydantic.Field(ge=1, description="how much")

    form = Amount.with_initial_data("How **much**?", amount=5)
    described = form.model_json_schema()["properties"]["amount"]
    assert {name: described[name] for name in ("default", "minimum", "description")} == {
        "default": 5,
        "minimum": 1,
        "description": "how much",
    }
    assert form.form_description == "How **much**?"
    with pytest.raises(pydantic.ValidationError):
        form(amount=0)


@pytest.mark.parametrize("example", GUIDE)
def test_the_guide_runs_as_it_stands(example: str, runs: LocalRuns) -> None:
    answering = when_paused(runs, lambda run_id: runs.resume(run_id, {"approved": True, "comment": "well done"}))
    module = types.ModuleType("guide")
    sys.modules["guide"] = module
    try:
        exec(compile(example, "docs/waiting.md", "exec"), module.__dict__)
    finally:
        del sys.modules["guide"]
    if "pause_flow_run" in example:
        answering.join()
    assert [run.state.name for run in runs.flow_runs()] == ["Completed"]
