"""What people are told who fill a form in wrongly."""

from __future__ import annotations

from typing import Any

import pytest

from headrace_state.rules.forms import FormFault, check_input


def an_object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("schema", "given", "fault"),
    [
        (an_object(a={"type": "integer"}) | {"required": ["a"]}, {}, ("run_input.a", "is required")),
        (an_object(a={"type": "integer"}), {"a": "x"}, ("run_input.a", 'must be an integer, not "x"')),
        (an_object(a={"type": "integer"}), {"a": 1.5}, ("run_input.a", "must be an integer, not 1.5")),
        (an_object(a={"enum": ["x", "y"]}), {"a": "z"}, ("run_input.a", 'must be one of "x", "y", not "z"')),
        (an_object(a={"minimum": 3}), {"a": 1}, ("run_input.a", "must be at least 3, not 1")),
        (an_object(a={"maxLength": 1}), {"a": "xy"}, ("run_input.a", 'must have at most 1 characters, not "xy"')),
        (an_object(a={"format": "date"}), {"a": "soon"}, ("run_input.a", 'must be a date, not "soon"')),
        (an_object() | {"additionalProperties": False}, {"a": 1}, ("run_input.a", "is not known")),
        (
            an_object(a={"anyOf": [{"type": "integer"}, {"type": "null"}]}),
            {"a": "x"},
            ("run_input.a", 'must be an integer, not "x", or must be null, not "x"'),
        ),
        (
            an_object(a={"type": "array", "items": {"type": "boolean"}}),
            {"a": [True, 1]},
            ("run_input.a[1]", "must be true or false, not 1"),
        ),
        ({"type": "nonsense"}, {}, None),
        (an_object(a={"$ref": "#/$defs/none"}), {"a": 1}, None),
    ],
)
def test_a_fault_names_its_field_and_what_is_expected(
    schema: dict[str, Any], given: dict[str, Any], fault: tuple[str, str] | None
) -> None:
    with pytest.raises(FormFault) as caught:
        check_input(schema, given)
    if fault is not None:
        assert caught.value.faults == [fault]


def test_an_input_that_fits_passes() -> None:
    schema = an_object(day={"type": "string", "format": "date"}, count={"type": "integer", "default": 1})
    check_input(schema, {"day": "2026-03-05"})


def test_many_faults_are_cut() -> None:
    schema = an_object() | {"required": [f"f{number}" for number in range(100)]}
    with pytest.raises(FormFault) as caught:
        check_input(schema, {})
    assert len(caught.value.faults) == 20
