"""Logs of runs: to the server, and to the standard error.

    logger = get_run_logger()
    logger.info("loaded %d rows", count)

Standard logging all the way: handlers are attached to the logger `headrace` and to those that
`HEADRACE_LOGGING_EXTRA_LOGGERS` names. A record belongs to the run in whose context it is made.
"""

from __future__ import annotations

import builtins
import contextlib
import contextvars
import logging
import sys
import threading
from collections.abc import Iterator, MutableMapping
from typing import Any

import headrace
from headrace.api.v1 import log_pb2
from headrace.context import current_run
from headrace.engine.runs import FlowRun, TaskRun
from headrace.outcomes import MissingContext
from headrace.recording.log_batches import LogLine
from headrace.settings import Settings

ROOT = "headrace"
FLOW_RUNS = "headrace.flow_runs"
TASK_RUNS = "headrace.task_runs"

_RUN = "headrace_run"
_SOURCE = "headrace_source"
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {_RUN, _SOURCE, "message", "asctime", "taskName"}
_is_silenced: contextvars.ContextVar[bool] = contextvars.ContextVar("headrace_silenced", default=False)
_lock = threading.Lock()
_configured: Settings | None = None
_original_print = builtins.print


class RunLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger whose records belong to one run, wherever they are made."""

    def __init__(self, run: FlowRun | TaskRun | None, name: str) -> None:
        super().__init__(logging.getLogger(name), {_RUN: run})

    def isEnabledFor(self, level: int) -> bool:
        """Whether records of a level go anywhere."""
        return not _is_silenced.get() and super().isEnabledFor(level)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the run to a record, beside what the caller adds."""
        kwargs["extra"] = {**(kwargs.get("extra") or {}), **(self.extra or {})}
        return msg, kwargs


class RunLogHandler(logging.Handler):
    """Sends records of runs to the server. Records that belong to no run pass by."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record; never blocks and never raises."""
        run: FlowRun | TaskRun | None = getattr(record, _RUN, None) or current_run.get()
        if run is None:
            return
        task_run = run.task_run
        host = task_run.host if task_run is not None else run.flow_run
        if host is None:
            return
        try:
            fields = None
            if len(vars(record)) > _PLAIN_SIZE:
                fields = {key: value for key, value in vars(record).items() if _is_field(key)} or None
            line = LogLine(
                # A task outside of flows has a host that is no flow run.
                host.id if run.flow_run is not None else "",
                task_run.task_run_id if task_run is not None else "",
                record.name,
                record.levelno,
                self.format(record),
                int(record.created * 1_000_000_000),
                getattr(record, _SOURCE, log_pb2.LOG_SOURCE_LOGGER),
                fields,
            )
            host.backend.write_log(line)
        except Exception:  # as every handler of logging: a record must not end the program
            self.handleError(record)


_PLAIN_SIZE = len(vars(logging.makeLogRecord({})))


class ConsoleHandler(logging.StreamHandler[Any]):
    """Writes records to whatever the standard error is when they are made, each with its run's name."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(
            logging.Formatter("%(asctime)s.%(msecs)03d | %(levelname)-7s | %(where)s%(message)s", datefmt="%H:%M:%S")
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        self.stream = sys.stderr
        super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        run = getattr(record, _RUN, None) or current_run.get()
        if run is None or run.flow_run is None:
            record.where = ""
        elif run.task_run is not None:
            record.where = f"Task run {run.task_run.name!r} - "
        else:
            record.where = f"Flow run {run.flow_run.name!r} - "
        return super().format(record)


def get_run_logger() -> RunLogger:
    """Return a logger of the run that the caller is part of.

    Raises:
        MissingContext: There is no run here.
    """
    run = current_run.get()
    if run is None:
        if _is_silenced.get():
            return RunLogger(None, TASK_RUNS)
        raise MissingContext(
            "there is no run here: call get_run_logger() from within a flow or task. In tests of a function by "
            "itself (`my_task.fn(...)`) wrap the call in headrace.testing.disable_run_logger()."
        )
    return logger_of(run)


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Let `get_run_logger` work outside of runs too, and drop what run loggers are given, within the block."""
    token = _is_silenced.set(True)
    try:
        yield
    finally:
        _is_silenced.reset(token)


def logger_of(run: FlowRun | TaskRun) -> RunLogger:
    """Return a logger of a run."""
    return RunLogger(run, FLOW_RUNS if run.task_run is None else TASK_RUNS)


def configure_logging(settings: Settings, *, to_console: bool | None = None) -> None:
    """Attach the handlers that the settings ask for; once, and again when these settings change.

    Args:
        settings: Levels, loggers and where to.
        to_console: Takes the place of the setting.
    """
    global _configured
    if _configured is settings:
        return
    with _lock:
        _configured = settings
        root = logging.getLogger(ROOT)
        for name in (ROOT, *settings.logging_extra_loggers):
            _remove_ours(logging.getLogger(name))
        root.setLevel(settings.logging_level)
        if settings.logging_file is not None:
            headrace.log_config.apply_file(settings.logging_file)
        handlers: list[logging.Handler] = []
        if settings.logging_to_server and not _has_ours(root):
            handlers.append(RunLogHandler())
        console = settings.logging_to_console if to_console is None else to_console
        # Who gave the logger a handler has a console of their own.
        if console and all(isinstance(handler, RunLogHandler) for handler in root.handlers):
            handlers.append(ConsoleHandler())
            root.propagate = False
        for handler in handlers:
            root.addHandler(handler)
        for name in settings.logging_extra_loggers:
            extra = logging.getLogger(name)
            if extra.level == logging.NOTSET:
                extra.setLevel(settings.logging_level)
            if settings.logging_to_server and not name.startswith(f"{ROOT}.") and not _has_ours(extra):
                extra.addHandler(RunLogHandler())


def writes_to_console() -> bool:
    """Return whether records of runs are written to the standard error of this process."""
    return any(isinstance(handler, ConsoleHandler) for handler in logging.getLogger(ROOT).handlers)


def capture_prints() -> None:
    """Let print() in runs that ask for it become log records, from now on. Everywhere else it stays what it is."""
    if builtins.print is not _print:
        builtins.print = _print


def _print(
    *values: object, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False
) -> None:
    run = current_run.get()
    if run is None or not run.log_prints or (file is not None and file is not sys.stdout):
        _original_print(*values, sep=sep, end=end, file=file, flush=flush)
        return
    text = (" " if sep is None else sep).join(map(str, values))
    if end and end != "\n":
        text += end
    logger_of(run).info("%s", text, extra={_SOURCE: log_pb2.LOG_SOURCE_PRINT})


def _is_field(key: str) -> bool:
    # Libraries that make records of their own mark theirs with an underscore.
    return key not in _USUAL and not key.startswith("_")


def _has_ours(logger: logging.Logger) -> bool:
    return any(isinstance(handler, RunLogHandler) for handler in logger.handlers)


def _remove_ours(logger: logging.Logger) -> None:
    for handler in list(logger.handlers):
        if isinstance(handler, RunLogHandler | ConsoleHandler):
            logger.removeHandler(handler)
