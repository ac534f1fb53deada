from __future__ import annotations

import datetime
from typing import Any

import pytest

from headrace_prefect.answers import Invalid
from headrace_prefect.bodies import fields
from headrace_prefect.bodies.fields import Field, Fields, parse

TABLE: Fields = {
    "name": Field(fields.name, required=True),
    "tags": Field(fields.strings, default=list),
    "limit": Field(fields.at_least(0)),
    "inner": Field(fields.nested({"at": Field(fields.moment, required=True)})),
}


def faults(value: Any) -> dict[tuple[str | int, ...], str]:
    """Return the places of what is wrong with a body, and the words for it."""
    with pytest.raises(Invalid) as raised:
        parse(TABLE, value)
    return {fault.loc: fault.type for fault in raised.value.faults}


def test_null_is_absent_and_what_nobody_knows_is_passed_over() -> None:
    body = parse(TABLE, {"name": "a", "tags": None, "newer": 1})
    assert body == {"name": "a", "tags": [], "limit": None, "inner": None}
    assert body.given == {"name", "tags"}


def test_all_that_is_wrong_is_named_with_its_place() -> None:
    assert faults({"tags": ["a", 1], "limit": -1, "inner": {}}) == {
        ("body", "name"): "missing",
        ("body", "tags", 1): "string_type",
        ("body", "limit"): "greater_than_equal",
        ("body", "inner", "at"): "missing",
    }
    assert faults([]) == {("body",): "model_attributes_type"}
    assert ("body", "name") in faults({"name": "a/b"})


@pytest.mark.parametrize(
    ("kind", "value", "taken"),
    [
        (fields.integer, 3.0, 3),
        (fields.integer, "7", 7),
        (fields.number, 2, 2.0),
        (fields.boolean, True, True),
        (fields.identifier, "0198C0DE00007000800000000000ABCD", "0198c0de-0000-7000-8000-00000000abcd"),
        (fields.moment, "2026-01-02T03:04:05+01:00", datetime.datetime(2026, 1, 2, 2, 4, 5, tzinfo=datetime.UTC)),
        (fields.moment, "2026-01-02T03:04:05.5Z", datetime.datetime(2026, 1, 2, 3, 4, 5, 500000, datetime.UTC)),
        (fields.one_kind_of(fields.number, fields.list_of(fields.number)), [1, 2], [1.0, 2.0]),
        (fields.anything, {"a": [None]}, {"a": [None]}),
    ],
)
def test_values_are_taken(kind: fields.Kind, value: Any, taken: Any) -> None:
    assert kind(value) == taken


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (fields.integer, True),
        (fields.integer, 1.5),
        (fields.integer, 2**31),
        (fields.integer, float("inf")),
        (fields.number, "x"),
        (fields.boolean, 1),
        (fields.identifier, "x"),
        (fields.moment, "yesterday"),
        (fields.moment, "9999-12-31T23:59:59Z"),
        (fields.seconds, 1e300),
        (fields.within(1, 50), 51),
        (fields.list_of(fields.string, 1), ["a", "b"]),
        (fields.one_of(("A", "B")), "C"),
        (fields.json_object, []),
    ],
)
def test_values_of_other_kinds_are_refused(kind: fields.Kind, value: Any) -> None:
    with pytest.raises(fields.Wrong):
        kind(value)
