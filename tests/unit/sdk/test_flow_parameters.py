from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import pathlib
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Literal

import jsonschema
import pydantic
import pytest
from pydantic import BaseModel, Field, SecretStr

from headrace import flow
from headrace.docstrings import descriptions_of
from headrace.outcomes import ParameterError
from headrace.parameters import schema_of, types_of
from headrace.testing import LocalRuns


class Colour(enum.Enum):
    RED = "red"


class Box(pydantic.BaseModel):
    width: int
    colour: Colour = Colour.RED


@dataclasses.dataclass
class Point:
    x: float
    y: float


def state_names(runs: LocalRuns, flow_name: str | None = None) -> list[list[str]]:
    return [[state.name for state in run.states] for run in runs.flow_runs(flow_name)]


def test_parameters_are_coerced_by_their_annotations(runs: LocalRuns) -> None:
    seen: list[Any] = []

    @flow
    def typed(
        day: datetime.date,
        number: int,
        box: Box,
        point: Point,
        colour: Colour = Colour.RED,
        *rest: Any,
        flag: bool = False,
        **more: Any,
    ) -> None:
        seen.extend([day, number, box, point, colour, rest, flag, more])

    typed("2024-05-01", "7", {"width": "3"}, {"x": 1, "y": "2.5"}, "red", 1, 2, flag="yes", other=[1])  # type: ignore[call-overload]
    assert seen == [
        datetime.date(2024, 5, 1),
        7,
        Box(width=3),
        Point(1.0, 2.5),
        Colour.RED,
        (1, 2),
        True,
        {"other": [1]},
    ]
    recorded = runs.flow_runs()[0].parameters
    assert recorded["day"] == "2024-05-01"
    assert recorded["box"] == {"width": 3, "colour": "red"}
    assert recorded["point"] == {"x": 1.0, "y": 2.5}


def test_a_wrong_parameter_is_named_and_the_run_fails(runs: LocalRuns) -> None:
    ran = []

    @flow
    def typed(number: int, boxes: list[Box]) -> None:
        ran.append(1)

    with pytest.raises(ParameterError) as caught:
        typed("seven", [{"width": 1}, {"width": "wide"}])  # type: ignore[call-overload]
    assert [violation.field for violation in caught.value.violations] == ["number", "boxes.1.width"]
    assert "got 'seven'" in str(caught.value)
    assert isinstance(caught.value, TypeError)
    assert ran == []
    assert state_names(runs) == [["Running", "Failed"]]
    assert "number" in runs.flow_runs()[0].state.message


def test_a_call_that_does_not_fit_leaves_no_run(runs: LocalRuns) -> None:
    @flow
    def typed(number: int) -> None: ...

    with pytest.raises(TypeError, match=r"typed\(number.*missing a required argument: 'number'"):
        typed()  # type: ignore[call-overload]
    assert runs.flow_runs() == []


def test_checks_can_be_switched_off(runs: LocalRuns) -> None:
    @flow(validate_parameters=False)
    def typed(number: int) -> Any:
        return number

    assert typed("seven") == "seven"  # type: ignore[call-overload]


def test_parameters_that_json_does_not_know_are_described(runs: LocalRuns) -> None:
    @flow
    def typed(thing: Any, big: Any, number: Any, ratio: Any) -> None: ...

    typed(object(), "x" * 300_000, 2**60, float("nan"))
    recorded = runs.flow_runs()[0].parameters
    assert "object" in recorded["thing"]
    assert recorded["big"].startswith("<str of 300002 bytes")
    assert recorded["number"] == str(2**60)
    assert recorded["ratio"] == "NaN"


def test_the_schema_describes_the_parameters() -> None:
    @flow
    def typed(day: datetime.date, box: Box, untyped=3, *, flag: bool = False) -> None:  # type: ignore[no-untyped-def]
        ...

    schema = schema_of(typed.fn)
    assert schema["required"] == ["day", "box"]
    assert schema["properties"]["day"]["format"] == "date"
    assert schema["properties"]["box"]["$ref"] == "#/$defs/Box"
    assert "Colour" in schema["$defs"]
    assert schema["properties"]["untyped"]["default"] == 3
    assert schema["properties"]["flag"]["type"] == "boolean"
    assert schema["additionalProperties"] is False
    assert [schema["properties"][name]["position"] for name in ("day", "box", "untyped", "flag")] == [0, 1, 2, 3]
    assert schema["properties"]["day"]["title"] == "day"
    jsonschema.Draft202012Validator.check_schema(schema)


