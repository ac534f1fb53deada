"""Places in the life of a flow process at which a test has it killed, as by `kill -9`.

The product has no failpoints. What stands between the lines of its code is reached from here, by replacing a
function with one that kills the process before or after it; so nothing that a user installs can be told to die. A
script of a test arms them in its own process:

    from headrace_harness import failpoints
    failpoints.arm()

`HEADRACE_TEST_FAILPOINT` names the place, with `:<n>` the nth time that it is passed. In the current folder a file
says that it happened, so that the next attempt lives.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
import signal
from collections.abc import Callable
from typing import Any

from headrace.engine.flow_engine import FlowExecution
from headrace.engine.runs import TaskRun
from headrace.engine.server_backend import ServerBackend
from headrace.recording.recorder import Recorder
from headrace.results import ResultStore
from headrace_harness.ledger import note

VARIABLE = "HEADRACE_TEST_FAILPOINT"
KILLED = "failpoint.killed"


@dataclasses.dataclass(frozen=True, slots=True)
class Failpoint:
    """A place before or after a function of the client."""

    owner: type
    function: str
    after: bool
    what: str
    """What is so at this place."""


FAILPOINTS: dict[str, Failpoint] = {
    "run-taken": Failpoint(
        FlowExecution, "_attempts", False, "the run is RUNNING, and none of the user's code has been executed"
    ),
    "task-begun": Failpoint(TaskRun, "enter_running", True, "a task has begun in memory, and nobody was told"),
    "result-kept": Failpoint(ResultStore, "write", True, "a result is kept, and the task run is not recorded as done"),
    "frame-due": Failpoint(Recorder, "_add_frame", False, "transitions wait, and are in no frame"),
    "frame-made": Failpoint(Recorder, "_add_frame", True, "a frame is made, and may have been sent"),
    "frames-awaited": Failpoint(Recorder, "flush", False, "user code has ended, and what it did may not be recorded"),
    "frames-acknowledged": Failpoint(Recorder, "flush", True, "everything is recorded, and the end is not proposed"),
    "end-accepted": Failpoint(ServerBackend, "_propose", True, "the run has ended, and its process does not know"),
}


def arm() -> None:
    """Set the failpoint that the environment names, if it names one and it has not happened yet.

    Raises:
        KeyError: There is no failpoint of that name.
    """
    chosen = os.environ.get(VARIABLE)
    if not chosen or os.path.exists(KILLED):
        return
    name, _, times = chosen.partition(":")
    failpoint = FAILPOINTS[name]
    setattr(failpoint.owner, failpoint.function, _killing(failpoint, name, int(times or "1")))


def _killing(failpoint: Failpoint, name: str, times: int) -> Callable[..., Any]:
    function = getattr(failpoint.owner, failpoint.function)
    left = times

    def passed() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            _die(name)

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def replaced(*arguments: Any, **keywords: Any) -> Any:
            if not failpoint.after:
                passed()
            result = await function(*arguments, **keywords)
            if failpoint.after:
                passed()
            return result

        return replaced

    @functools.wraps(function)
    def replaced_plain(*arguments: Any, **keywords: Any) -> Any:
        if not failpoint.after:
            passed()
        result = function(*arguments, **keywords)
        if failpoint.after:
            passed()
        return result

    return replaced_plain


def _die(name: str) -> None:
    try:
        os.close(os.open(KILLED, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
    except FileExistsError:
        return
    note("killed", failpoint=name)
    os.kill(os.getpid(), signal.SIGKILL)
