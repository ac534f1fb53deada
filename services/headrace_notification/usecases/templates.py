"""Templates of users, rendered so that they can do no harm.

Jinja2's language, cut down: values, filters, conditions and loops over plain data. There is nothing to call, no
attribute of any object to reach, and every step is bounded, in size and in time.
"""

from __future__ import annotations

import contextvars
import dataclasses
import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jinja2
import orjson
from jinja2 import filters, meta, nodes, sandbox, tests
from jinja2.runtime import LoopContext, Undefined
from jinja2.visitor import NodeTransformer

LONGEST_TEMPLATE = 16 * 1024
LONGEST_TEXT = 256 * 1024
"""Characters of a result, and of any value on the way to it."""

MOST_NODES = 3000
MOST_LOOPS = 10
DEEPEST_LOOP = 2
MOST_ITERATIONS = 10_000
SECONDS = 0.1
"""Time for rendering."""

LONGEST_RANGE = 100
LARGEST_NUMBER = 10**18

VARIABLES = frozenset(
    {
        "automation",
        "concurrency_limit",
        "deployment",
        "event",
        "events",
        "firing",
        "firings",
        "flow",
        "flow_run",
        "labels",
        "task_run",
        "variables",
        "work_pool",
        "work_queue",
    }
)
"""What templates of actions may name."""

_FUNCTIONS = frozenset({"range"})


class TemplateRefused(Exception):
    """A template does what templates may not, or more of it than they may; the message says what."""


_ALLOWED_NODES = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.Filter,
    nodes.Test,
    nodes.If,
    nodes.For,
    nodes.Assign,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.Concat,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.Neg,
    nodes.Pos,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.Call,
)
_LOOP_ATTRIBUTES = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0"})


@dataclasses.dataclass(slots=True)
class _Limits:
    until: float
    iterations: int = 0

    def check_time(self) -> None:
        if time.monotonic() > self.until:
            raise TemplateRefused(f"rendering takes longer than {SECONDS:g} s")

    def spend(self, iterations: int) -> None:
        self.iterations += iterations
        if self.iterations > MOST_ITERATIONS:
            raise TemplateRefused(f"loops go round more than {MOST_ITERATIONS} times")
        self.check_time()


_limits: contextvars.ContextVar[_Limits] = contextvars.ContextVar("headrace_template_limits")


def check_template(text: str, known: frozenset[str] = VARIABLES) -> None:
    """Return if `text` is a template that may be rendered.

    Args:
        text: The template.
        known: What it may name.

    Raises:
        TemplateRefused: It is none, or does what templates may not.
    """
    _named(text, known)


def variables_of(text: str) -> frozenset[str]:
    """Return the variables that a template names.

    Raises:
        TemplateRefused: It is no template that may be rendered.
    """
    return _compiled(text).variables


def names_within(text: str, variable: str) -> frozenset[str]:
    """Return what a template names of a variable: `a` and `b` where it says `variable.a` and `variable['b']`.

    Raises:
        TemplateRefused: It is no template that may be rendered.
    """
    return frozenset(name for owner, name in _compiled(text).members if owner == variable)


def _named(text: str, known: frozenset[str]) -> _Compiled:
    compiled = _compiled(text)
    if unknown := sorted(compiled.variables - known - _FUNCTIONS):
        raise TemplateRefused(f"there is no variable {unknown[0]!r}; there are {', '.join(sorted(known))}")
    return compiled


def render(text: str, variables: Mapping[str, Any], known: frozenset[str] = VARIABLES) -> str:
    """Return what a template makes of plain data. What is not there renders as nothing.

    Raises:
        TemplateRefused: It does what templates may not, or takes too long or becomes too large.
    """
    compiled = _named(text, known)
    limits = _Limits(time.monotonic() + SECONDS)
    token = _limits.set(limits)
    try:
        parts: list[str] = []
        size = 0
        for part in compiled.template.generate(variables):
            limits.check_time()
            size += len(part)
            if size > LONGEST_TEXT:
                raise TemplateRefused(f"the result is longer than {LONGEST_TEXT} characters")
            parts.append(part)
        return "".join(parts)
    except TemplateRefused:
        raise
    except Exception as error:
        # Whatever a template's own mistakes raise in filters and operators.
        raise TemplateRefused(f"{type(error).__name__}: {error}") from error
    finally:
        _limits.reset(token)


@dataclasses.dataclass(frozen=True, slots=True)
class _Compiled:
    template: jinja2.Template
    variables: frozenset[str]
    members: frozenset[tuple[str, str]]
    """Names of variables, and of what stands in them."""


