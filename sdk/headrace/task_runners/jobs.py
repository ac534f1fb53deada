"""What is sent to the process that executes a task's function, and what comes back.

A job carries everything, so that the other process needs no connection to a server. Everything is written with
cloudpickle: functions and classes of the script itself travel by value, those of modules by name.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import io
import os
import pickle  # nosec B403  # jobs come from the process that this one works for
import socket
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import cloudpickle

from headrace import errors
from headrace.engine.backend import EarlierTaskRun
from headrace.engine.definitions import TaskDefinition
from headrace.engine.flow_engine import Assignment
from headrace.engine.runs import FlowRun, TaskRun
from headrace.parameters import recorded
from headrace.recording.facts import AttemptHandle, Input, TaskFacts, TaskRunFacts, Transition
from headrace.recording.log_batches import LogLine
from headrace.settings import Settings

Origin: TypeAlias = tuple[str, int]
"""A process: its host and its number."""


def this_process() -> Origin:
    """Return what tells this process from all others."""
    return socket.gethostname(), os.getpid()


class NotSendable(errors.InvalidArgument):
    """A value cannot be sent between processes; the message names it and says what to do."""

    default_reason = "NOT_SENDABLE"


class RemoteTraceback(Exception):
    """The traceback of an error in another process; the cause of the error here."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'

    def __reduce__(self) -> tuple[Any, ...]:
        return RemoteTraceback, (self.text,)


@dataclasses.dataclass(slots=True, kw_only=True)
class FlowFacts:
    """The flow run that jobs are part of; the same for all of them."""

    flow_run_id: str
    name: str
    flow_name: str
    flow_version: str | None
    parameters: dict[str, Any]
    tags: tuple[str, ...]
    run_count: int
    persists: bool
    log_prints: bool
    results_url: str
    started_at: datetime.datetime
    assignment: Assignment | None
    api_url: str
    """Of the server; empty without one."""
    settings: Settings | None
    """What the process that made the job goes by; None lets the other go by its own environment."""
    logging_level: str
    logging_extra_loggers: tuple[str, ...]
    to_console: bool
    """Whether the other process writes records to its standard error, too."""
    origin: Origin
    path: tuple[str, ...]
    """Where the process that made the job looks for modules."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Job:
    """One try of one task run."""

    job_id: str
    task: bytes
    """The task, written once for all jobs."""
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    task_run_id: str
    name: str
    dynamic_key: str
    run_tags: tuple[str, ...]
    run_count: int
    tags: frozenset[str]
    """Of the `tags` blocks around the call."""
    counts: dict[str, int]
    """Calls of tasks below the run by its earlier tries."""
    earlier: dict[tuple[str, str], EarlierTaskRun]
    """Task runs below it, of earlier executions of the flow."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Outcome:
    """How a try ended."""

    kind: Literal["value", "error", "timed out", "interrupted", "died"]
    value: Any = None
    """What the function returned or raised; for a process that died the reason."""
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    batches: int = 0
    """How many batches of reports were sent before."""


@dataclasses.dataclass(slots=True)
class RunReport:
    """A transition of a task run below the job's."""

    task_key: str
    task_version: str
    retries: int
    retry_delays: tuple[float, ...]
    retry_jitter: float
    flow_run_id: str
    token: str
    task_run_id: str
    dynamic_key: str
    name: str
    tags: tuple[str, ...]
    inputs: tuple[Input, ...]
    cache_key: str
    cache_expires_ns: int
    child_flow_run_id: str
    flow_run_run_count: int
    version: int
    transition: tuple[Any, ...]


Report: TypeAlias = RunReport | LogLine
"""What the other process says while it executes a job."""


