"""Drawings of flows: `flow.visualize()` calls the flow's function, in which no task runs but is written down.

    print(etl.visualize("2024-05-01"))          # text
    etl.visualize().save("etl.svg")             # needs graphviz; .mmd, .dot and .txt need nothing

What a task would return is stood in for by its option `viz_return_value`, else by a value that takes part in
whatever is done with it. Code of the flow itself runs.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import dataclasses
import pathlib
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from headrace import errors
from headrace.annotations import Annotated
from headrace.engine.tracking import SCALARS, ResultTracker
from headrace.futures import FutureList

if TYPE_CHECKING:
    from headrace.engine.definitions import Definition

__all__ = ["Drawing", "DrawnFuture", "DrawnValue"]

MAX_NODES = 2000
"""A drawing of more is refused: nobody could read it."""

_MAX_DEPTH = 20
_DOT_SECONDS = 60.0

_current: contextvars.ContextVar[Drawing | None] = contextvars.ContextVar("headrace_drawing", default=None)


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """A call of a task or subflow."""

    number: int
    label: str
    is_flow: bool
    is_mapped: bool


class Drawing:
    """The calls in a flow and what depends on what.

    Args:
        name: The flow's.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[Node] = []
        self.edges: list[tuple[int, int]] = []
        """Numbers of nodes: from, to."""
        self._counts: dict[str, int] = {}
        self._tracker = ResultTracker()

    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """Return the calls as lines, each with what it depends on."""
        lines = [self.name]
        for node in self.nodes:
            sources = [self.nodes[start].label for start, end in self.edges if end == node.number]
            kind = "flow " if node.is_flow else ""
            each = " (for each)" if node.is_mapped else ""
            after = f"  <- {', '.join(sources)}" if sources else ""
            lines.append(f"  {kind}{node.label}{each}{after}")
        return "\n".join(lines)

    def mermaid(self) -> str:
        """Return a Mermaid flowchart, which GitHub and many editors show."""
        lines = ["flowchart TD"]
        for node in self.nodes:
            label = node.label.replace('"', "#quot;")
            opening, closing = ("[[", "]]") if node.is_flow else ("{{", "}}") if node.is_mapped else ("[", "]")
            lines.append(f'    n{node.number}{opening}"{label}"{closing}')
        lines += [f"    n{start} --> n{end}" for start, end in self.edges]
        return "\n".join(lines)

    def dot(self) -> str:
        """Return the language of Graphviz."""
        lines = [f'digraph "{_quoted(self.name)}" {{', "  node [shape=box, style=rounded];"]
        for node in self.nodes:
            shape = ", shape=component" if node.is_flow else ", shape=box3d" if node.is_mapped else ""
            lines.append(f'  n{node.number} [label="{_quoted(node.label)}"{shape}];')
        lines += [f"  n{start} -> n{end};" for start, end in self.edges]
        return "\n".join([*lines, "}"])

    def save(self, path: str | pathlib.Path) -> pathlib.Path:
        """Write a file, in the format that its name says: .mmd, .dot, .txt, or what Graphviz makes of it.

        Args:
            path: The file. Another name than those, such as `flow.svg`, `.png` or `.pdf`, needs Graphviz installed.

        Returns:
            The file.

        Raises:
            errors.FailedPrecondition: Graphviz is not installed, or knows no such format.
        """
        file = pathlib.Path(path)
        texts: dict[str, Callable[[], str]] = {
            ".mmd": self.mermaid,
            ".dot": self.dot,
            ".gv": self.dot,
            ".txt": self.text,
        }
        text = texts.get(file.suffix)
        if text is not None:
            file.write_text(text() + "\n", encoding="utf-8")
            return file
        program = shutil.which("dot")
        if program is None:
            raise errors.FailedPrecondition(
                f"{file.suffix or 'a name without suffix'} needs the program `dot` of Graphviz, which is not installed "
                "(for example `apt install graphviz`). Names that end in .mmd, .dot or .txt need nothing.",
                reason="GRAPHVIZ_MISSING",
            )
        answer = subprocess.run(
            [program, f"-T{file.suffix[1:]}", "-o", str(file)],
            input=self.dot(),
            capture_output=True,
            text=True,
            timeout=_DOT_SECONDS,
            check=False,
        )
        if answer.returncode:
            raise errors.FailedPrecondition(f"Graphviz failed: {answer.stderr.strip()}", reason="GRAPHVIZ_FAILED")
        return file

    def add(
        self, definition: Definition, values: Iterable[Any], *, is_flow: bool = False, is_mapped: bool = False
    ) -> Node:
        """Write a call down, and that it depends on what made its arguments.

        Raises:
            errors.ResourceExhausted: There are too many.
        """
        if len(self.nodes) >= MAX_NODES:
            raise errors.ResourceExhausted(f"the flow has more than {MAX_NODES} calls, which cannot be drawn")
        count = self._counts.get(definition.name, 0)
        self._counts[definition.name] = count + 1
        node = Node(len(self.nodes), f"{definition.name}-{count}", is_flow, is_mapped)
        self.nodes.append(node)
        for source in dict.fromkeys(self._sources(list(values), 0)):
            self.edges.append((source, node.number))
        return node

    def value_of(self, definition: Definition, node: Node) -> Any:
        """Return what stands in for what a call returns."""
        value = getattr(definition.options, "viz_return_value", None)
        if value is None:
            return DrawnValue(node.number)
        self._tracker.track(value, str(node.number))
        return value

    def _sources(self, value: Any, depth: int) -> Iterator[int]:
        if type(value) in SCALARS or depth > _MAX_DEPTH:
            return
        if isinstance(value, DrawnValue | DrawnFuture):
            yield value.node_number
        elif isinstance(value, Annotated):
            yield from self._sources(value.value, depth + 1)
        else:
            source = self._tracker.source_of(value)
            if source is not None:
                yield int(source)
            elif isinstance(value, dict):
                for item in value.values():
                    yield from self._sources(item, depth + 1)
            elif isinstance(value, list | tuple | set | frozenset):
                for item in value:
                    yield from self._sources(item, depth + 1)


