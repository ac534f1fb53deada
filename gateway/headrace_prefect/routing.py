"""Which handler answers which path.

A template is a path below `/api` whose segments are words or variables: `{id:uuid}` takes ids only, `{name}` any
segment, `{rest:path}` all that follows. A slash at the end makes no difference, and words go before variables.
"""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

Target = TypeVar("Target")

_VARIABLE = re.compile(r"\{([a-z_]+)(?::(uuid|path))?\}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


@dataclasses.dataclass(frozen=True, slots=True)
class Found(Generic[Target]):
    """What stands at a path."""

    by_method: dict[str, Target]
    """By HTTP method; `WEBSOCKET` for sockets."""
    values: dict[str, str]
    """Decoded values of the variables by name; ids in lower case with hyphens."""


class _Node(Generic[Target]):
    __slots__ = ("any", "ends", "id", "rest", "words")

    def __init__(self) -> None:
        self.words: dict[str, _Node[Target]] = {}
        self.id: _Node[Target] | None = None
        self.any: _Node[Target] | None = None
        self.rest: _Node[Target] | None = None
        self.ends: dict[str, tuple[Target, tuple[str, ...]]] = {}


class Router(Generic[Target]):
    """A tree of routes.

    Args:
        routes: Method, template and target of each.
    """

    def __init__(self, routes: Iterable[tuple[str, str, Target]]) -> None:
        self._root: _Node[Target] = _Node()
        for method, template, target in routes:
            self._add(method, template, target)

    def _add(self, method: str, template: str, target: Target) -> None:
        node = self._root
        names: list[str] = []
        for part in template.strip("/").split("/"):
            variable = _VARIABLE.fullmatch(part)
            if variable is None:
                node = node.words.setdefault(part, _Node())
                continue
            names.append(variable[1])
            kind = {"uuid": "id", "path": "rest"}.get(variable[2], "any")
            following: _Node[Target] | None = getattr(node, kind)
            if following is None:
                following = _Node()
                setattr(node, kind, following)
            node = following
        if method in node.ends:
            raise ValueError(f"there are two routes for {method} {template}")
        node.ends[method] = (target, tuple(names))

    def find(self, path: str) -> Found[Target] | None:
        """Return what stands at a path as it came (percent-encoded) below the prefix, None if nothing does."""
        stripped = path.strip("/")
        found = self._walk(self._root, stripped.split("/"), 0, [])
        if found is None:
            return None
        ends, values = found
        by_method = {method: target for method, (target, _) in ends.items()}
        names = next(iter(ends.values()))[1]
        return Found(by_method, dict(zip(names, values, strict=True)))

    def _walk(
        self, node: _Node[Target], segments: Sequence[str], index: int, values: list[str]
    ) -> tuple[dict[str, tuple[Target, tuple[str, ...]]], list[str]] | None:
        if index == len(segments):
            return (node.ends, values) if node.ends else None
        segment = urllib.parse.unquote(segments[index])
        word = node.words.get(segment)
        if word is not None and (found := self._walk(word, segments, index + 1, values)):
            return found
        if node.id is not None and is_id(segment):
            found = self._walk(node.id, segments, index + 1, [*values, canonical(segment)])
            if found:
                return found
        if (
            node.any is not None
            and segment
            and (found := self._walk(node.any, segments, index + 1, [*values, segment]))
        ):
            return found
        if node.rest is not None and segment:
            return node.rest.ends, [*values, urllib.parse.unquote("/".join(segments[index:]))]
        return None


def is_id(text: str) -> bool:
    """Return whether a text is a UUID."""
    return _UUID.fullmatch(text) is not None


def canonical(text: str) -> str:
    """Return an id in lower case with hyphens."""
    digits = text.replace("-", "").lower()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
