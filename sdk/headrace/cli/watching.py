"""Follows a flow run in the terminal: a live tree on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from headrace import errors
from headrace.api.v1 import flow_run_pb2, state_pb2, task_run_pb2
from headrace.cli import lookup, output
from headrace.client.finality import is_final

RETRY_SECONDS = 1.0
"""Pause before a stream of a server that has gone away is opened again."""

_SHOWN_TASK_RUNS = 30
"""Task runs in the live tree: those that run or failed come first, finished ones are counted."""

_MARKS = {
    state_pb2.STATE_TYPE_COMPLETED: "✓",
    state_pb2.STATE_TYPE_FAILED: "✗",
    state_pb2.STATE_TYPE_CRASHED: "✗",
    state_pb2.STATE_TYPE_CANCELLED: "⊘",
    state_pb2.STATE_TYPE_RUNNING: "▶",
}


class RunView:
    """What is known of a run while it is followed."""

    def __init__(self) -> None:
        self.flow_run = flow_run_pb2.FlowRun()
        self.task_runs: dict[str, task_run_pb2.TaskRun] = {}

    @property
    def is_final(self) -> bool:
        """Whether the run has ended."""
        return is_final(self.flow_run.state.type)

    def take(self, response: flow_run_pb2.WatchFlowRunResponse) -> list[str]:
        """Take a change; returns what to say of it in a line each."""
        lines = []
        if response.HasField("flow_run"):
            if response.flow_run.state.state_id != self.flow_run.state.state_id:
                lines.append(self._line(f"flow run {response.flow_run.name}", response.flow_run.state))
            self.flow_run = response.flow_run
        for task_run in response.task_runs:
            known = self.task_runs.get(task_run.task_run_id)
            if known is None or known.state.state_id != task_run.state.state_id:
                lines.append(self._line(f"  task run {task_run.name}", task_run.state))
            self.task_runs[task_run.task_run_id] = task_run
        return lines

    @staticmethod
    def _line(subject: str, state: state_pb2.State) -> str:
        said = f": {state.message.splitlines()[0]}" if state.message else ""
        return f"{output.moment(state.occurred_at)[11:]} {subject} {state.name}{said}"

    def __rich__(self) -> Group:
        run = self.flow_run
        head = Text.assemble((run.name or "...", "bold"), "  ", run.flow_name, "  ", output.state_text(run.state))
        head.append(f"  {output.span(_elapsed(run))}", style="dim")
        if run.state.message and run.state.type not in (state_pb2.STATE_TYPE_COMPLETED,):
            head.append(f"\n{run.state.message.splitlines()[0]}", style="dim")
        tree = Tree(head)
        unfinished = [task for task in self.task_runs.values() if task.state.type != state_pb2.STATE_TYPE_COMPLETED]
        finished = [task for task in self.task_runs.values() if task.state.type == state_pb2.STATE_TYPE_COMPLETED]
        room = max(_SHOWN_TASK_RUNS - len(unfinished), 5)
        hidden = len(finished) - room
        if hidden > 0:
            tree.add(Text(f"✓ {hidden} more completed", style="green dim"))
        for task in [*finished[-room:], *unfinished[:_SHOWN_TASK_RUNS]]:
            tree.add(_task_line(task))
        if len(unfinished) > _SHOWN_TASK_RUNS:
            tree.add(Text(f"{len(unfinished) - _SHOWN_TASK_RUNS} more", style="dim"))
        return Group(tree)


def _task_line(task: task_run_pb2.TaskRun) -> Text:
    style = output.STATE_STYLES.get(task.state.type, "")
    line = Text.assemble(
        (f"{_MARKS.get(task.state.type, '·')} ", style), task.name, "  ", output.state_text(task.state)
    )
    if task.started_at.seconds:
        line.append(f"  {output.span(_elapsed(task))}", style="dim")
    if task.run_count > 1:
        line.append(f"  try {task.run_count}", style="yellow")
    if task.state.type == state_pb2.STATE_TYPE_FAILED and task.state.message:
        line.append(f"  {task.state.message.splitlines()[0][:60]}", style="red dim")
    return line


def _elapsed(run: flow_run_pb2.FlowRun | task_run_pb2.TaskRun) -> float | None:
    if not run.started_at.seconds:
        return None
    start = run.started_at.seconds + run.started_at.nanos / 1e9
    end = run.ended_at.seconds + run.ended_at.nanos / 1e9 if run.ended_at.seconds else time.time()
    return max(0.0, end - start)


def watch(
    flow_run_id: str, *, timeout_seconds: float | None = None, console: Console = output.console
) -> flow_run_pb2.FlowRun:
    """Follow a run until it is final or the time is over; survives restarts of the server. Returns the run.

    Args:
        flow_run_id: The run.
        timeout_seconds: When to stop following; None follows to the end.
        console: Where it is shown.

    Raises:
        errors.NotFound: There is no such run.
    """
    view = RunView()
    deadline = time.monotonic() + timeout_seconds if timeout_seconds is not None else None
    if not console.is_terminal:
        for response in _responses(flow_run_id, view, deadline):
            for line in view.take(response):
                console.print(line, markup=False, soft_wrap=True)
        return view.flow_run
    with Live(view, console=console, refresh_per_second=8, transient=False) as live:
        for response in _responses(flow_run_id, view, deadline):
            view.take(response)
            live.update(view)
    return view.flow_run


def _responses(flow_run_id: str, view: RunView, deadline: float | None) -> Iterator[flow_run_pb2.WatchFlowRunResponse]:
    stub = lookup.client().flow_runs
    request = flow_run_pb2.WatchFlowRunRequest(flow_run_id=flow_run_id)
    while not view.is_final:
        left = deadline - time.monotonic() if deadline is not None else None
        if left is not None and left <= 0:
            output.note(f"The run did not end within the time given; it is {view.flow_run.state.name or 'unknown'}.")
            return
        try:
            yield from stub.WatchFlowRun(request, timeout=left)
        except errors.DeadlineExceeded:
            continue
        except errors.Unavailable as error:
            output.note(f"{error} Trying again.")
            time.sleep(RETRY_SECONDS)


def exit_code(flow_run: flow_run_pb2.FlowRun) -> output.ExitCode:
    """Return what a command that watched a run ends with."""
    if flow_run.state.type == state_pb2.STATE_TYPE_COMPLETED:
        return output.ExitCode.OK
    return output.ExitCode.RUN_NOT_COMPLETED
