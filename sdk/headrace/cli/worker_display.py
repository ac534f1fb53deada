"""What a worker shows while it works: a table that stays in place on a terminal, lines elsewhere."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.logging import RichHandler
from rich.table import Table
from rich.text import Text

from headrace.cli import output
from headrace.worker.runner import Worker

_REFRESHES_A_SECOND = 2
_MOST_ROWS = 30


class Display(Protocol):
    """Shows what a worker does."""

    def show(self, worker: Worker) -> None:
        """Take note that a run has started or ended, or that the connection has changed."""


@dataclass
class _Shown:
    name: str
    deployment: str
    since: float


class LineDisplay:
    """Says in lines what a worker does.

    Args:
        greeting: What to say when it is connected.
    """

    def __init__(self, greeting: str) -> None:
        self._greeting = greeting
        self._connected = False
        self._runs: dict[str, str] = {}

    def show(self, worker: Worker) -> None:
        """Print what changed since the last call."""
        if worker.connected and not self._connected:
            output.console.print(self._greeting, markup=False)
            self._greeting = "Connected again."
        self._connected = worker.connected
        runs = {key: execution.assignment.flow_run.name for key, execution in worker.runs.items()}
        for key in runs.keys() - self._runs.keys():
            output.console.print(f"▶ {runs[key]} starts ({len(runs)} running)", markup=False)
        for key in self._runs.keys() - runs.keys():
            output.console.print(f"■ {self._runs[key]} has ended ({len(runs)} running)", markup=False)
        self._runs = runs


class LiveDisplay:
    """Keeps a table of what runs at the foot of a terminal; what else is written scrolls above it.

    Args:
        greeting: Above the table.
    """

    def __init__(self, greeting: str) -> None:
        self._greeting = greeting
        self._worker: Worker | None = None
        self._runs: dict[str, _Shown] = {}
        self._ended = 0

    def show(self, worker: Worker) -> None:
        """Take note of what changed; the table is drawn again by itself."""
        self._worker = worker
        runs = {
            key: self._runs.get(key)
            or _Shown(
                execution.assignment.flow_run.name,
                f"{execution.assignment.flow_run.flow_name}/{execution.assignment.flow_run.deployment_name}".strip("/"),
                time.monotonic(),
            )
            for key, execution in list(worker.runs.items())
        }
        self._ended += len(self._runs.keys() - runs.keys())
        self._runs = runs

    def render(self) -> RenderableType:
        """Return what is to be seen now."""
        runs = self._runs
        state = self._state()
        capacity = self._worker.options.capacity if self._worker is not None else 0
        head = Text.assemble(self._greeting, "\n", state, f"  {len(runs)}/{capacity} running, {self._ended} ended")
        table = Table(box=None, pad_edge=False, header_style="dim", expand=False)
        for name in ("RUN", "DEPLOYMENT", "FOR"):
            table.add_column(name, no_wrap=True, overflow="ellipsis")
        now = time.monotonic()
        for shown in list(runs.values())[:_MOST_ROWS]:
            table.add_row(shown.name, shown.deployment, output.span(now - shown.since))
        if len(runs) > _MOST_ROWS:
            table.add_row(f"and {len(runs) - _MOST_ROWS} more", "", "")
        return Group(head, table) if runs else head

    def _state(self) -> Text:
        worker = self._worker
        if worker is None or not worker.connected:
            return Text("○ not connected", style="red")
        if worker.draining:
            return Text("◐ draining", style="yellow")
        if worker.paused:
            return Text("◑ paused", style="yellow")
        return Text("● connected", style="green")

    @contextlib.contextmanager
    def running(self, console: Console) -> Iterator[None]:
        """Draw within the block, with log records above the table."""
        root = logging.getLogger()
        before = root.handlers[:]
        handler = RichHandler(console=console, show_path=False, markup=False)
        root.handlers[:] = [handler]
        try:
            with Live(
                get_renderable=self.render, console=console, refresh_per_second=_REFRESHES_A_SECOND, transient=True
            ):
                yield
        finally:
            root.handlers[:] = before


@contextlib.contextmanager
def display(greeting: str, console: Console) -> Iterator[Display]:
    """Lend what fits the console."""
    if not console.is_terminal:
        yield LineDisplay(greeting)
        return
    live = LiveDisplay(greeting)
    with live.running(console):
        yield live
