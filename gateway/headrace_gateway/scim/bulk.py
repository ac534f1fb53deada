"""Several operations in one request (RFC 7644, 3.7), carried out in their order."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from headrace_gateway.scim.filters import wrong
from headrace_gateway.scim.resources import MESSAGES, PREFIX

MOST_OPERATIONS = 200
_REFERENCE = "bulkId:"
_VERBS = ("POST", "PUT", "PATCH", "DELETE")


@dataclasses.dataclass(frozen=True, slots=True)
class Operation:
    """One of several operations."""

    verb: str
    path: str
    """Below `/scim/v2`."""
    data: Mapping[str, Any]
    version: str
    """The one that the resource must have; empty is any."""


async def carry_out(body: Mapping[str, Any], do: Callable[[Operation], Awaitable[tuple[int, Any]]]) -> dict[str, Any]:
    """Return what became of operations.

    Args:
        body: The request's; `Operations` holds the operations.
        do: Carries one out; returns its status, and the resource or error.

    Raises:
        errors.InvalidArgument: It is no list of operations.
    """
    operations = body.get("Operations")
    if not isinstance(operations, list) or not 1 <= len(operations) <= MOST_OPERATIONS:
        raise wrong(f"Operations has to be a list of 1 to {MOST_OPERATIONS} operations")
    most_failures = body.get("failOnErrors") or len(operations)
    if not isinstance(most_failures, int) or most_failures < 1:
        raise wrong("failOnErrors has to be a number above 0")
    made: dict[str, str] = {}
    results: list[dict[str, Any]] = []
    failures = 0
    for given in operations:
        if failures >= most_failures:
            break
        operation = _read(given, made)
        status, answer = await do(operation)
        result: dict[str, Any] = {"method": operation.verb, "status": str(status)}
        bulk_id = given.get("bulkId")
        if isinstance(bulk_id, str) and bulk_id:
            result["bulkId"] = bulk_id
        if status >= 300:
            failures += 1
            result["response"] = answer
        elif answer is not None:
            result["location"], result["version"] = answer["meta"]["location"], answer["meta"]["version"]
            if isinstance(bulk_id, str) and bulk_id:
                made[bulk_id] = answer["id"]
        if "location" not in result and operation.verb != "POST":
            result["location"] = PREFIX + operation.path.strip("/")
        results.append(result)
    return {"schemas": [f"{MESSAGES}BulkResponse"], "Operations": results}


def _read(given: Any, made: Mapping[str, str]) -> Operation:
    if not isinstance(given, Mapping):
        raise wrong("an operation has to be an object")
    verb, path, data = str(given.get("method", "")).upper(), given.get("path"), given.get("data") or {}
    if verb not in _VERBS or not isinstance(path, str) or not isinstance(data, Mapping):
        raise wrong(f"an operation has a method ({', '.join(_VERBS)}), a path, and data that is an object")
    path = "/".join(str(_resolved(part, made)) for part in path.split("/"))
    return Operation(verb, path, _resolved(data, made), str(given.get("version") or ""))


def _resolved(value: Any, made: Mapping[str, str]) -> Any:
    """Return a value with the ids of what was made in place of references to it."""
    if isinstance(value, str) and value.startswith(_REFERENCE):
        # What failed, or comes later, stays what it is: the operation that needs it is refused.
        return made.get(value.removeprefix(_REFERENCE), value)
    if isinstance(value, Mapping):
        return {key: _resolved(each, made) for key, each in value.items()}
    if isinstance(value, list):
        return [_resolved(each, made) for each in value]
    return value
