from __future__ import annotations

import datetime
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

from headrace.api.v1 import state_pb2, task_run_pb2
from headrace.recording.facts import (
    CODES,
    COMPLETED,
    PENDING,
    RUNNING,
    AttemptHandle,
    TaskFacts,
    TaskRunFacts,
    Transition,
)
from headrace.recording.identifiers import new_id
from headrace.recording.wire import (
    MAX_FRAME_CHARACTERS,
    MAX_TRACEBACK_CHARACTERS,
    FrameBuilder,
    cut_middle,
    mapping_of,
    state_from_proto,
    state_to_proto,
    struct_of,
)
from headrace.states import Failed, ResultReference, State, StateDetails, StateType


def attempt_of(flow_run_id: str) -> AttemptHandle:
    return AttemptHandle(flow_run_id, f"token of {flow_run_id}", on_signal=lambda _: None, on_lost=lambda _: None)


def run_of(attempt: AttemptHandle, name: str = "work-0") -> TaskRunFacts:
    run = TaskRunFacts()
    run.attempt, run.facts, run.task_run_id, run.name = attempt, TaskFacts("m.work"), new_id(), name
    run.dynamic_key, run.tags, run.inputs, run.cache_key, run.child_flow_run_id = "0", (), (), "", ""
    run.cache_expires_ns, run.flow_run_run_count, run.version = 0, 1, 0
    run.spec_is_told = run.has_started = False
    return run


def entering(run: TaskRunFacts, code: int, details: StateDetails | None = None, message: str = "") -> Transition:
    if code != PENDING:
        run.has_started = True
    return run, code, "", message, 1_700_000_000_123_456_789, 1, details, None


def taken(queue: deque[Transition]) -> Iterator[Transition]:
    while queue:
        yield queue.popleft()


def built(builder: FrameBuilder, queue: deque[Transition]) -> task_run_pb2.RecordFrame:
    made = builder.build(taken(queue))
    assert made is not None
    frame = task_run_pb2.RecordRequest.FromString(made[1]).frame
    assert (frame.sequence, len(frame.transitions)) == (made[0], made[2])
    return frame


def test_a_frame_describes_each_run_once_and_counts_its_versions() -> None:
    builder = FrameBuilder(2)
    run = run_of(attempt_of("f"))
    queue = deque([entering(run, RUNNING), entering(run, COMPLETED), entering(run, RUNNING)])
    first, second = built(builder, queue), built(builder, queue)
    assert [each.HasField("spec") for each in (*first.transitions, *second.transitions)] == [True, False, False]
    assert [each.state.version for each in (*first.transitions, *second.transitions)] == [1, 2, 3]
    assert (first.sequence, second.sequence) == (1, 2)
    occurred = first.transitions[0].state.occurred_at
    assert (occurred.seconds, occurred.nanos) == (1_700_000_000, 123_456_789)


def test_a_run_that_started_before_it_was_told_was_never_pending() -> None:
    builder = FrameBuilder(10)
    quick, slow = run_of(attempt_of("f"), "quick"), run_of(attempt_of("f"), "slow")
    queue = deque([entering(quick, PENDING), entering(slow, PENDING), entering(quick, RUNNING)])
    frame = built(builder, queue)
    told = [(each.spec.name, state_pb2.StateType.Name(each.state.type)) for each in frame.transitions]
    assert told == [("slow", "STATE_TYPE_PENDING"), ("quick", "STATE_TYPE_RUNNING")]
    assert [each.state.version for each in frame.transitions] == [1, 1]


def test_a_run_of_an_earlier_execution_is_told_to_be_open_again() -> None:
    run = run_of(attempt_of("f1"))
    run.version = 2
    queue = deque([entering(run, PENDING), entering(run, COMPLETED)])
    frame = built(FrameBuilder(500), queue)
    told = [(state_pb2.StateType.Name(one.state.type), one.state.version) for one in frame.transitions]
    assert told == [("STATE_TYPE_PENDING", 3), ("STATE_TYPE_COMPLETED", 4)]


def test_runs_of_several_attempts_share_a_frame_and_lost_ones_leave_it() -> None:
    builder = FrameBuilder(10)
    one, two, lost = attempt_of("one"), attempt_of("two"), attempt_of("lost")
    lost.is_lost = True
    queue = deque(entering(run_of(attempt), RUNNING) for attempt in (one, lost, two, one))
    frame = built(builder, queue)
    assert [(each.flow_run_id, each.token) for each in frame.attempts] == [
        ("one", "token of one"),
        ("two", "token of two"),
    ]
    assert [each.attempt_index for each in frame.transitions] == [0, 1, 0]
    assert builder.build(taken(deque([entering(run_of(lost), RUNNING)]))) is None


def test_a_frame_full_of_tracebacks_stays_far_below_the_limit_of_a_message() -> None:
    builder = FrameBuilder(500)
    attempt = attempt_of("f")
    details = StateDetails(traceback="x" * 200_000)
    queue = deque(entering(run_of(attempt), CODES[StateType.FAILED], details, "y" * 50_000) for _ in range(40))
    frames = []
    while queue:
        frames.append(built(builder, queue))
    assert sum(len(frame.transitions) for frame in frames) == 40
    assert len(frames) > 5
    assert all(frame.ByteSize() < 2 * MAX_FRAME_CHARACTERS for frame in frames)
    assert len(frames[0].transitions[0].state.details.traceback) <= MAX_TRACEBACK_CHARACTERS


def test_states_survive_the_wire() -> None:
    now = datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC)
    state: State[Any] = State(
        type=StateType.SCHEDULED,
        name="AwaitingRetry",
        message="m",
        occurred_at=now,
        details=StateDetails(
            scheduled_at=now, cache_key="k", retriable=False, reason="R", error_type="E", traceback="t"
        ),
        reference=ResultReference(storage_key="k", storage_url="file:///x", serializer="json", size_bytes=3),
    )
    again = state_from_proto(state_to_proto(state))
    assert (again.type, again.name, again.message, again.occurred_at) == (
        StateType.SCHEDULED,
        "AwaitingRetry",
        "m",
        now,
    )
    assert again.details == state.details
    assert again.reference == state.reference


def test_long_texts_are_cut_in_the_middle() -> None:
    text = "a" * 500 + "b" * 500
    cut = cut_middle(text, 200)
    assert len(cut) <= 200
    assert cut.startswith("aaa")
    assert cut.endswith("bbb")
    assert "characters left out" in cut
    assert len(state_to_proto(Failed(message="x" * 100_000)).message) <= 65_536


@pytest.mark.parametrize("values", [{}, {"a": 1, "b": 1.5, "c": [1, {"d": None}], "e": "x", "f": True, "g": -0.0}])
def test_whole_numbers_come_back_whole(values: dict[str, Any]) -> None:
    again = mapping_of(struct_of(values))
    assert again == values
    if values:
        assert type(again["a"]) is int
        assert type(again["c"][0]) is int
