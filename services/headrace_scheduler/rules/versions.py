"""Versions of deployments: when content is the same, and what differs where it is not."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from headrace_scheduler.rules.deployment import Content, document

_ABSENT = object()


class Difference(enum.StrEnum):
    """How a part of the content differs."""

    ADDED = "ADDED"
    REMOVED = "REMOVED"
    CHANGED = "CHANGED"


@dataclasses.dataclass(frozen=True, slots=True)
class VersionChange:
    """One difference between two contents."""

    path: str
    """`parameters.day`, `pull_steps[0].inputs.branch`."""
    kind: Difference
    before: Any = None
    after: Any = None


def digest(content: Content) -> str:
    """Return a digest of content, in hexadecimal digits. The same content always has the same.

    The order of tags does not count, nor do fields at their defaults, so that fields which later releases add
    change no digest.
    """
    text = json.dumps(_plain(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def differs(first: Content, second: Content) -> bool:
    """Return whether two contents are different versions."""
    return _plain(first) != _plain(second)


def compare(before: Content, after: Content) -> tuple[VersionChange, ...]:
    """Return what differs between two contents, in the order of the paths."""
    return tuple(_compare("", _plain(before), _plain(after)))


def _compare(path: str, before: Any, after: Any) -> Iterator[VersionChange]:
    if before is _ABSENT:
        yield VersionChange(path, Difference.ADDED, after=after)
    elif after is _ABSENT:
        yield VersionChange(path, Difference.REMOVED, before=before)
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            inner = f"{path}.{key}" if path else key
            yield from _compare(inner, before.get(key, _ABSENT), after.get(key, _ABSENT))
    elif _has_parts(before) and _has_parts(after):
        for place in range(max(len(before), len(after))):
            earlier = before[place] if place < len(before) else _ABSENT
            later = after[place] if place < len(after) else _ABSENT
            yield from _compare(f"{path}[{place}]", earlier, later)
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield VersionChange(path, Difference.CHANGED, before, after)


def _has_parts(value: Any) -> bool:
    """Return whether a list is compared part by part: pull steps and the like are, lists of words are not."""
    return isinstance(value, list) and any(isinstance(part, Mapping) for part in value)


def _plain(content: Content) -> dict[str, Any]:
    # As it is stored: lists and tuples, sorted and unsorted tags, 1 and 1.0 are the same.
    empty = _normal(document(Content()))
    plain = {**_normal(document(content)), "tags": sorted(content.tags)}
    return {name: value for name, value in plain.items() if value != empty[name]}


def _normal(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _normal(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_normal(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