def facts_of_flow(
    run: FlowRun, settings: Settings, *, to_console: bool, same_machine: bool, max_bytes: int | None = None
) -> bytes:
    """Return what jobs say about their flow run.

    Args:
        run: The flow run.
        settings: What holds here. They leave the machine without the key.
        to_console: Whether the other process writes records to its standard error.
        same_machine: Whether the other process may go by these settings entirely.
        max_bytes: Parameters that are larger are sent as they are recorded.
    """
    definition = run.definition
    facts = FlowFacts(
        flow_run_id=run.id,
        name=run.name,
        flow_name=run.flow_name,
        flow_version=definition.options.version if definition is not None else None,
        parameters=run.parameters,
        tags=run.tags,
        run_count=run.run_count,
        persists=run.persists,
        log_prints=run.log_prints,
        results_url=run.results_url,
        started_at=run.started_at,
        assignment=run.assignment,
        api_url=run.backend.api_url,
        settings=settings if same_machine else None,
        logging_level=settings.logging_level,
        logging_extra_loggers=settings.logging_extra_loggers,
        to_console=to_console,
        origin=this_process(),
        path=tuple(sys.path),
    )
    try:
        return _dumps(facts)
    except Exception:
        # The flow's parameters are there to be looked at, and a JSON value of them serves that as well.
        return _dumps(dataclasses.replace(facts, parameters=recorded(run.parameters)))


def pack_job(flow: bytes, job: Job) -> bytes:
    """Return a job, and what `facts_of_flow` wrote, as bytes.

    Raises:
        NotSendable: One of the arguments cannot be written.
    """
    try:
        return _dumps(flow) + _dumps(job)
    except Exception as error:
        for name, value in (*enumerate(job.args), *job.kwargs.items()):
            try:
                _dumps(value)
            except Exception as cause:
                raise NotSendable(
                    f"argument {name!r} of {job.name}, a {type(value).__name__}, cannot be sent to another process: "
                    f"{cause}. Make it within the task, or run the task with ThreadTaskRunner."
                ) from cause
        raise NotSendable(f"the call of {job.name} cannot be sent to another process: {error}") from error


def pack_task(definition: TaskDefinition) -> bytes:
    """Return a task as bytes.

    Raises:
        NotSendable: It holds something that cannot be written.
    """
    try:
        return _dumps(definition)
    except Exception as error:
        raise NotSendable(
            f"the task {definition.name} cannot be sent to another process: {error}. Its function, or something that "
            "the function refers to, is bound to this process."
        ) from error


def pack_outcome(outcome: Outcome) -> bytes:
    """Return an outcome as bytes; what cannot be written is replaced by an error that says so."""
    if outcome.kind == "error":
        outcome = dataclasses.replace(outcome, value=_sendable_error(outcome.value))
    try:
        return _dumps(outcome)
    except Exception as error:
        failure = NotSendable(
            f"a value of type {type(outcome.value).__name__} cannot be sent back from another process: {error}. Return "
            "something that can be pickled, or run the task with ThreadTaskRunner."
        )
        return _dumps(dataclasses.replace(outcome, kind="error", value=(_pickled(failure), "", "")))


def unpack_outcome(data: bytes) -> Outcome:
    """Return what `pack_outcome` wrote; the value of an error is the exception."""
    try:
        outcome: Outcome = cloudpickle.loads(data)
    except Exception as error:
        failure = NotSendable(f"what the task returned cannot be read in the flow's process: {error}")
        failure.__cause__ = error
        return Outcome(kind="error", value=failure)
    if outcome.kind == "error":
        outcome.value = _read_error(*outcome.value)
    return outcome


def unpack_job(data: bytes, prepare: Callable[[FlowFacts], object]) -> tuple[FlowFacts, Job, TaskDefinition]:
    """Return what `pack_job` wrote.

    Args:
        data: The bytes.
        prepare: Called before anything is read that may need the user's modules.
    """
    stream = io.BytesIO(data)
    flow = read_flow(pickle.load(stream))  # nosec B301  # see the import
    prepare(flow)
    job: Job = pickle.load(stream)  # nosec B301  # see the import
    return flow, job, read_task(job.task)


@functools.lru_cache(maxsize=8)
def read_flow(data: bytes) -> FlowFacts:
    """Return what `facts_of_flow` wrote."""
    facts: FlowFacts = cloudpickle.loads(data)
    return facts


