"""What docstrings say about parameters, in the styles of Google, NumPy and Sphinx."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

_GOOGLE_HEADS = frozenset({"args:", "arguments:", "parameters:", "params:", "keyword args:", "keyword arguments:"})
_GOOGLE_ITEM = re.compile(r"(?P<names>\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?:\([^)]*\))?\s*:\s*(?P<text>.*)")
_NUMPY_ITEM = re.compile(r"(?P<names>\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")
_SPHINX_ITEM = re.compile(r":param(?:eter)?\s+(?:[^:]*\s)?\*{0,2}(?P<name>\w+)\s*:\s*(?P<text>.*)")


def descriptions_of(function: Callable[..., Any]) -> dict[str, str]:
    """Return what a function's docstring says about its parameters, by their names."""
    doc = getattr(function, "__doc__", None)
    if not doc:
        return {}
    lines = inspect.cleandoc(doc).splitlines()
    found: dict[str, list[str]] = {}
    for position, line in enumerate(lines):
        if line.strip().lower() in _GOOGLE_HEADS:
            _google(lines[position + 1 :], _indent(line), found)
        elif line.strip() in ("Parameters", "Other Parameters") and _is_rule(lines, position + 1):
            _numpy(lines[position + 2 :], _indent(line), found)
        elif (item := _SPHINX_ITEM.match(line.strip())) is not None:
            _add(found, item["name"], item["text"], _continuation(lines[position + 1 :], _indent(line)))
    return {name: " ".join(" ".join(parts).split()) for name, parts in found.items() if any(map(str.strip, parts))}


def _google(lines: list[str], outer: int, found: dict[str, list[str]]) -> None:
    inner: int | None = None
    for position, line in enumerate(lines):
        if not line.strip():
            continue
        indent = _indent(line)
        if indent <= outer:
            return
        inner = indent if inner is None else inner
        item = _GOOGLE_ITEM.match(line.strip()) if indent == inner else None
        if item is not None:
            for name in item["names"].split(","):
                _add(found, name, item["text"], _continuation(lines[position + 1 :], indent))


def _numpy(lines: list[str], outer: int, found: dict[str, list[str]]) -> None:
    for position, line in enumerate(lines):
        if not line.strip():
            continue
        if _indent(line) < outer or _is_rule(lines, position + 1):
            return
        item = _NUMPY_ITEM.match(line.strip()) if _indent(line) == outer else None
        if item is not None:
            for name in item["names"].split(","):
                _add(found, name, "", _continuation(lines[position + 1 :], outer))


def _add(found: dict[str, list[str]], name: str, text: str, more: list[str]) -> None:
    found.setdefault(name.strip().lstrip("*"), [text, *more])


def _continuation(lines: list[str], indent: int) -> list[str]:
    taken: list[str] = []
    for line in lines:
        if line.strip() and _indent(line) <= indent:
            break
        taken.append(line.strip())
    return taken


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_rule(lines: list[str], position: int) -> bool:
    return position < len(lines) and len(lines[position].strip()) >= 3 and set(lines[position].strip()) == {"-"}
