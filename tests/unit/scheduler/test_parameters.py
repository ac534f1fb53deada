"""Parameters and job variables against their schemas."""

from __future__ import annotations

from typing import Any

import pytest

from headrace_scheduler.rules import parameters
from headrace_scheduler.rules.faults import Invalid

SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Parameters",
    "properties": {
        "day": {"type": "string", "format": "date"},
        "count": {"type": "integer", "minimum": 1, "exclusiveMaximum": 100},
        "share": {"type": "number", "default": 0.5},
        "mode": {"enum": ["fast", "slow"]},
        "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "source": {"$ref": "#/definitions/Source"},
        "rows": {"type": "array", "items": {"$ref": "#/definitions/Row"}, "maxItems": 3},
        "either": {"anyOf": [{"type": "string"}, {"$ref": "#/definitions/Source"}]},
        "name": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^[a-z]+$"},
    },
    "required": ["day", "count"],
    "definitions": {
        "Source": {
            "type": "object",
            "properties": {"url": {"type": "string"}},
            "required": ["url"],
            "additionalProperties": False,
        },
        "Row": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
    },
}
GOOD: dict[str, Any] = {"day": "2026-01-01", "count": 3}


def faults_of(values: dict[str, Any], **options: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        parameters.check_values(SCHEMA, values, "parameters", **options)
    return [(fault.field, fault.description) for fault in caught.value.faults]


@pytest.mark.parametrize(
    "values",
    [
        GOOD,
        {**GOOD, "share": 1, "mode": "slow", "limit": None, "source": {"url": "x"}, "rows": [{"x": 1}]},
        {**GOOD, "either": "x"},
        {**GOOD, "either": {"url": "x"}},
        # JSON has one kind of number.
        {**GOOD, "count": 3.0},
    ],
)
def test_right_values_pass(values: dict[str, Any]) -> None:
    parameters.check_values(SCHEMA, values, "parameters")


@pytest.mark.parametrize(
    ("wrong", "field", "description"),
    [
        ({"count": "three"}, "parameters.count", 'must be an integer, not "three"'),
        ({"count": 0}, "parameters.count", "must be at least 1, not 0"),
        ({"count": 100}, "parameters.count", "must be below 100, not 100"),
        ({"mode": "medium"}, "parameters.mode", 'must be one of "fast", "slow", not "medium"'),
        ({"limit": "x"}, "parameters.limit", 'must be an integer or null, not "x"'),
        ({"source": {}}, "parameters.source.url", "is required"),
        ({"source": {"url": "x", "port": 1}}, "parameters.source.port", "is not known; known are: url"),
        ({"rows": [{"x": 1}, {"x": "y"}]}, "parameters.rows[1].x", 'must be an integer, not "y"'),
        ({"rows": [{"x": 1}] * 4}, "parameters.rows", "must have at most 3 items"),
        ({"either": {"url": 5}}, "parameters.either.url", "must be a text, not 5"),
        ({"either": {}}, "parameters.either.url", "is required"),
        ({"name": "a"}, "parameters.name", "must have at least 2 characters"),
        ({"name": "abcde"}, "parameters.name", "must have at most 4 characters"),
        ({"name": "AB"}, "parameters.name", 'must match the pattern ^[a-z]+$, which "AB" does not'),
        ({"dai": 1}, "parameters.dai", "is not known; known are: " + ", ".join(sorted(SCHEMA["properties"]))),
    ],
)
def test_a_wrong_value_is_named_with_what_is_expected(wrong: dict[str, Any], field: str, description: str) -> None:
    assert faults_of(GOOD | wrong) == [(field, description)]


def test_all_faults_come_at_once_and_long_values_are_cut() -> None:
    faults = faults_of({"count": "x" * 1000, "mode": "y"})
    assert [field for field, _ in faults] == ["parameters.count", "parameters.mode", "parameters.day"]
    assert max(len(description) for _, description in faults) < 200


def test_missing_values_may_be_allowed_at_the_top_only() -> None:
    parameters.check_values(SCHEMA, {}, "parameters", is_complete=False)
    assert faults_of({"source": {}}, is_complete=False) == [("parameters.source.url", "is required")]


def test_a_schema_may_take_values_that_it_does_not_name() -> None:
    schema = {"properties": {"x": {}}, "additionalProperties": {"type": "integer"}}
    parameters.check_values(schema, {"x": 1, "y": 2}, "parameters")
    with pytest.raises(Invalid) as caught:
        parameters.check_values(schema, {"y": "z"}, "parameters")
    assert caught.value.faults[0].field == "parameters.y"
    parameters.check_values({}, {"anything": 1}, "parameters")


def test_nothing_is_fetched_for_a_schema() -> None:
    schema = {"properties": {"x": {"$ref": "http://127.0.0.1:1/schema.json"}}}
    with pytest.raises(Invalid) as caught:
        parameters.check_values(schema, {"x": 1}, "parameters")
    assert "the schema refers to" in caught.value.faults[0].description


def test_a_wrong_schema_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        parameters.check_schema({"properties": {"x": {"type": "strin"}}}, "content.parameter_schema")
    assert caught.value.faults[0].field == "content.parameter_schema.properties.x.type"
    with pytest.raises(Invalid):
        parameters.check_schema({"type": "array"}, "content.parameter_schema")
    parameters.check_schema({}, "content.parameter_schema")


def test_large_parameters_are_refused() -> None:
    parameters.check_size({"x": "y" * 1000}, "parameters")
    with pytest.raises(Invalid):
        parameters.check_size({"x": "y" * parameters.MOST_BYTES}, "parameters")
