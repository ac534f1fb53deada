"""What is told about task runs, as the engine keeps it: plain objects, turned into messages when a frame is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from headrace.api.v1 import state_pb2, task_run_pb2
from headrace.states import ResultReference, State, StateDetails, StateType

CODES: dict[StateType, int] = {kind: state_pb2.StateType.Value(f"STATE_TYPE_{kind.value}") for kind in StateType}
"""Number of each state type on the wire."""
TYPES: dict[int, StateType] = {code: kind for kind, code in CODES.items()}
"""State type of each number on the wire."""

PENDING = CODES[StateType.PENDING]
RUNNING = CODES[StateType.RUNNING]
SCHEDULED = CODES[StateType.SCHEDULED]
COMPLETED = CODES[StateType.COMPLETED]
FAILED = CODES[StateType.FAILED]
CRASHED = CODES[StateType.CRASHED]
CANCELLED = CODES[StateType.CANCELLED]

Input: TypeAlias = tuple[str, task_run_pb2.TaskInputKind.ValueType, str]
"""What a parameter came from: its name, the number of the `TaskInputKind`, the source's id."""


class AttemptHandle:
    """The right to write for one flow run, and how its process hears from the server.

    Args:
        flow_run_id: The flow run.
        token: The attempt's token.
        on_signal: Called on the recording thread with the state that the server says the run is in.
        on_lost: Called on the recording thread with the reason when another attempt has taken over.
    """

    __slots__ = ("flow_run_id", "is_lost", "on_lost", "on_signal", "token", "traceparent")

    def __init__(
        self,
        flow_run_id: str,
        token: str,
        *,
        on_signal: Callable[[State[object]], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self.flow_run_id = flow_run_id
        self.token = token
        self.on_signal = on_signal
        self.on_lost = on_lost
        self.is_lost = False
        self.traceparent = ""
        """The span of the flow run, for those who store what it records; empty without one."""


class TaskFacts:
    """What all runs of a task have in common."""

    __slots__ = ("retries", "retry_delays", "retry_jitter", "task_key", "version")

    def __init__(
        self,
        task_key: str,
        *,
        version: str = "",
        retries: int = 0,
        retry_delays: Sequence[float] = (),
        retry_jitter: float = 0.0,
    ) -> None:
        self.task_key = task_key
        self.version = version
        self.retries = retries
        self.retry_delays = retry_delays
        self.retry_jitter = retry_jitter


class TaskRunFacts:
    """A task run as the server is told of it. Fields are set before its first transition is recorded."""

    __slots__ = (
        "attempt",
        "cache_expires_ns",
        "cache_key",
        "child_flow_run_id",
        "dynamic_key",
        "facts",
        "flow_run_run_count",
        "has_started",
        "inputs",
        "name",
        "spec_is_told",
        "tags",
        "task_run_id",
        "version",
    )

    attempt: AttemptHandle
    facts: TaskFacts
    task_run_id: str
    dynamic_key: str
    name: str
    tags: Sequence[str]
    inputs: Sequence[Input]
    cache_key: str
    cache_expires_ns: int
    child_flow_run_id: str
    flow_run_run_count: int
    version: int
    """Of the last transition that was put into a frame; the recording thread's."""
    spec_is_told: bool
    """Whether a frame has described it; the recording thread's."""
    has_started: bool
    """Whether it has left PENDING; its first PENDING is not worth telling if it is in no frame by then."""


Transition: TypeAlias = tuple[TaskRunFacts, int, str, str, int, int, StateDetails | None, ResultReference | None]
"""A task run enters a state: the run, the state's type as a number, its name ("" for the usual one), its message,
nanoseconds since 1970, the run_count, details, and where the result is."""