def google(day: str, rows: int = 1, *others: str) -> None:
    """Do something.

    Args:
        day (str): The day of the data,
            in UTC.

            Also a range.
        rows: How many: at most 10.
        *others: More.

    Returns:
        text: Not a parameter.
    """


def numpy(day: str, rows: int = 1, *others: str) -> None:
    """Do something.

    Parameters
    ----------
    day : str
        The day of the data,
        in UTC.

        Also a range.
    rows
        How many: at most 10.
    *others
        More.

    Returns
    -------
    None
        Nothing.
    """


def sphinx(day: str, rows: int = 1, *others: str) -> None:
    """Do something.

    :param day: The day of the data,
        in UTC.

        Also a range.
    :param int rows: How many: at most 10.
    :param others: More.
    :returns: Nothing.
    """


@pytest.mark.parametrize("function", [google, numpy, sphinx])
def test_docstrings_of_every_style_describe_the_parameters(function: Callable[..., None]) -> None:
    assert descriptions_of(function) == {
        "day": "The day of the data, in UTC. Also a range.",
        "rows": "How many: at most 10.",
        "others": "More.",
    }
    properties = schema_of(function)["properties"]
    assert properties["rows"]["description"] == "How many: at most 10."
    assert "others" not in properties


def test_what_the_annotation_says_goes_before_the_docstring() -> None:
    def typed(rows: Annotated[int, Field(title="Rows", description="From the annotation", ge=1, le=10)] = 3) -> None:
        """Do something.

        Args:
            rows: From the docstring.
        """

    assert schema_of(typed)["properties"]["rows"] == {
        "title": "Rows",
        "description": "From the annotation",
        "type": "integer",
        "minimum": 1,
        "maximum": 10,
        "default": 3,
        "position": 0,
    }
    assert descriptions_of(lambda: None) == {}


class Named(BaseModel):
    """A model whose fields have other names outside."""

    row_count: int = Field(alias="rowCount")
    kind: Literal["full", "part"] = "full"


HIDDEN = SecretStr("s")


class Cat(BaseModel):
    """One of two."""

    meows: Literal[True]


class Dog(BaseModel):
    """The other."""

    barks: Literal[True]


def test_parameters_come_back_from_json_as_they_were(runs: LocalRuns) -> None:
    seen: list[dict[str, Any]] = []

    @flow
    def typed(
        named: Named,
        pet: Cat | Dog,
        moment: datetime.datetime,
        span: datetime.timedelta,
        at: datetime.time,
        key: uuid.UUID,
        amount: decimal.Decimal,
        colours: set[Colour],
        pair: tuple[int, str],
        point: Point,
        maybe: int | None = None,
        path: pathlib.Path = pathlib.Path("x"),
        secret: SecretStr = HIDDEN,
        blob: bytes = b"\x01",
    ) -> None:
        seen.append(dict(locals()))

    typed(  # type: ignore[call-overload]
        {"rowCount": "3"},
        Dog(barks=True),
        datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC),
        datetime.timedelta(hours=1.5),
        datetime.time(12, 30),
        uuid.UUID(int=5),
        decimal.Decimal("1.10"),
        {Colour.RED},
        (1, "a"),
        Point(1.0, 2.5),
    )
    first = seen[0]
    assert first["named"] == Named(rowCount=3)
    recorded = runs.flow_runs()[0].parameters
    jsonschema.Draft202012Validator(schema_of(typed.fn)).validate(recorded)
    again = types_of(typed.fn).validate(recorded)
    assert {name: again[name] for name in first if name not in ("secret", "seen")} == {
        name: value for name, value in first.items() if name not in ("secret", "seen")
    }
    assert str(recorded["secret"]) == "**********"
