"""Filters of SCIM (RFC 7644, 3.4.2.2), read into functions that say whether a resource fits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from headrace import errors

Fits = Callable[[Mapping[str, Any]], bool]

LONGEST = 4000
DEEPEST = 20
OPERATORS = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le")

_TOKEN = re.compile(r'\s*(?:(?P<mark>[()\[\]])|(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>[^\s()\[\]"]+))')
_PATH = re.compile(r"[A-Za-z$][\w$:.-]*")
_SCHEMA = re.compile(r"urn:ietf:params:scim:schemas:(?:core|extension):[\w.:]*?:(?=[A-Za-z]\w*(?:\.\w+)?$)")


def read_filter(text: str) -> Fits:
    """Return what a filter asks of a resource.

    Raises:
        errors.InvalidArgument: It is none; the reason is `SCIM_FILTER`.
    """
    if len(text) > LONGEST:
        raise wrong(f"the filter has more than {LONGEST} characters")
    reader = _Reader(text)
    fits = reader.either(0)
    if reader.peek():
        raise wrong(f"there is more behind the filter: {reader.peek()[:50]!r}")
    return fits


def equals(text: str, attribute: str) -> str | None:
    """Return the value where a filter asks for nothing but that an attribute equals a text; None otherwise."""
    found = re.fullmatch(rf'\s*{re.escape(attribute)}\s+eq\s+("(?:[^"\\]|\\.)*")\s*', text, flags=re.IGNORECASE)
    return _value(found[1]) if found is not None else None


def values_at(resource: Mapping[str, Any], path: str) -> Iterator[Any]:
    """Yield the values of an attribute, whatever the case of its name, one by one where there are several."""
    name, _, rest = short(path).partition(".")
    for key, value in resource.items():
        if key.lower() != name.lower():
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Mapping):
                yield from values_at(each, rest or "value")
            elif not rest:
                yield each


def short(path: str) -> str:
    """Return the path of an attribute without the name of its schema."""
    return _SCHEMA.sub("", path)


def wrong(why: str) -> errors.InvalidArgument:
    """Return the error of filters and paths that are none."""
    return errors.InvalidArgument(why, reason="SCIM_FILTER")


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self._at += 1
        return token

    def either(self, depth: int) -> Fits:
        if depth > DEEPEST:
            raise wrong("there are too many filters in filters")
        parts = [self._both(depth)]
        while self.peek().lower() == "or":
            self.take()
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else lambda resource: any(part(resource) for part in parts)

    def _both(self, depth: int) -> Fits:
        parts = [self._one(depth)]
        while self.peek().lower() == "and":
            self.take()
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else lambda resource: all(part(resource) for part in parts)

    def _one(self, depth: int) -> Fits:
        if self.peek().lower() == "not":
            self.take()
            if self.peek() != "(":
                raise wrong("behind not there has to be a (")
            inner = self._one(depth + 1)
            return lambda resource: not inner(resource)
        if self.peek() == "(":
            self.take()
            inner = self.either(depth + 1)
            self._expect(")")
            return inner
        path = self.take()
        if not _PATH.fullmatch(path):
            raise wrong(f"{path[:50]!r} is no attribute")
        if self.peek() == "[":
            self.take()
            inner = self.either(depth + 1)
            self._expect("]")
            if self.peek().startswith("."):
                return self._below(path, inner, self.take()[1:])
            return lambda resource: any(inner(each) for each in _parts(resource, path))
        return self._comparison(path)

    def _below(self, path: str, inner: Fits, rest: str) -> Fits:
        compare = self._comparison(rest)
        return lambda resource: any(inner(each) and compare(each) for each in _parts(resource, path))

    def _comparison(self, path: str) -> Fits:
        operator = self.take().lower()
        if operator == "pr":
            return lambda resource: any(value not in (None, "") for value in values_at(resource, path))
        if operator not in OPERATORS:
            raise wrong(f"{operator[:50]!r} is no operator; there are {', '.join(OPERATORS)} and pr")
        wanted = _value(self.take())
        if operator == "ne":
            return lambda resource: not any(_compare("eq", value, wanted) for value in values_at(resource, path))
        return lambda resource: any(_compare(operator, value, wanted) for value in values_at(resource, path))

    def _expect(self, mark: str) -> None:
        if self.take() != mark:
            raise wrong(f"a {mark} is missing")


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise wrong(f"{text[at:].strip()[:50]!r} cannot be read")
        yield found[0].strip()
        at = found.end()


def _parts(resource: Mapping[str, Any], path: str) -> Iterator[Mapping[str, Any]]:
    for key, value in resource.items():
        if key.lower() == short(path).lower():
            yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, Mapping))


def _value(token: str) -> Any:
    try:
        return json.loads(token.lower() if token.lower() in ("true", "false", "null") else token)
    except ValueError:
        raise wrong(f"{token[:50]!r} is no value") from None


def _compare(operator: str, value: Any, wanted: Any) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        value, wanted = value.lower(), wanted.lower()
    match operator:
        case "eq":
            return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)
        case "co" | "sw" | "ew":
            if not (isinstance(value, str) and isinstance(wanted, str)):
                return False
            tests = {"co": wanted in value, "sw": value.startswith(wanted), "ew": value.endswith(wanted)}
            return tests[operator]
        case _:
            try:
                orders = {"gt": value > wanted, "ge": value >= wanted, "lt": value < wanted, "le": value <= wanted}
            except TypeError:
                return False
            return bool(orders[operator])
