"""Prefect's filters of small lists, as tests of one thing.

A filter is an object of criteria, each an object of operators, all of which have to hold (`operator: and_`) or one of
which has to (`or_`). Lists that are small by nature (variables, types of blocks, automations) are filtered by these
tests where the services have no field for a criterion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from headrace_prefect.bodies.fields import Body, Field, boolean, nested, one_of, strings

Test = Callable[[Body, Any], Iterable[bool]]
"""Takes the operators of a criterion and a thing; yields whether each that is set holds."""

TAGS = nested(
    {
        "operator": Field(one_of(("and_", "or_")), default="and_"),
        "all_": Field(strings),
        "any_": Field(strings),
        "is_null_": Field(boolean),
    }
)
"""A criterion on tags."""


def test(chosen: Body | None, tests: Mapping[str, Test]) -> Callable[[Any], bool] | None:
    """Return the test of a whole filter, None if it lets everything through.

    Args:
        chosen: The filter; each of its criteria is absent or has operators.
        tests: The test of each criterion, by name.
    """
    if chosen is None:
        return None
    criteria = [(tests[name], value) for name, value in chosen.items() if name in tests and value is not None]
    if not criteria:
        return None
    is_or = chosen.get("operator") == "or_"

    def holds(thing: Any) -> bool:
        found = (_all(criterion, value, thing) for criterion, value in criteria)
        return any(found) if is_or else all(found)

    return holds


def _all(criterion: Test, value: Body, thing: Any) -> bool:
    found = criterion(value, thing)
    return any(found) if value.get("operator") == "or_" else all(found)


def any_of(of: Callable[[Any], str]) -> Test:
    """Return the test of `any_` and `not_any_` on one value."""

    def check(value: Body, thing: Any) -> Iterable[bool]:
        if value.get("any_") is not None:
            yield of(thing) in value["any_"]
        if value.get("not_any_") is not None:
            yield of(thing) not in value["not_any_"]

    return check


def named(of: Callable[[Any], str]) -> Test:
    """Return the test of `any_` and `like_` on a name: `like_` is a part of it, upper and lower case alike."""

    def check(value: Body, thing: Any) -> Iterable[bool]:
        if value.get("any_") is not None:
            yield of(thing) in value["any_"]
        if value.get("like_") is not None:
            yield like(of(thing), value["like_"])

    return check


def tagged(of: Callable[[Any], Iterable[str]]) -> Test:
    """Return the test of `all_`, `any_` and `is_null_` on tags."""

    def check(value: Body, thing: Any) -> Iterable[bool]:
        tags = set(of(thing))
        if value.get("all_") is not None:
            yield tags.issuperset(value["all_"])
        if value.get("any_") is not None:
            yield bool(tags.intersection(value["any_"]))
        if value.get("is_null_") is not None:
            yield (not tags) is value["is_null_"]

    return check


def like(text: str, part: str) -> bool:
    """Return whether `part` is in `text`, upper and lower case alike."""
    return part.casefold() in text.casefold()
