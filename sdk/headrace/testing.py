"""Flows in unit tests: no server, no files, milliseconds.

    def test_etl():
        with local_runs() as runs:
            assert etl(3) == 6
        assert [run.name for run in runs.task_runs()] == ["load-0", "sum_up-0"]

Everything runs as it does with a server (retries, caching, hooks, subflows); runs and logs are kept in memory.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import datetime
import random
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from headrace import errors
from headrace.api.v1 import artifact_pb2, asset_pb2, block_pb2, event_pb2, task_run_pb2
from headrace.client.values import value_from_proto, value_to_proto
from headrace.engine.backend import EarlierTaskRun, NewFlowRun, StartedFlowRun, Verdict, done, refused
from headrace.engine.connection import use_backend
from headrace.engine.memory_blocks import MemoryBlocks, answer
from headrace.engine.memory_waits import MemoryWaits
from headrace.engine.slots import HeldSlots, SlotFuture, SlotWish
from headrace.logging import configure_logging, silenced
from headrace.recording.facts import COMPLETED, PENDING, TYPES, AttemptHandle, TaskRunFacts, Transition
from headrace.recording.identifiers import new_id
from headrace.recording.log_batches import LogLine
from headrace.settings import Settings, get_settings, use_settings
from headrace.states import ResultReference, State, StateDetails, StateType

__all__ = ["FlowRunRecord", "LocalRuns", "LogRecord", "TaskRunRecord", "disable_run_logger", "local_runs"]


@dataclasses.dataclass(slots=True)
class FlowRunRecord:
    """A flow run that took place."""

    flow_run_id: str
    flow_name: str
    name: str
    parameters: dict[str, Any]
    tags: tuple[str, ...]
    parent_flow_run_id: str
    parent_task_run_id: str
    states: list[State[Any]]
    run_count: int = 1
    retries: int = 0
    retry_delays: tuple[float, ...] = ()
    pause_keys: set[str] = dataclasses.field(default_factory=set)
    """Keys of the pauses that it went through since its last try began."""

    @property
    def state(self) -> State[Any]:
        """The state that it is in."""
        return self.states[-1]


@dataclasses.dataclass(slots=True)
class TaskRunRecord:
    """A task run that took place."""

    task_run_id: str
    flow_run_id: str
    """Empty outside of any flow run."""
    name: str
    task_key: str
    dynamic_key: str
    tags: tuple[str, ...]
    child_flow_run_id: str
    upstream: tuple[str, ...]
    """Task runs that its arguments came from, or that it waited for."""
    assets: tuple[str, ...]
    """Keys of the assets that it takes from, as its option asset_deps says."""
    states: list[State[Any]]
    run_count: int = 0

    @property
    def state(self) -> State[Any]:
        """The state that it is in."""
        return self.states[-1]


@dataclasses.dataclass(frozen=True, slots=True)
class LogRecord:
    """A log record of a run."""

    flow_run_id: str
    task_run_id: str
    logger: str
    level: int
    message: str


class LocalRuns:
    """Runs kept in memory, judged as a server judges runs of scripts."""

    api_url = ""

    def __init__(self) -> None:
        self._flow_runs: dict[str, FlowRunRecord] = {}
        self._transitions: list[Transition] = []
        self._lines: list[LogLine] = []
        self._lock = threading.Lock()
        self._artifacts: dict[str, artifact_pb2.Artifact] = {}
        self.events: list[event_pb2.Event] = []
        """What was emitted, in order."""
        self.materializations: list[asset_pb2.RecordMaterializationsRequest] = []
        """What task runs told of the assets that they made, in order."""
        self._attempts: dict[str, AttemptHandle] = {}
        self.waits = MemoryWaits(lambda flow_run_id: self._flow_runs[flow_run_id].state, self._enter)
        self._blocks = MemoryBlocks()
        self.variables: dict[str, Any] = {}
        """Variables by name; set what the flows of the test need."""

    def flow_runs(self, flow_name: str | None = None) -> list[FlowRunRecord]:
        """Return flow runs in the order of their creation, all or those of one flow."""
        return [run for run in list(self._flow_runs.values()) if flow_name in (None, run.flow_name)]

    def task_runs(self, flow_run_id: str | None = None) -> list[TaskRunRecord]:
        """Return task runs in the order of their creation, all or those of one flow run."""
        found: dict[str, TaskRunRecord] = {}
        for facts, code, name, message, occurred_ns, run_count, details, reference in list(self._transitions):
            if code == PENDING and facts.has_started and not facts.spec_is_told:
                # As the recorder does: a run that starts at once was never seen waiting.
                continue
            if flow_run_id not in (None, facts.attempt.flow_run_id):
                continue
            record = found.setdefault(facts.task_run_id, _task_record(facts))
            record.run_count = run_count
            record.states.append(
                State(
                    type=TYPES[code],
                    name=name,
                    message=message,
                    occurred_at=datetime.datetime.fromtimestamp(occurred_ns / 1e9, datetime.UTC),
                    details=details,
                    reference=reference,
                )
            )
        return list(found.values())

    def logs(self) -> list[LogRecord]:
        """Return the log records of all runs, in order."""
        return [
            LogRecord(line.flow_run_id, line.task_run_id, line.logger, line.level, line.message)
            for line in list(self._lines)
        ]

    def artifacts(self, key: str | None = None) -> list[artifact_pb2.Artifact]:
        """Return artifacts in the order of their creation, all or those of one key."""
        return [artifact for artifact in self._artifacts.values() if key in (None, artifact.key)]

    # What the engine calls.

    def record(self, transition: Transition) -> None:
        """Keep a transition."""
        self._transitions.append(transition)

    def write_log(self, line: LogLine) -> None:
        """Keep a log record."""
        self._lines.append(line)

    def create_flow_run(self, run: NewFlowRun) -> concurrent.futures.Future[StartedFlowRun]:
        """Create a flow run as RUNNING."""
        name = run.name or f"{random.choice(_ADJECTIVES)}-{random.choice(_NOUNS)}"
        record = FlowRunRecord(
            flow_run_id=run.flow_run_id,
            flow_name=run.flow_name,
            name=name,
            parameters=dict(run.parameters),
            tags=tuple(run.tags),
            parent_flow_run_id=run.parent_flow_run_id,
            parent_task_run_id=run.parent_task_run_id,
            states=[State(type=StateType.RUNNING)],
            retries=run.retries,
            retry_delays=tuple(run.retry_delays),
        )
        with self._lock:
            self._flow_runs[run.flow_run_id] = record
        return done(StartedFlowRun(name=name, token=new_id(), run_count=1))

    def propose(self, flow_run_id: str, token: str, state: State[Any]) -> concurrent.futures.Future[Verdict]:
        """Judge a state: a failed run with retries left is scheduled again, everything else is accepted."""
        run = self._flow_runs[flow_run_id]
        if run.state.is_final():
            return done(Verdict(outcome="aborted", state=run.state, reason=f"the run is {run.state.name}"))
        is_retriable = state.details is None or state.details.retriable is not False
        if state.is_failed() and is_retriable and run.run_count <= run.retries:
            delay = run.retry_delays[min(run.run_count, len(run.retry_delays)) - 1] if run.retry_delays else 0.0
            now = datetime.datetime.now(datetime.UTC)
            details = StateDetails(scheduled_at=now + datetime.timedelta(seconds=delay))
            again: State[Any] = State(
                type=StateType.SCHEDULED, name="AwaitingRetry", occurred_at=now, details=details, message=state.message
            )
            run.states.append(again)
            run.pause_keys.clear()
            return done(Verdict(outcome="rejected", state=again, reason="retries are left", code="RETRY_SCHEDULED"))
        if state.is_running():
            run.run_count += 1
        stored = dataclasses.replace(state)
        if state.is_paused() and state.details is not None:
            if state.details.pause_key in run.pause_keys:
                return done(Verdict(outcome="rejected", state=run.state, reason="passed already", code="PAUSED_BEFORE"))
            run.pause_keys.add(state.details.pause_key)
        run.states.append(stored)
        self.waits.entered(flow_run_id, stored)
        return done(Verdict(outcome="accepted", state=dataclasses.replace(state)))

    def flush(self) -> concurrent.futures.Future[None]:
        """Nothing is waited for."""
        return done(None)

    def flush_logs(self, timeout: float) -> concurrent.futures.Future[int]:
        """Nothing is waited for."""
        return done(0)

    def earlier_task_runs(self, flow_run_id: str) -> concurrent.futures.Future[dict[tuple[str, str], EarlierTaskRun]]:
        """Return the task runs of earlier executions."""
        return done(
            {
                (run.task_key, run.dynamic_key): EarlierTaskRun(
                    task_run_id=run.task_run_id,
                    version=len(run.states),
                    run_count=run.run_count,
                    is_completed=run.state.is_completed(),
                    reference=run.state.reference,
                )
                for run in self.task_runs(flow_run_id)
            }
        )

    def find_cached(self, cache_key: str) -> concurrent.futures.Future[ResultReference | None]:
        """Return where the result is of the last task run that completed with a cache key."""
        for facts, code, _, _, _, _, _, reference in reversed(self._transitions):
            if code == COMPLETED and facts.cache_key == cache_key and reference is not None:
                return done(reference)
        return done(None)

    def save_artifact(self, artifact: artifact_pb2.Artifact, *, is_new: bool) -> concurrent.futures.Future[None]:
        """Keep an artifact, or change the fields of one that are set."""
        if is_new:
            self._artifacts[artifact.artifact_id] = artifact
        elif artifact.artifact_id in self._artifacts:
            self._artifacts[artifact.artifact_id].MergeFrom(artifact)
        else:
            return refused(errors.NotFound(f"there is no artifact {artifact.artifact_id}"))
        return done(None)

    def record_materializations(
        self, request: asset_pb2.RecordMaterializationsRequest
    ) -> concurrent.futures.Future[None]:
        """Tell that a task run made assets."""
        self.materializations.append(request)
        return done(None)

    def emit_event(self, event: event_pb2.Event) -> None:
        """Keep an event."""
        self.events.append(event)

    def get_variable(self, name: str) -> concurrent.futures.Future[Any]:
        """Return a variable's value."""
        if name not in self.variables:
            return refused(errors.NotFound(f"there is no variable {name!r}"))
        return done(self.variables[name])

    def set_variable(
        self, name: str, value: Any, tags: Sequence[str], *, overwrite: bool
    ) -> concurrent.futures.Future[None]:
        """Set a variable."""
        if name in self.variables and not overwrite:
            return refused(errors.AlreadyExists(f"there is a variable {name!r} already"))
        self.variables[name] = value_from_proto(value_to_proto(value))
        return done(None)

    def unset_variable(self, name: str) -> concurrent.futures.Future[bool]:
        """Delete a variable."""
        return done(self.variables.pop(name, _ABSENT) is not _ABSENT)

    def register_block_type(
        self, request: block_pb2.RegisterBlockTypeRequest
    ) -> concurrent.futures.Future[block_pb2.RegisterBlockTypeResponse]:
        """Create a type of blocks, or change the one with the slug."""
        return answer(self._blocks.register, request)

    def save_block(self, request: block_pb2.SaveBlockRequest) -> concurrent.futures.Future[block_pb2.SaveBlockResponse]:
        """Create a block, or change the one with the type and name."""
        return answer(self._blocks.save, request)

    def get_block(self, request: block_pb2.GetBlockRequest) -> concurrent.futures.Future[block_pb2.GetBlockResponse]:
        """Return a block with those that it refers to."""
        return answer(self._blocks.get, request)

    def delete_block(
        self, request: block_pb2.DeleteBlockRequest
    ) -> concurrent.futures.Future[block_pb2.DeleteBlockResponse]:
        """Delete a block."""
        return answer(self._blocks.delete, request)

    def acquire_slots(self, wish: SlotWish) -> SlotFuture:
        """In memory there are no limits, so nothing is held back; a wish that insists on them is refused."""
        future = SlotFuture()
        if wish.is_strict:
            future.set_exception(errors.NotFound(f"there is no active limit {', '.join(wish.names)}"))
        else:
            future.set_result(None)
        return future

    def release_slots(self, held: HeldSlots) -> concurrent.futures.Future[None]:
        """There are no slots."""
        return done(None)

    def is_unlimited(self, names: tuple[str, ...]) -> bool:
        """True: there are no limits."""
        return True

    def attach(self, attempt: AttemptHandle) -> None:
        """Tell an attempt what others do to its run from now on."""
        self._attempts[attempt.flow_run_id] = attempt

    def detach(self, attempt: AttemptHandle) -> None:
        """Tell it no longer."""
        self._attempts.pop(attempt.flow_run_id, None)

    def resume(self, flow_run_id: str, run_input: Mapping[str, Any] | None = None) -> None:
        """Resume a paused run, from any thread.

        Args:
            flow_run_id: Which one.
            run_input: What it asks for, by field; a form for a plain type has the field `value`.

        Raises:
            errors.FailedPrecondition: The run is not paused.
            errors.InvalidArgument: It asks for no input.
        """
        verdict = self.waits.resume(flow_run_id, run_input).result()
        if verdict.outcome != "accepted":
            raise errors.FailedPrecondition(verdict.reason, reason=verdict.code)

    def send_event(
        self, name: str, payload: Mapping[str, Any] | None = None, *, resource_id: str = "test", **labels: str
    ) -> int:
        """Let an event happen, from any thread; return how many runs waited for it.

        Args:
            name: Of the event.
            payload: Its details.
            resource_id: What it is about.
            **labels: Labels of what it is about.
        """
        event = {
            "id": new_id(),
            "name": name,
            "occurred_at": datetime.datetime.now(datetime.UTC).isoformat(),
            "resource": {"id": resource_id, "name": "", "labels": labels},
            "related": [],
            "payload": dict(payload or {}),
        }
        return self.waits.happen(event)

    def _enter(self, flow_run_id: str, state: State[Any]) -> None:
        self._flow_runs[flow_run_id].states.append(state)
        self.waits.entered(flow_run_id, state)
        attempt = self._attempts.get(flow_run_id)
        if attempt is not None:
            attempt.on_signal(state)


