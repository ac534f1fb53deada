from __future__ import annotations

import pytest

from headrace.outcomes import CancelledRun, CrashedRun, FailedRun, MissingResult, UnfinishedRun
from headrace.states import (
    Cancelled,
    Completed,
    Crashed,
    Failed,
    Pending,
    Running,
    Scheduled,
    State,
    StateType,
    aggregate_states,
)


def test_a_state_has_its_types_name_unless_it_has_one() -> None:
    assert Completed().name == "Completed"
    assert Completed(name="Skipped").name == "Skipped"
    assert Scheduled().details is not None
    assert str(Failed(message="no")) == "Failed('no')"


@pytest.mark.parametrize(
    ("state", "claims"),
    [
        (Pending(), {"is_pending"}),
        (Running(), {"is_running"}),
        (Scheduled(), {"is_scheduled"}),
        (Completed(), {"is_completed", "is_final"}),
        (Failed(), {"is_failed", "is_final"}),
        (Crashed(), {"is_crashed", "is_final"}),
        (Cancelled(), {"is_cancelled", "is_final"}),
        (State(type=StateType.CANCELLING), {"is_cancelling"}),
        (State(type=StateType.PAUSED), {"is_paused"}),
    ],
)
def test_what_states_claim(state: State[object], claims: set[str]) -> None:
    questions = [name for name in dir(state) if name.startswith("is_")]
    assert {name for name in questions if getattr(state, name)()} == claims
    assert state.type.is_final == ("is_final" in claims)


def test_results_of_states() -> None:
    assert Completed(data=None).result() is None
    assert Completed(data=5).result() == 5
    with pytest.raises(MissingResult, match="persist_result"):
        State(type=StateType.COMPLETED).result()
    with pytest.raises(UnfinishedRun):
        Running().result()
    with pytest.raises(FailedRun, match="torn"):
        Failed(message="torn").result()
    with pytest.raises(KeyError):
        Failed(data=KeyError("x")).result()
    with pytest.raises(CrashedRun):
        Crashed().result()
    with pytest.raises(CancelledRun):
        Cancelled().result()
    assert isinstance(Failed(message="x").result(raise_on_failure=False), FailedRun)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([Completed(), Completed()], "COMPLETED"),
        ([Completed(), Failed()], "FAILED"),
        ([Completed(), Cancelled()], "CANCELLED"),
        ([Cancelled(), Crashed(), Failed()], "FAILED"),
        ([Completed(), Running()], "FAILED"),
        ([], "COMPLETED"),
    ],
)
def test_the_worst_of_several_states_counts(states: list[State[object]], expected: str) -> None:
    assert aggregate_states(states).type == expected
