"""Texts that come from anywhere are made fit to be stored, and what is no text is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace import errors, flow, tags, task
from headrace.artifacts import create_table_artifact
from headrace.parameters import recorded
from headrace.recording.text import storable
from headrace.testing import LocalRuns


@given(st.text(st.characters(), max_size=50))
def test_every_text_becomes_one_that_can_be_stored(text: str) -> None:
    made = storable(text)
    assert "\x00" not in made
    made.encode()
    if "\x00" not in text and text.isascii():
        assert made == text


@pytest.mark.parametrize(
    ("text", "made"), [("a\x00b", "a\\x00b"), ("a\udcffb", "a\\udcffb"), ("plain", "plain"), ("süß 🌊", "süß 🌊")]
)
def test_what_cannot_be_stored_is_written_out(text: str, made: str) -> None:
    assert storable(text) == made


def test_parameters_are_recorded_with_such_texts_written_out() -> None:
    assert recorded({"path": "a\udcff", "deep": {"k\x00": ["\x00"]}}) == {
        "path": "a\\udcff",
        "deep": {"k\\x00": ["\\x00"]},
    }


def test_an_error_that_cannot_be_described_is_the_error_that_is_raised(runs: LocalRuns) -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError

    @task
    def odd() -> None:
        raise Odd

    @flow
    def odd_flow() -> None:
        odd()

    with pytest.raises(Odd):
        odd_flow()
    (run,) = runs.flow_runs()
    assert run.state.message == "Odd: its description failed with ZeroDivisionError"


@pytest.mark.parametrize("options", [{"name": 5}, {"version": 5}, {"tags": [5]}])
def test_options_that_are_no_texts_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidArgument, match=next(iter(options))):
        task(**options)(lambda: None)


def test_tags_that_are_no_texts_are_refused() -> None:
    with pytest.raises(errors.InvalidArgument, match="tags"), tags(5):  # type: ignore[arg-type]
        pass


def test_tables_keep_the_values_below_names_that_are_no_texts(runs: LocalRuns) -> None:
    table: Any = [{1: "one", 2: "two"}, {1: "uno"}]

    @flow
    def tabulate() -> None:
        create_table_artifact(table)

    tabulate()
    (artifact,) = runs.artifacts()
    assert list(artifact.table.columns) == ["1", "2"]
    assert [value.string_value for value in artifact.table.rows[0].values] == ["one", "two"]