@contextlib.contextmanager
def disable_run_logger() -> Iterator[None]:
    """Let functions that log be tested by themselves: `get_run_logger()` works without a run, and says nothing.

    with disable_run_logger():
        assert my_task.fn(2) == 4
    """
    with silenced():
        yield


@contextlib.contextmanager
def local_runs(**settings: Any) -> Iterator[LocalRuns]:
    """Run flows of this block without a server.

    Args:
        **settings: Fields of `headrace.settings.Settings` that differ from the process's own.

    Yields:
        The runs that take place.
    """
    with tempfile.TemporaryDirectory(prefix="headrace-test-") as folder:
        values = {"home": Path(folder), "logging_to_console": False, **settings}
        changed: Settings = dataclasses.replace(get_settings(), **values)
        runs = LocalRuns()
        with use_settings(changed), use_backend(runs):
            configure_logging(changed)
            yield runs


def _task_record(facts: TaskRunFacts) -> TaskRunRecord:
    return TaskRunRecord(
        task_run_id=facts.task_run_id,
        flow_run_id="" if facts.attempt.flow_run_id == facts.task_run_id else facts.attempt.flow_run_id,
        name=facts.name,
        task_key=facts.facts.task_key,
        dynamic_key=facts.dynamic_key,
        tags=tuple(facts.tags),
        child_flow_run_id=facts.child_flow_run_id,
        upstream=tuple(source for _, kind, source in facts.inputs if kind != task_run_pb2.TASK_INPUT_KIND_ASSET),
        assets=tuple(source for _, kind, source in facts.inputs if kind == task_run_pb2.TASK_INPUT_KIND_ASSET),
        states=[],
    )


_ADJECTIVES = ("brisk", "calm", "clear", "deep", "eager", "early", "fresh", "quick", "quiet", "steady")
_NOUNS = ("brook", "canal", "creek", "flume", "ford", "lock", "mill", "sluice", "spring", "weir")
_ABSENT = object()