@functools.lru_cache(maxsize=256)
def _compiled(text: str) -> _Compiled:
    if len(text) > LONGEST_TEMPLATE:
        raise TemplateRefused(f"a template has at most {LONGEST_TEMPLATE} characters")
    token = _limits.set(_Limits(time.monotonic() + SECONDS))
    try:
        tree = _environment.parse(text)
        _check(tree)
        named = frozenset(meta.find_undeclared_variables(tree))
        members = frozenset(_members(tree))
        bounded = _Bounded().visit(tree)
        template = jinja2.Template.from_code(
            _environment, _environment.compile(bounded), dict(_environment.globals), None
        )
        return _Compiled(template, named, members)
    except TemplateRefused:
        raise
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None)
        raise TemplateRefused(f"{error.message or error}" + (f" (line {line})" if line else "")) from error
    except (RecursionError, SyntaxError, MemoryError, ValueError, TypeError, OverflowError) as error:
        raise TemplateRefused(f"the template cannot be understood: {type(error).__name__}") from error
    finally:
        _limits.reset(token)


def _check(tree: nodes.Template) -> None:
    count = loops = 0
    # Not recursive: how deep the template is nested must not matter.
    stack: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        count += 1
        if count > MOST_NODES:
            raise TemplateRefused("the template has too many parts")
        if not isinstance(node, _ALLOWED_NODES):
            raise TemplateRefused(f"{_word(node)} is not allowed in templates")
        if isinstance(node, nodes.Name) and node.name.startswith("_"):
            raise TemplateRefused("names do not begin with an underscore")
        if _reaches_inside(node):
            raise TemplateRefused("names of data do not begin with two underscores")
        if isinstance(node, nodes.Call) and not (
            isinstance(node.node, nodes.Name) and node.node.name == "range" and node.dyn_args is None
        ):
            raise TemplateRefused("calling anything but range() is not allowed in templates")
        if isinstance(node, nodes.For):
            loops += 1
            depth += 1
            if node.recursive or loops > MOST_LOOPS or depth > DEEPEST_LOOP:
                raise TemplateRefused(
                    f"a template has at most {MOST_LOOPS} loops, at most {DEEPEST_LOOP} of them in one another"
                )
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            raise TemplateRefused(f"there is no filter {node.name!r}; there are {', '.join(sorted(_FILTERS))}")
        if isinstance(node, nodes.Test) and node.name not in _TESTS:
            raise TemplateRefused(f"there is no test {node.name!r}; there are {', '.join(sorted(_TESTS))}")
        stack.extend((child, depth) for child in node.iter_child_nodes())


def _reaches_inside(node: nodes.Node) -> bool:
    # There is nothing to be had by them; who writes them has something else in mind than a message.
    match node:
        case nodes.Getattr(attr=name):
            return name.startswith("__")
        case nodes.Getitem(arg=nodes.Const(value=str(name))):
            return name.startswith("__")
    return False


def _members(tree: nodes.Template) -> Iterator[tuple[str, str]]:
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        match node:
            case nodes.Getattr(node=nodes.Name(name=owner), attr=name):
                yield owner, name
            case nodes.Getitem(node=nodes.Name(name=owner), arg=nodes.Const(value=str(name))):
                yield owner, name


def _word(node: nodes.Node) -> str:
    return {nodes.Pow: "the operator **", nodes.AssignBlock: "a {% set %} block"}.get(type(node), type(node).__name__)


