"""Prefect's filters as filter messages of the contract.

A filter of Prefect is an object of criteria, each an object of operators; `operator` says of either whether all have
to hold (`and_`) or one of them (`or_`). A table says of each operator what it takes and which message it becomes; the
messages are joined by `any_of` and `none_of`, which filters of the contract have for that.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headrace.api.v1 import state_pb2
from headrace_prefect.bodies import fields
from headrace_prefect.bodies.fields import Kind, Wrong
from headrace_prefect.shapes.scalars import to_timestamp

Message = Any
"""A filter of the contract."""

NOBODY = "00000000-0000-0000-0000-000000000000"
"""An id that nothing has, for filters that nothing passes."""

_OPERATOR = fields.one_of(("and_", "or_"))
_TICK = datetime.timedelta(microseconds=1)
_BEGINNING = datetime.datetime(1, 1, 2, tzinfo=datetime.UTC)


@dataclasses.dataclass(frozen=True, slots=True)
class Operator:
    """One operator."""

    kind: Kind
    make: Callable[[Any], Any]
    """Returns the message of a value."""


Criterion = Mapping[str, "Operator | Criterion"]
"""Operators, or further criteria, by name."""


class Filter:
    """The kind of a field with a filter: takes its JSON, returns the message.

    Args:
        message: The class of the message.
        criteria: What may be asked of the things.
    """

    def __init__(self, message: Callable[..., Message], criteria: Criterion) -> None:
        self._message = message
        self._criteria = criteria

    def __call__(self, value: Any) -> Message:
        """Return the message of a filter.

        Raises:
            Wrong: It does not fit.
        """
        return self._read(self._criteria, value)

    def _read(self, criteria: Criterion, value: Any) -> Message:
        if not isinstance(value, dict):
            raise Wrong("Input should be a valid dictionary or object to extract fields from", "model_attributes_type")
        found: list[Message] = []
        for name, part in criteria.items():
            given = value.get(name)
            if given is None:
                continue
            try:
                found.append(part.make(part.kind(given)) if isinstance(part, Operator) else self._read(part, given))
            except Wrong as wrong:
                wrong.loc = (name, *wrong.loc)
                raise
        operator = value.get("operator")
        if operator is not None:
            _OPERATOR(operator)
        return any_of(self._message, found) if operator == "or_" else all_of(self._message, found)


def all_of(message: Callable[..., Message], parts: Sequence[Message]) -> Message:
    """Return the filter that all of some filters make together."""
    whole: Message = message()
    taken: set[str] = set()
    for part in parts:
        names = {field.name for field, _ in part.ListFields()}
        # None of these and none of those is none of all of them.
        if taken & names - {"none_of"}:
            whole.none_of.append(negated(message, part))
        else:
            whole.MergeFrom(part)
            taken |= names
    return whole


def any_of(message: Callable[..., Message], parts: Sequence[Message]) -> Message:
    """Return the filter that one of some filters has to pass; without any it lets all through."""
    if not parts:
        return message()
    if len(parts) == 1:
        return parts[0]
    whole: Message = message()
    whole.any_of.extend(parts)
    return whole


def negated(message: Callable[..., Message], part: Message) -> Message:
    """Return the filter that lets through what another does not."""
    whole: Message = message()
    whole.none_of.append(part)
    return whole


def listed(message: Callable[..., Message], field: str, never: str, kind: Kind = fields.identifiers) -> Operator:
    """Return an operator that takes values, of which a thing has to have one.

    Args:
        message: The class of the message.
        field: Its field.
        never: What fills `field_of_nothing` for an empty list, which nothing passes.
        kind: The kind of the list.
    """
    return Operator(kind, lambda values: message(**{field: values}) if values else message(**{never: [NOBODY]}))


def unlisted(message: Callable[..., Message], field: str, kind: Kind = fields.identifiers) -> Operator:
    """Return an operator that takes values, of which a thing must have none."""
    return Operator(kind, lambda values: negated(message, message(**{field: values})) if values else message())


def flag(message: Callable[..., Message], field: str, *, is_opposite: bool = False) -> Operator:
    """Return an operator that takes true or false for a field, or for its opposite."""
    return Operator(fields.boolean, lambda value: message(**{field: value is not is_opposite}))


def text(message: Callable[..., Message], field: str) -> Operator:
    """Return an operator that takes a part of a text."""
    return Operator(fields.string, lambda value: message(**{field: value}))


def times(message: Callable[..., Message], field: str, *, may_be_null: bool = False) -> Criterion:
    """Return the operators on a time: `before_` and `after_`, both inclusive, and `is_null_`."""

    def spanned(**ends: Any) -> Any:
        return message(**{field: state_pb2.TimeRange(**ends)})

    def is_null(value: bool) -> Any:
        there = spanned(**{"from": to_timestamp(_BEGINNING)})
        return negated(message, there) if value else there

    criterion: dict[str, Operator | Criterion] = {
        "before_": Operator(fields.moment, lambda value: spanned(until=to_timestamp(value + _TICK))),
        "after_": Operator(fields.moment, lambda value: spanned(**{"from": to_timestamp(value)})),
    }
    if may_be_null:
        criterion["is_null_"] = Operator(fields.boolean, is_null)
    return criterion


def tags(message: Callable[..., Message]) -> Criterion:
    """Return the operators on tags."""
    return {
        "all_": Operator(fields.strings, lambda values: message(tags_all=values)),
        "any_": Operator(
            fields.strings, lambda values: message(tags_any=values) if values else negated(message, message())
        ),
        "is_null_": flag(message, "untagged"),
    }