class DrawnValue:
    """Stands for what a task would return; whatever is done with it gives another one."""

    __slots__ = ("node_number",)
    __hash__ = object.__hash__

    def __init__(self, node_number: int) -> None:
        self.node_number = node_number

    def __repr__(self) -> str:
        return f"<value of call {self.node_number}>"

    def __getattr__(self, name: str) -> DrawnValue:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> DrawnValue:
        """Return itself, as everything else does."""
        return self

    def __iter__(self) -> Iterator[DrawnValue]:
        yield self

    def __len__(self) -> int:
        return 1

    def __bool__(self) -> bool:
        return True

    def __index__(self) -> int:
        return 1

    def __int__(self) -> int:
        return 1

    def __float__(self) -> float:
        return 1.0

    def __contains__(self, item: object) -> bool:
        return True

    def __await__(self) -> Generator[Any, None, DrawnValue]:
        return self
        yield

    def _same(self, *_: Any) -> DrawnValue:
        return self

    __getitem__ = _same
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _same
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __and__ = __rand__ = _same
    __or__ = __ror__ = __xor__ = __rxor__ = __matmul__ = __rmatmul__ = __neg__ = __pos__ = __abs__ = _same
    __lt__ = __le__ = __gt__ = __ge__ = _same


class DrawnFuture:
    """Stands for the future of a submitted task."""

    def __init__(self, node_number: int, value: Any) -> None:
        self.node_number = node_number
        self._value = value

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        """Return what stands in for the result."""
        return self._value

    def wait(self, timeout: float | None = None) -> None:
        """There is nothing to wait for."""

    def done(self) -> bool:
        """There is nothing to wait for."""
        return True

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        """Call `callback` at once."""
        callback(self)

    def __iter__(self) -> Iterator[Any]:
        yield from self._value

    def __await__(self) -> Generator[Any, None, Any]:
        return self._value
        yield


def is_drawing() -> bool:
    """Whether a flow is being drawn here."""
    return _current.get() is not None


def draw(definition: Definition, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Drawing:
    """Return the drawing of a flow.

    Raises:
        Exception: What the flow's own code raised.
    """
    drawing = Drawing(definition.name)
    token = _current.set(drawing)
    try:
        definition.signature.check(args, kwargs)
        answer = definition.fn(*args, **kwargs)
        match definition.kind:
            case "async":
                _run(_finish(answer))
            case "generator":
                for _ in answer:
                    pass
            case "async generator":
                _run(_exhaust(answer))
    finally:
        _current.reset(token)
    return drawing


def drawn_call(definition: Definition, args: tuple[Any, ...], kwargs: dict[str, Any], *, is_flow: bool = False) -> Any:
    """Write a call down in the current drawing and return what stands in for its value."""
    drawing = _needed()
    node = drawing.add(definition, (*args, *kwargs.values()), is_flow=is_flow)
    value = drawing.value_of(definition, node)
    match definition.kind:
        case "async":
            return _later(value)
        case "generator":
            return iter([value])
        case "async generator":
            return _items(value)
    return value


def drawn_submission(definition: Definition, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Write a submission down in the current drawing and return what stands in for its future."""
    drawing = _needed()
    node = drawing.add(definition, (*args, *kwargs.values()))
    return DrawnFuture(node.number, drawing.value_of(definition, node))


def drawn_map(definition: Definition, args: tuple[Any, ...], kwargs: dict[str, Any]) -> FutureList[Any]:
    """Write a mapped task down in the current drawing, as one call."""
    drawing = _needed()
    node = drawing.add(definition, (*args, *kwargs.values()), is_mapped=True)
    future: Any = DrawnFuture(node.number, drawing.value_of(definition, node))
    return FutureList([future])


def _needed() -> Drawing:
    drawing = _current.get()
    if drawing is None:
        raise RuntimeError("no flow is being drawn here")
    return drawing


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(coroutine)
        return
    context = contextvars.copy_context()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(context.run, asyncio.run, coroutine).result()


async def _finish(awaitable: Any) -> None:
    await awaitable


async def _exhaust(items: Any) -> None:
    async for _ in items:
        pass


async def _later(value: Any) -> Any:
    return value


async def _items(value: Any) -> AsyncIterator[Any]:
    yield value


def _quoted(text: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", text)
