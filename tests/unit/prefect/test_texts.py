"""Texts of runs that are made once: always those of the message as it is, at the time it is."""

from __future__ import annotations

from typing import Any

import orjson

from headrace.api.v1 import flow_run_pb2, state_pb2
from headrace_prefect.shapes.flow_runs import clock_of, flow_run_json, flow_run_text
from headrace_prefect.shapes.texts import MOST_BYTES, MOST_KNOWN, Clock, Texts

RUN = "01900000-0000-7000-8000-000000000001"
TIMES = ("estimated_run_time", "estimated_start_time_delta")


def a_run(state: state_pb2.StateType.ValueType = state_pb2.STATE_TYPE_COMPLETED) -> flow_run_pb2.FlowRun:
    """Return a flow run that was expected at 1000, began at 1010 and ran for 5 seconds until its state at 1020."""
    run = flow_run_pb2.FlowRun(flow_run_id=RUN, name="some run", tags=["one"])
    run.state.type = state
    run.state.occurred_at.seconds = 1_020
    run.expected_start_at.seconds = 1_000
    run.started_at.seconds = 1_010
    run.total_run_time.seconds = 5
    run.parameters.fields["number"].number_value = 1
    return run


class Made:
    """Counts how often the JSON of a message is made."""

    def __init__(self) -> None:
        self.times = 0
        self.now = 2_000.0
        self.texts = Texts(self.lasting, clock_of, lambda: self.now)

    def lasting(self, run: Any) -> dict[str, Any]:
        """Return some of a run."""
        self.times += 1
        return {"name": run.name}

    def told(self, run: flow_run_pb2.FlowRun) -> Any:
        """Return the JSON of a run."""
        return orjson.loads(orjson.dumps(self.texts.of(run)))


def test_a_text_says_the_same_as_the_json_when_it_is_made_and_when_it_is_known() -> None:
    run = a_run()
    expected = orjson.loads(orjson.dumps(flow_run_json(run)))
    assert orjson.loads(orjson.dumps(flow_run_text(run))) == expected
    assert orjson.loads(orjson.dumps(flow_run_text(run))) == expected


def test_the_text_of_a_message_is_made_once_until_the_message_changes() -> None:
    made, run = Made(), a_run()
    assert made.told(run) == made.told(a_run())
    assert made.times == 1
    run.name = "another name"
    assert made.told(run)["name"] == "another name"
    assert made.times == 2


def test_times_go_on_in_a_text_that_is_known() -> None:
    made, running = Made(), a_run(state_pb2.STATE_TYPE_RUNNING)
    assert made.told(running) == {"name": "some run", TIMES[0]: 5.0 + 980.0, TIMES[1]: 10.0}
    made.now += 7.0
    assert made.told(running) == {"name": "some run", TIMES[0]: 5.0 + 987.0, TIMES[1]: 10.0}
    assert made.times == 1


def test_what_has_not_begun_grows_late_and_what_ended_without_does_not() -> None:
    waiting, dropped = a_run(state_pb2.STATE_TYPE_SCHEDULED), a_run(state_pb2.STATE_TYPE_CANCELLED)
    waiting.ClearField("started_at")
    dropped.ClearField("started_at")
    assert clock_of(waiting).read(1_050.0)[TIMES[1]] == 50.0
    assert clock_of(waiting).read(900.0)[TIMES[1]] == 0.0
    assert clock_of(dropped).read(1_050.0)[TIMES[1]] == 0.0


def test_a_clock_before_the_state_does_not_run_backwards() -> None:
    clock = Clock(run_seconds=3.0, running_since=100.0, late_seconds=0.0, late_since=None)
    assert clock.read(90.0)[TIMES[0]] == 3.0


def test_large_texts_are_not_kept_and_of_the_others_the_last_ones_asked_for() -> None:
    made, large = Made(), a_run()
    large.parameters.fields["text"].string_value = "x" * MOST_BYTES
    made.told(large)
    made.told(large)
    assert made.times == 2
    runs = [a_run() for _ in range(MOST_KNOWN + 1)]
    for number, run in enumerate(runs):
        run.name = f"run {number}"
        made.told(run)
    made.told(runs[-1])
    assert made.times == 2 + len(runs)
    made.told(runs[0])
    assert made.times == 2 + len(runs) + 1
