"""Finds the method that an HTTP request is for, by the path templates of the contract.

Templates are those of `google.api.http`: literals, variables of one segment (`{flow_run.flow_run_id}`) and a
verb behind a colon at the end (`:cancel`). They are put into a tree once, so that a request costs a look-up
for each segment of its path, however many routes there are.
"""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

Target = TypeVar("Target")

_VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)(?:=\*)?\}")
_LITERAL = re.compile(r"[A-Za-z0-9._~-]+")
_TEMPLATE = re.compile(r"(/[^:]*?)(?::([A-Za-z0-9]+))?")

WORKSPACES = ("v1", "workspaces")
"""Segments before the id of the workspace that a request is about."""


@dataclasses.dataclass(frozen=True, slots=True)
class Template:
    """A path template in parts."""

    segments: tuple[str | None, ...]
    """Literals, and None for a variable."""
    variables: tuple[str, ...]
    """Field paths in the order of their segments."""
    verb: str
    """Behind the colon, or empty."""


def parse_template(text: str) -> Template:
    """Return a path template in parts.

    Raises:
        ValueError: It uses a form that routes do not have.
    """
    match = _TEMPLATE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a path template")
    segments: list[str | None] = []
    variables: list[str] = []
    for part in match[1][1:].split("/"):
        variable = _VARIABLE.fullmatch(part)
        if variable is not None:
            variables.append(variable[1])
            segments.append(None)
        elif _LITERAL.fullmatch(part):
            segments.append(part)
        else:
            raise ValueError(f"{part!r} in {text!r} is not supported in a path template")
    return Template(tuple(segments), tuple(variables), match[2] or "")


@dataclasses.dataclass(frozen=True, slots=True)
class Found(Generic[Target]):
    """A route that fits the path."""

    by_method: dict[str, Target]
    """By HTTP method."""
    values: tuple[str, ...]
    """Decoded values of the variables, in the order of their segments."""
    workspace: str | None
    """The workspace that the path names in front, if any."""


class _Node(Generic[Target]):
    __slots__ = ("ends", "literals", "variable")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[Target]] = {}
        self.variable: _Node[Target] | None = None
        self.ends: dict[str, dict[str, Target]] = {}
        """What ends here, by verb behind the colon and HTTP method."""


class Routes(Generic[Target]):
    """A tree of routes."""

    def __init__(self) -> None:
        self._root: _Node[Target] = _Node()

    def add(self, method: str, template: Template, target: Target) -> None:
        """Add a route.

        Raises:
            ValueError: There is one for the same method and path.
        """
        node = self._root
        for segment in template.segments:
            if segment is None:
                if node.variable is None:
                    node.variable = _Node()
                node = node.variable
            else:
                node = node.literals.setdefault(segment, _Node())
        by_method = node.ends.setdefault(template.verb, {})
        if method in by_method:
            raise ValueError(f"two routes for {method} {template}")
        by_method[method] = target

    def find(self, path: str) -> Found[Target] | None:
        """Return the route that fits a path as it came (percent-encoded), None if none does.

        Any path may stand behind `/v1/workspaces/{workspace}`; a route that is spelled so goes first.

        Raises:
            ValueError: The path is not encoded as UTF-8.
        """
        segments = path[1:].split("/")
        found = self._match(segments)
        if found is not None:
            return Found(found[0], found[1], None)
        if len(segments) > 3 and tuple(segments[:2]) == WORKSPACES and segments[2]:
            found = self._match(["v1", *segments[3:]])
            if found is not None:
                return Found(found[0], found[1], _decode(segments[2]))
        return None

    def _match(self, segments: Sequence[str]) -> tuple[dict[str, Target], tuple[str, ...]] | None:
        last = segments[-1]
        head, colon, verb = last.rpartition(":")
        # A colon may be part of a value (`tag:nightly`): it ends the value only where a route has that verb.
        if colon:
            ends = self._walk(self._root, (*segments[:-1], head), 0, verb, [])
            if ends is not None:
                return ends
        return self._walk(self._root, segments, 0, "", [])

    def _walk(
        self, node: _Node[Target], segments: Sequence[str], index: int, verb: str, values: list[str]
    ) -> tuple[dict[str, Target], tuple[str, ...]] | None:
        if index == len(segments):
            ends = node.ends.get(verb)
            return None if ends is None else (ends, tuple(values))
        segment = segments[index]
        literal = node.literals.get(segment)
        if literal is not None:
            found = self._walk(literal, segments, index + 1, verb, values)
            if found is not None:
                return found
        if node.variable is not None and segment:
            return self._walk(node.variable, segments, index + 1, verb, [*values, _decode(segment)])
        return None


def _decode(segment: str) -> str:
    return urllib.parse.unquote(segment, errors="strict") if "%" in segment else segment


Setter = Callable[[Any, str], None]
"""Sets the field that a variable or query parameter names."""
