"""What people type becomes values, and what is wrong is said."""

from __future__ import annotations

import datetime

import pytest

from headrace import errors
from headrace.cli import filtering, moments, parameters


def test_a_parameter_is_json_where_it_can_be_and_text_otherwise() -> None:
    pairs = ("n=3", "name=three", 'list=[1,"x"]', "empty=", "equation=a=b", "flag=true")
    assert parameters.parse(pairs, '{"n": 1, "kept": null}') == {
        "n": 3,
        "kept": None,
        "name": "three",
        "list": [1, "x"],
        "empty": "",
        "equation": "a=b",
        "flag": True,
    }


@pytest.mark.parametrize(("pairs", "document"), [(("novalue",), None), (("=3",), None), ((), "[1]"), ((), "{")])
def test_a_malformed_parameter_is_refused(pairs: tuple[str, ...], document: str | None) -> None:
    with pytest.raises(errors.InvalidArgument):
        parameters.parse(pairs, document)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1h30m", 5400), ("2d", 172800), ("1.5h", 5400)]
)
def test_a_span_is_read(text: str, seconds: float) -> None:
    assert moments.parse_span(text) == datetime.timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "h", "1x", "-5m", "5m and more"])
def test_a_malformed_span_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidArgument, match="span"):
        moments.parse_span(text)


def test_a_moment_with_an_offset_keeps_it() -> None:
    assert moments.parse_moment("2030-01-31T08:00+02:00") == datetime.datetime(2030, 1, 31, 6, tzinfo=datetime.UTC)


def test_a_malformed_moment_is_refused() -> None:
    with pytest.raises(errors.InvalidArgument, match="time like"):
        moments.parse_moment("tomorrow")


def test_a_moment_without_an_offset_is_in_the_zone_that_is_named() -> None:
    assert moments.parse_moment("2030-01-31T08:00", "Europe/Berlin") == datetime.datetime(
        2030, 1, 31, 7, tzinfo=datetime.UTC
    )
    assert moments.parse_moment("2030-01-31T08:00Z", "Europe/Berlin").hour == 8
    with pytest.raises(errors.InvalidArgument, match="'Mars/Base' is not the name of a time zone"):
        moments.parse_moment("2030-01-31T08:00", "Mars/Base")


@pytest.mark.parametrize(("text", "days"), [("now", 0.0), ("2h", 2 / 24), ("1d", 1.0), ("2026-01-05", None)])
def test_a_past_time_is_a_span_or_a_time(text: str, days: float | None) -> None:
    found = filtering.moment(text).ToDatetime(datetime.UTC)
    if days is None:
        assert found == datetime.datetime.fromisoformat("2026-01-05").astimezone(datetime.UTC)
    else:
        ago = datetime.datetime.now(datetime.UTC) - found
        assert abs(ago - datetime.timedelta(days=days)) < datetime.timedelta(minutes=5)


def test_a_day_is_its_beginning() -> None:
    today, yesterday = (filtering.moment(text).ToDatetime(datetime.UTC).astimezone() for text in ("today", "yesterday"))
    assert today.time() == yesterday.time() == datetime.time()
    assert yesterday < today
    with pytest.raises(errors.InvalidArgument, match="yesterday"):
        filtering.moment("soon")
