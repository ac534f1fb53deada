"""Changes of a resource by operations (PATCH, RFC 7644, 3.5.2)."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from headrace_gateway.scim.filters import Fits, read_filter, short, wrong

MOST_OPERATIONS = 1000

_PATH = re.compile(r"(?P<name>[\w$:.-]+?)(?:\[(?P<filter>.*)\])?(?:\.(?P<sub>[\w$-]+))?")


def patched(resource: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource as operations leave it.

    Args:
        resource: As it is.
        body: The request's; `Operations` holds the operations, in order.

    Raises:
        errors.InvalidArgument: They cannot be carried out.
    """
    operations = _get(body, "Operations")
    if not isinstance(operations, list) or not operations or len(operations) > MOST_OPERATIONS:
        raise wrong(f"Operations has to be a list of 1 to {MOST_OPERATIONS} operations")
    changed = copy.deepcopy(dict(resource))
    for operation in operations:
        if not isinstance(operation, Mapping):
            raise wrong("an operation has to be an object")
        verb = str(_get(operation, "op") or "").lower()
        path, value = _get(operation, "path"), _get(operation, "value")
        if verb not in ("add", "replace", "remove"):
            raise wrong("op is add, replace or remove")
        if path:
            _apply(changed, verb, str(path), value)
        elif verb == "remove" or not isinstance(value, Mapping):
            raise wrong("without a path the value has to be an object, and nothing can be removed")
        else:
            for name, each in value.items():
                _apply(changed, verb, name, each)
    return changed


def _apply(target: dict[str, Any], verb: str, path: str, value: Any) -> None:
    found = _PATH.fullmatch(short(path))
    if found is None:
        raise wrong(f"{path[:100]!r} is no path")
    name, _, below = found["name"].partition(".")
    below = below or found["sub"] or ""
    key = _key(target, name)
    if found["filter"] is not None:
        _apply_to_some(target, key, verb, read_filter(found["filter"]), below, value)
    elif below:
        inner = target.setdefault(key, {})
        if isinstance(inner, list):
            _apply_to_some(target, key, verb, lambda _: True, below, value)
        elif isinstance(inner, dict):
            _set(inner, verb, below, value)
    else:
        _set(target, verb, name, value)


def _apply_to_some(target: dict[str, Any], key: str, verb: str, fits: Fits, below: str, value: Any) -> None:
    items = target.setdefault(key, [])
    if not isinstance(items, list):
        raise wrong(f"{key} has not several values")
    chosen = [item for item in items if isinstance(item, dict) and fits(item)]
    if not below:
        target[key] = [item for item in items if item not in chosen]
        if verb != "remove":
            target[key] += value if isinstance(value, list) else [value]
        return
    if not chosen and verb != "remove":
        # Such as the address of work, where there was none: as many directories mean it.
        chosen = [{}]
        items += chosen
    for item in chosen:
        _set(item, verb, below, value)


def _set(target: dict[str, Any], verb: str, name: str, value: Any) -> None:
    key = _key(target, name)
    old = target.get(key)
    if verb == "remove":
        if isinstance(old, list) and isinstance(value, list) and value:
            gone = {str(_get(each, "value")) for each in value if isinstance(each, Mapping)}
            target[key] = [
                each for each in old if not isinstance(each, Mapping) or str(_get(each, "value")) not in gone
            ]
        else:
            target.pop(key, None)
    elif verb == "add" and isinstance(old, list):
        target[key] = old + [each for each in (value if isinstance(value, list) else [value]) if each not in old]
    elif isinstance(old, dict) and isinstance(value, Mapping):
        target[key] = {**old, **value}
    else:
        target[key] = value


def _key(target: Mapping[str, Any], name: str) -> str:
    return next((key for key in target if key.lower() == name.lower()), name)


def _get(target: Mapping[str, Any], name: str) -> Any:
    return target.get(_key(target, name))
