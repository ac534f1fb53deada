"""Frames of the recording stream as columns."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from headrace.api.v1 import state_pb2, task_run_pb2
from headrace.internal.v1 import changes_pb2
from headrace_state.rules.frames import Frame, collapse, merge
from headrace_state.wire.frames import MalformedFrame, to_frame

WORKSPACE = uuid.UUID(int=1)
FLOW_RUN = "01920000-0000-7000-8000-000000000001"
TOKEN = "01920000-0000-4000-8000-000000000002"
TASK_RUN = "01920000-0000-7000-8000-000000000003"
STATE = "01920000-0000-7000-8000-000000000004"

PENDING, RUNNING, COMPLETED = (
    state_pb2.STATE_TYPE_PENDING,
    state_pb2.STATE_TYPE_RUNNING,
    state_pb2.STATE_TYPE_COMPLETED,
)


def a_transition(state_type: int = RUNNING, version: int = 1, at: float = 100.0, **fields: Any) -> Any:
    """Return a transition of the one task run."""
    state = state_pb2.State(
        state_id=STATE,
        type=state_pb2.StateType.ValueType(state_type),
        version=version,
        occurred_at=Timestamp(seconds=int(at), nanos=round(at % 1 * 1e9)),
        **fields.pop("state", {}),
    )
    given: dict[str, Any] = {"task_run_id": TASK_RUN, "state": state, "run_count": 1} | fields
    return task_run_pb2.TaskRunTransition(**given)


def a_frame(*transitions: task_run_pb2.TaskRunTransition, token: str = TOKEN) -> task_run_pb2.RecordFrame:
    """Return a frame of one attempt."""
    return task_run_pb2.RecordFrame(
        sequence=1,
        attempts=[task_run_pb2.RecordAttempt(flow_run_id=FLOW_RUN, token=token)],
        transitions=transitions,
    )


def columns(*transitions: task_run_pb2.TaskRunTransition) -> Frame:
    """Return a frame as columns."""
    return to_frame(a_frame(*transitions), WORKSPACE)


def test_a_transition_becomes_a_row_of_columns() -> None:
    spec = task_run_pb2.TaskRunSpec(
        task_key="t", dynamic_key="0", name="t-0", tags=['a"b', "c\\d", 'a"b'], child_flow_run_id=FLOW_RUN
    )
    spec.labels.update({"n": 1})
    spec.inputs.add(parameter="x", kind=task_run_pb2.TASK_INPUT_KIND_TASK_RUN, source=TASK_RUN)
    spec.retry_policy.retries = 2
    details = state_pb2.StateDetails(reason="R", retriable=False)
    frame = columns(a_transition(at=12.25, spec=spec, state={"details": details, "message": "m"}))
    assert frame.types == ["RUNNING"]
    assert frame.names == ["Running"]
    assert frame.messages == ["m"]
    assert frame.occurred == [12.25]
    assert orjson.loads(frame.details[0] or "") == {"reason": "R", "retriable": False}
    assert frame.results == [None]
    described = frame.specs[0]
    assert described is not None
    assert described[:4] == ("t", "0", "t-0", '{"a\\"b","c\\\\d"}')
    assert orjson.loads(described[4] or "") == {"n": 1}
    assert orjson.loads(described[6] or "") == [{"parameter": "x", "kind": 1, "source": TASK_RUN}]
    assert orjson.loads(described[7] or "") == {"retries": 2, "delay_seconds": [], "jitter_factor": 0.0}
    assert described[11] == FLOW_RUN
    told = changes_pb2.TaskRunStatesChanged.FromString(frame.told[0])
    assert told.flow_run_id == FLOW_RUN
    assert len(told.transitions) == 1


@pytest.mark.parametrize(
    "frame",
    [
        a_frame(a_transition(0)),
        a_frame(a_transition(42)),
        a_frame(a_transition(version=0)),
        a_frame(a_transition(version=-1)),
        a_frame(a_transition(attempt_index=1)),
        a_frame(a_transition(task_run_id="")),
        a_frame(a_transition(task_run_id="x" * 36)),
        a_frame(a_transition(task_run_id=TASK_RUN.replace("-", ""))),
        a_frame(a_transition(at=0)),
        a_frame(a_transition(state={"name": "n" * 256})),
        a_frame(a_transition(state={"message": "a\x00b"})),
        a_frame(a_transition(state={"details": state_pb2.StateDetails(reason="\x00")})),
        a_frame(a_transition(spec=task_run_pb2.TaskRunSpec(tags=["\x00"]))),
        a_frame(a_transition(spec=task_run_pb2.TaskRunSpec(child_flow_run_id="x"))),
        a_frame(a_transition(), token="secret"),
        a_frame(*(a_transition() for _ in range(501))),
    ],
)
def test_a_malformed_frame_is_told_from_the_start(frame: task_run_pb2.RecordFrame) -> None:
    with pytest.raises(MalformedFrame):
        to_frame(frame, WORKSPACE)


def test_a_text_about_nul_is_no_nul() -> None:
    frame = columns(a_transition(state={"details": state_pb2.StateDetails(reason=r"\u0000")}))
    assert orjson.loads(frame.details[0] or "") == {"reason": r"\u0000"}


def test_an_empty_frame_tells_nothing() -> None:
    frame = columns()
    assert len(frame) == 0
    assert frame.told == [b""]


def test_transitions_of_a_task_run_become_one_row() -> None:
    described, plain, is_exact = collapse(
        columns(
            a_transition(PENDING, 1, 10, spec=task_run_pb2.TaskRunSpec(name="t")),
            a_transition(RUNNING, 2, 11),
            a_transition(COMPLETED, 3, 13.5),
        )
    )
    assert is_exact
    assert plain.places == []
    assert described.places == [2]
    assert described.first_at == [10]
    assert described.started_at == [11]
    assert described.ended_at == [13.5]
    assert described.run_seconds == [2.5]
    assert described.specs[0][2] == "t"


def test_transitions_out_of_order_are_noticed() -> None:
    _, plain, is_exact = collapse(columns(a_transition(COMPLETED, 3, 13), a_transition(RUNNING, 2, 11)))
    assert not is_exact
    assert plain.places == [0]


def test_merging_leaves_out_attempts_that_may_not_write() -> None:
    two = task_run_pb2.RecordFrame(
        attempts=[
            task_run_pb2.RecordAttempt(flow_run_id=FLOW_RUN, token=TOKEN),
            task_run_pb2.RecordAttempt(flow_run_id=TASK_RUN, token=TOKEN),
        ],
        transitions=[a_transition(), a_transition(version=2, attempt_index=1)],
    )
    first, second = columns(a_transition(version=7)), to_frame(two, WORKSPACE)
    merged = merge([first, second], [frozenset({0}), frozenset({1})])
    assert merged.versions == [7, 2]
    assert [merged.flow_run_ids[place] for place in merged.attempt_of] == [FLOW_RUN, TASK_RUN]
    assert [bool(told) for told in merged.told] == [True, False, True]
    everything = merge([first, second], [frozenset({0}), frozenset({0, 1})])
    assert everything.versions == [7, 1, 2]
    assert first.versions == [7]


steps = st.lists(
    st.tuples(st.sampled_from([PENDING, RUNNING, COMPLETED]), st.floats(0, 5, allow_nan=False)), min_size=1, max_size=8
)


@given(steps=steps)
def test_a_row_holds_what_a_walk_along_the_path_finds(steps: list[tuple[int, float]]) -> None:
    at = 100.0
    transitions, started, seconds, running_since = [], None, 0.0, None
    for version, (state_type, pause) in enumerate(steps, start=1):
        at = round(at + pause, 6)
        transitions.append(a_transition(state_type, version, at))
        if running_since is not None:
            seconds += at - running_since
        running_since = at if state_type == RUNNING else None
        if state_type == RUNNING and started is None:
            started = at
    _, plain, is_exact = collapse(columns(*transitions))
    assert is_exact
    assert plain.places == [len(steps) - 1]
    assert plain.run_seconds[0] == pytest.approx(seconds, abs=1e-5)
    assert plain.started_at[0] == (pytest.approx(started, abs=1e-6) if started is not None else None)
    assert (plain.ended_at[0] is not None) == (steps[-1][0] == COMPLETED)
