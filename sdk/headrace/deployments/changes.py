"""What a deployment would change on the server: a difference that people can read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from google.protobuf import json_format
from google.protobuf.message import Message

from headrace.api.v1 import deployment_pb2

_ABSENT = object()
_DEFAULTS: tuple[Any, ...] = ("", [], {}, False, None)
_OF_THE_AUTHOR = (".parameters.", ".job_variables.", ".parameter_schema.")
"""Where every value says something, be it zero or false: not fields of the contract, which have defaults."""
_OF_THE_SERVER = ("schedule_id", "deployment_id", "next_at", "created_at", "updated_at")


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs."""

    name: str
    """Where it stands, such as `content.parameters.limit`."""
    before: str | None
    """As JSON; None if there is no value."""
    after: str | None


def changes_of(before: deployment_pb2.Deployment | None, wanted: deployment_pb2.ApplyDeploymentRequest) -> list[Change]:
    """Return what a call would change; what the call leaves alone is not looked at.

    Args:
        before: The deployment as it is; None if it does not exist.
        wanted: The call.
    """
    old = _facts_of(before, wanted) if before is not None else {}
    new = _facts(wanted)
    found = []
    for name in sorted({*old, *new}):
        left, right = old.get(name, _ABSENT), new.get(name, _ABSENT)
        if left != right:
            found.append(Change(name, written(left), written(right)))
    return found


def _facts(wanted: deployment_pb2.ApplyDeploymentRequest) -> dict[str, Any]:
    facts = dict(flat(_plain(wanted.content), "content"))
    if not wanted.keep_schedules:
        facts |= _schedule_facts(wanted.schedules)
    if wanted.HasField("concurrency"):
        facts |= dict(flat(_plain(wanted.concurrency), "concurrency"))
    if wanted.HasField("paused") and wanted.paused:
        facts["paused"] = True
    return facts


def _facts_of(before: deployment_pb2.Deployment, wanted: deployment_pb2.ApplyDeploymentRequest) -> dict[str, Any]:
    facts = dict(flat(_plain(before.content), "content"))
    if not wanted.keep_schedules:
        facts |= _schedule_facts(before.schedules)
    if wanted.HasField("concurrency"):
        facts |= dict(flat(_plain(before.concurrency), "concurrency"))
    if wanted.HasField("paused") and before.paused:
        facts["paused"] = True
    return facts


def _schedule_facts(schedules: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for place, schedule in enumerate(schedules):
        plain = {key: value for key, value in _plain(schedule).items() if key not in _OF_THE_SERVER}
        facts |= dict(flat(plain, f"schedules.{schedule.slug or place}"))
    return facts


def _plain(message: Message) -> dict[str, Any]:
    plain: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return cast("dict[str, Any]", whole(plain))


def whole(value: Any) -> Any:
    """Return a value with its whole numbers as such: a Struct keeps every number as a fraction."""
    if isinstance(value, Mapping):
        return {key: whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the values within a value by their whole names; fields that say nothing are left out."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}")
    elif value not in _DEFAULTS or any(part in name for part in _OF_THE_AUTHOR):
        yield name, value


def written(value: Any) -> str | None:
    """Return a value as it is shown; None where there is none."""
    return None if value is _ABSENT else json.dumps(value, ensure_ascii=False, sort_keys=True)