@functools.lru_cache(maxsize=256)
def read_task(data: bytes) -> TaskDefinition:
    """Return the task that `pack_task` wrote."""
    definition: TaskDefinition = cloudpickle.loads(data)
    return definition


def report_of(transition: Transition) -> RunReport:
    """Return a transition in a form that can be sent."""
    run, *rest = transition
    facts = run.facts
    return RunReport(
        facts.task_key,
        facts.version,
        facts.retries,
        tuple(facts.retry_delays),
        facts.retry_jitter,
        run.attempt.flow_run_id,
        run.attempt.token,
        run.task_run_id,
        run.dynamic_key,
        run.name,
        tuple(run.tags),
        tuple(run.inputs),
        run.cache_key,
        run.cache_expires_ns,
        run.child_flow_run_id,
        run.flow_run_run_count,
        run.version,
        tuple(rest),
    )


def run_of(report: RunReport, attempt: AttemptHandle) -> TaskRunFacts:
    """Return the task run of a report, to be recorded here."""
    run = TaskRunFacts()
    run.facts = TaskFacts(
        report.task_key,
        version=report.task_version,
        retries=report.retries,
        retry_delays=report.retry_delays,
        retry_jitter=report.retry_jitter,
    )
    run.attempt = attempt
    run.task_run_id = report.task_run_id
    run.version = report.version
    run.spec_is_told = False
    run.has_started = False
    update_run(run, report)
    return run


def update_run(run: TaskRunFacts, report: RunReport) -> None:
    """Take over what may have changed since the report before."""
    run.dynamic_key, run.name, run.tags, run.inputs = report.dynamic_key, report.name, report.tags, report.inputs
    run.cache_key, run.cache_expires_ns = report.cache_key, report.cache_expires_ns
    run.child_flow_run_id, run.flow_run_run_count = report.child_flow_run_id, report.flow_run_run_count


def earlier_below(run: TaskRun) -> dict[tuple[str, str], EarlierTaskRun]:
    """Return the earlier task runs below a run."""
    if not run.host.earlier:
        return {}
    prefix = f"{run.facts.task_key}:{run.dynamic_key}/"
    return {key: earlier for key, earlier in run.host.earlier.items() if key[1].startswith(prefix)}


def pack_reports(reports: Sequence[Report]) -> bytes:
    """Return reports as bytes; extra fields of log records are turned into text where they cannot be written."""
    try:
        return _dumps(list(reports))
    except Exception:
        return _dumps([_plain(report) for report in reports])


def read_reports(data: bytes) -> list[Report]:
    """Return what `pack_reports` wrote."""
    reports: list[Report] = cloudpickle.loads(data)
    return reports


def _plain(report: Report) -> Report:
    if isinstance(report, LogLine) and report.fields is not None:
        fields: Mapping[str, object] = {str(name): repr(value) for name, value in report.fields.items()}
        return report._replace(fields=fields)
    return report


def _sendable_error(error: BaseException) -> tuple[bytes, str, str]:
    text = "".join(traceback.format_exception(error))
    try:
        data = _pickled(error)
        cloudpickle.loads(data)  # what cannot be read is of no use either, and many exceptions cannot
    except Exception:
        data = b""
    return data, f"{type(error).__qualname__}: {_text_of(error)}", text


def _read_error(data: bytes, description: str, text: str) -> BaseException:
    error: BaseException | None = None
    if data:
        try:
            error = cloudpickle.loads(data)
        except Exception:
            description += " (the exception itself cannot be read in the flow's process)"
    if error is None:
        error = UnsentError(description)
    if text:
        error.__cause__ = RemoteTraceback(text)
    return error


class UnsentError(errors.HeadraceError):
    """A task failed in another process with an exception that cannot be sent; the message is that one's."""

    default_reason = "TASK_FAILED"


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:
        return f"its description failed with {type(failure).__name__}"


def _pickled(value: object) -> bytes:
    return _dumps(value)


def _dumps(value: object) -> bytes:
    data: bytes = cloudpickle.dumps(value)
    return data
