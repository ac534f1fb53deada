"""Reports of a process that executes jobs: sent from there, recorded where the flow run is."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

from headrace import errors
from headrace.engine.backend import Backend, refused
from headrace.engine.connection import get_backend
from headrace.engine.runs import FlowRun
from headrace.recording.facts import (
    CANCELLED,
    COMPLETED,
    CRASHED,
    FAILED,
    PENDING,
    AttemptHandle,
    TaskRunFacts,
    Transition,
)
from headrace.recording.log_batches import LogLine
from headrace.task_runners.jobs import Report, RunReport, report_of, run_of, update_run

_FINAL = frozenset({CANCELLED, COMPLETED, CRASHED, FAILED})
LINGER_SECONDS = 0.1
"""How long reports are gathered before they are sent."""
_FULL = 200


class Reporter:
    """Gathers reports of one job and sends them in batches.

    Args:
        send: Sends a batch; called by one thread at a time.
        linger: Seconds to gather; 0 sends each report at once.
    """

    def __init__(self, send: Callable[[Sequence[Report]], None], linger: float = LINGER_SECONDS) -> None:
        self._send = send
        self._linger = linger
        self._reports: list[Report] = []
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self.batches = 0
        """How many batches were sent."""

    def add(self, report: Report) -> None:
        """Send a report, now or soon."""
        with self._lock:
            self._reports.append(report)
            if not self._linger or len(self._reports) >= _FULL:
                self._send_all()
            elif self._timer is None:
                self._timer = threading.Timer(self._linger, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Send what there is."""
        with self._lock:
            self._send_all()

    def _send_all(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        reports, self._reports = self._reports, []
        if reports:
            self.batches += 1
            self._send(reports)


class ReportingBackend:
    """The backend of a flow run that another process executes: what happens here is reported to that one.

    Everything beside transitions and log records (artifacts, variables, subflows) goes to the server directly,
    over a connection of this process that is opened when it is first needed.

    Args:
        reporter: Takes the reports.
        api_url: The server's address; empty without one.
    """

    def __init__(self, reporter: Reporter, api_url: str) -> None:
        self._reporter = reporter
        self.api_url = api_url

    def record(self, transition: Transition) -> None:
        """Report a transition of a task run."""
        self._reporter.add(report_of(transition))

    def write_log(self, line: LogLine) -> None:
        """Report a log record."""
        self._reporter.add(line)

    def is_unlimited(self, names: tuple[str, ...]) -> bool:
        """Whether none of the limits is there; without tags there are none to ask the server for."""
        return not names or not self.api_url or bool(get_backend().is_unlimited(names))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(get_backend(), name)


class NoServer:
    """The backend of code that runs in another process on behalf of a flow without a server."""

    api_url = ""

    def __getattr__(self, name: str) -> Callable[..., concurrent.futures.Future[Any]]:
        if name.startswith("_"):
            raise AttributeError(name)
        return _refuse


def no_server() -> Backend:
    """Return a backend that refuses everything."""
    return cast(Backend, NoServer())


def _refuse(*_: object, **__: object) -> concurrent.futures.Future[Any]:
    return refused(
        errors.FailedPrecondition(
            "this flow runs without a server, and its tasks in other processes can record task runs and log records "
            "only. Use ThreadTaskRunner in such tests."
        )
    )


class ReportBook:
    """Records the reports of other processes as what happens in a flow run of this one.

    Args:
        host: The flow run.
    """

    def __init__(self, host: FlowRun) -> None:
        self._host = host
        self._runs: dict[str, TaskRunFacts] = {}
        self._lock = threading.Lock()

    def take(self, reports: Sequence[Report]) -> None:
        """Record reports, in their order."""
        for report in reports:
            if isinstance(report, RunReport):
                self._take_run(report)
            else:
                self._host.backend.write_log(report)

    def _take_run(self, report: RunReport) -> None:
        code = report.transition[0]
        with self._lock:
            run = self._runs.get(report.task_run_id)
            if run is None:
                run = self._runs[report.task_run_id] = run_of(report, self._attempt_of(report))
            else:
                update_run(run, report)
            if code in _FINAL:
                del self._runs[report.task_run_id]
            run.has_started = run.has_started or code != PENDING
            self._host.record((run, *report.transition))

    def _attempt_of(self, report: RunReport) -> AttemptHandle:
        if report.flow_run_id == self._host.id:
            return self._host.attempt
        return AttemptHandle(report.flow_run_id, report.token, on_signal=_ignore, on_lost=_ignore)


def _ignore(_: object) -> None:
    """Whoever executes a flow run hears of it by the connection that it has itself."""