class _Bounded(NodeTransformer):
    """Puts the bounds into what has none of its own: joining texts, and going round in loops."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        parts = nodes.List([self.visit(part) for part in node.nodes], lineno=node.lineno)
        return nodes.Filter(parts, "_concat", [], [], None, None, lineno=node.lineno)

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_each", [], [], None, None, lineno=node.lineno)
        return node


def _sized(value: Any) -> Any:
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise TemplateRefused(f"a text is longer than {LONGEST_TEXT} characters")
    elif isinstance(value, Iterator):
        # Some filters are lazy; what they would do is done here, within the bounds.
        return _each(value)
    return value


def _each(value: Any) -> list[Any]:
    if isinstance(value, Undefined) or value is None:
        return []
    if not isinstance(value, Iterable):
        raise TemplateRefused(f"a loop needs a list, not {type(value).__name__}")
    limits = _limits.get()
    items: list[Any] = []
    for item in value:
        limits.spend(1)
        items.append(item)
    return items


def _concat(parts: Iterable[Any], separator: str = "") -> str:
    texts = [str(part) for part in parts]
    if sum(map(len, texts)) + len(separator) * len(texts) > LONGEST_TEXT:
        raise TemplateRefused(f"a text is longer than {LONGEST_TEXT} characters")
    return separator.join(texts)


def _join(value: Any, separator: Any = "") -> str:
    return _concat(_each(value), str(separator))


def _replace(value: Any, old: Any, new: Any) -> str:
    text, old, new = str(value), str(old), str(new)
    if len(text) + text.count(old) * len(new) > LONGEST_TEXT:
        raise TemplateRefused(f"a text is longer than {LONGEST_TEXT} characters")
    return text.replace(old, new)


def _round(value: Any, digits: int = 0) -> float:
    return round(float(value), max(-12, min(int(digits), 12)))


def _to_json(value: Any) -> str:
    return orjson.dumps(None if isinstance(value, Undefined) else value).decode()


def _page(member: str) -> Callable[[Any], str]:
    def page(value: Any) -> str:
        return str(value.get(member, "")) if isinstance(value, Mapping) else ""

    return page


def _flow_run_id(event: Any) -> str:
    resources = (event.get("resource"), *event.get("related", ())) if isinstance(event, Mapping) else ()
    prefix = "headrace.flow-run."
    ids = (str(resource.get("id", "")) for resource in resources if isinstance(resource, Mapping))
    return next((found.removeprefix(prefix) for found in ids if found.startswith(prefix)), "")


def _humanized(value: Any) -> str:
    """Return seconds as people say them: the two largest units that there are."""
    left = float(value)
    if not 0 <= left <= LARGEST_NUMBER:
        raise TemplateRefused("a span of time has 0 seconds or more")
    if left < 1:
        return f"{left:.3g} seconds"
    parts: list[str] = []
    rest = round(left)
    for unit, seconds in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, rest = divmod(rest, seconds)
        if count:
            parts.append(f"{count} {unit}{'s' if count > 1 else ''}")
    return " ".join(parts[:2])


def _range(*bounds: int) -> list[int]:
    numbers = range(*bounds)
    if len(numbers) > LONGEST_RANGE:
        raise TemplateRefused(f"a range has at most {LONGEST_RANGE} numbers")
    return list(numbers)


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    # `wraps` takes along by which jinja2 knows what a filter wants to be given first.
    @functools.wraps(function)
    def guarded(*arguments: Any, **named: Any) -> Any:
        _limits.get().check_time()
        return _sized(function(*arguments, **named))

    return guarded


_BUILT_IN_FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int", "items", "last", "length"),
    *("list", "lower", "max", "min", "reverse", "sort", "string", "title", "trim", "truncate", "unique", "upper"),
    "urlencode",
)
_FILTERS: dict[str, Callable[..., Any]] = {
    **{name: _guarded(filters.FILTERS[name]) for name in _BUILT_IN_FILTERS},
    "join": _guarded(_join),
    "replace": _guarded(_replace),
    "round": _guarded(_round),
    "tojson": _guarded(_to_json),
    "ui_url": _guarded(_page("url")),
    "ui_resource_events_url": _guarded(_page("events_url")),
    "flow_run_id": _guarded(_flow_run_id),
    "humanize_timedelta": _guarded(_humanized),
}
_BUILT_IN_TESTS = (
    *(
        "boolean",
        "defined",
        "undefined",
        "none",
        "number",
        "string",
        "mapping",
        "sequence",
        "iterable",
        "true",
        "false",
    ),
    *("odd", "even", "in", "eq", "equalto", "ne", "gt", "ge", "lt", "le", "==", "!=", ">", ">=", "<", "<="),
)
_TESTS = {name: tests.TESTS[name] for name in _BUILT_IN_TESTS}


def _shown(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str | int | float | list | tuple | Mapping | Undefined):
        return value
    raise TemplateRefused(f"a {type(value).__name__} cannot be shown")


class _Environment(sandbox.ImmutableSandboxedEnvironment):
    """Reaches items of plain data, and nothing of objects."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return an item of a mapping, or what a loop tells about itself."""
        if isinstance(obj, LoopContext):
            if attribute in _LOOP_ATTRIBUTES:
                return getattr(obj, attribute)
            return self.undefined(obj=obj, name=attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return an item of a mapping, a list or a text."""
        if isinstance(obj, Undefined):
            return obj
        if isinstance(obj, Mapping):
            return obj[argument] if argument in obj else self.undefined(obj=obj, name=argument)
        if isinstance(obj, str | list | tuple) and isinstance(argument, int | slice):
            try:
                return obj[argument]
            except (IndexError, ValueError, TypeError):
                return self.undefined(obj=obj, name=str(argument))
        return self.undefined(obj=obj, name=str(argument))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Return the result of arithmetic on numbers, or of joining two texts with +."""
        _limits.get().check_time()
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return _concat((left, right))
        for operand in (left, right):
            if not isinstance(operand, int | float) or abs(operand) > LARGEST_NUMBER:
                raise TemplateRefused(f"the operator {operator} is for numbers up to {LARGEST_NUMBER:.0e}")
        return super().call_binop(context, operator, left, right)


def _make_environment() -> _Environment:
    environment = _Environment(
        undefined=jinja2.ChainableUndefined, autoescape=False, keep_trailing_newline=True, finalize=_shown
    )
    environment.globals.clear()
    environment.globals["range"] = _range
    environment.filters.clear()
    environment.filters.update(_FILTERS)
    environment.filters["_concat"] = _guarded(_concat)
    environment.filters["_each"] = _each
    environment.tests.clear()
    environment.tests.update(_TESTS)
    return environment


_environment = _make_environment()
