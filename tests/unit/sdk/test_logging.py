# ruff: noqa: T201 - what print() becomes is what is tested here
from __future__ import annotations

import builtins
import io
import logging
import pathlib
import sys
import threading
from typing import Any

import pytest

from headrace import errors, flow, get_run_logger, task
from headrace.log_config import apply_file
from headrace.logging import ConsoleHandler, RunLogHandler
from headrace.outcomes import MissingContext
from headrace.testing import LocalRuns, disable_run_logger, local_runs


def test_records_of_a_run_carry_its_ids(runs: LocalRuns) -> None:
    @task
    def work() -> None:
        get_run_logger().warning("in %s", "task")

    @flow
    def calls() -> None:
        get_run_logger().info("in flow")
        work()
        work.submit().result()

    calls()
    said = {(line.message, line.level, bool(line.task_run_id)) for line in runs.logs() if line.message.startswith("in")}
    assert said == {("in flow", 20, False), ("in task", 30, True)}
    assert {line.flow_run_id for line in runs.logs()} == {runs.flow_runs()[0].flow_run_id}


def test_a_run_logger_can_be_handed_to_another_thread(runs: LocalRuns) -> None:
    @flow
    def calls() -> None:
        logger = get_run_logger()
        thread = threading.Thread(target=lambda: logger.info("elsewhere"))
        thread.start()
        thread.join()

    calls()
    assert "elsewhere" in [line.message for line in runs.logs()]


def test_there_is_no_run_logger_outside_of_runs() -> None:
    with pytest.raises(MissingContext, match="within a flow or task"):
        get_run_logger()


def test_prints_become_records_where_asked_for(runs: LocalRuns, capsys: pytest.CaptureFixture[str]) -> None:
    @task(log_prints=False)
    def silent() -> None:
        print("from silent")

    @task
    def inherits() -> None:
        print("from", "task", sep="-", end="!")
        print("to stderr", file=sys.stderr)

    @flow(log_prints=True)
    def calls() -> None:
        print("\x1b[31mred\x1b[0m")
        silent()
        inherits()

    @flow
    def quiet() -> None:
        print("from quiet")

    calls()
    quiet()
    print("outside")
    messages = [line.message for line in runs.logs()]
    assert "\x1b[31mred\x1b[0m" in messages
    assert "from-task!" in messages
    assert capsys.readouterr().out == "from silent\nfrom quiet\noutside\n"
    assert builtins.print is not None


def test_tracebacks_and_fields_are_kept(runs: LocalRuns) -> None:
    lines = []

    @flow
    def calls() -> None:
        logger = get_run_logger()
        try:
            raise ValueError("inner")
        except ValueError:
            logger.exception("it went wrong")
        logger.info("counted", extra={"rows": 3})
        logging.getLogger("headrace.mine").info("also mine")

    original = runs.write_log

    def keep(line):  # type: ignore[no-untyped-def]
        lines.append(line)
        original(line)

    runs.write_log = keep  # type: ignore[method-assign]
    calls()
    (wrong,) = [line for line in lines if line.message.startswith("it went wrong")]
    assert 'raise ValueError("inner")' in wrong.message
    (counted,) = [line for line in lines if line.message == "counted"]
    assert counted.fields == {"rows": 3}
    assert "headrace.mine" in [line.logger for line in lines]


def test_other_loggers_join_in_when_named() -> None:
    with local_runs(logging_extra_loggers=("mylib",)) as runs:

        @flow
        def calls() -> None:
            logging.getLogger("mylib.part").info("from the library")
            logging.getLogger("otherlib").warning("not for us")

        calls()
        logging.getLogger("mylib").info("outside of a run")
    messages = [line.message for line in runs.logs()]
    assert "from the library" in messages
    assert "not for us" not in messages
    assert "outside of a run" not in messages


def test_functions_that_log_can_be_tested_by_themselves(caplog: pytest.LogCaptureFixture) -> None:
    @task
    def work(number: int) -> int:
        get_run_logger().warning("working on %d", number)
        return number * 2

    with disable_run_logger():
        assert work.fn(2) == 4
        with local_runs() as runs:
            assert flow(lambda: work(3)).with_options(name="calls")() == 6
    assert "working on" not in [line.message[:10] for line in runs.logs()]
    assert "working on" not in caplog.text
    with pytest.raises(MissingContext, match="disable_run_logger"):
        work.fn(2)


def test_the_level_is_kept_to() -> None:
    with local_runs(logging_level="WARNING") as runs:

        @flow
        def calls() -> None:
            get_run_logger().info("small")
            get_run_logger().warning("large")

        calls()
    assert [line.message for line in runs.logs()] == ["large"]


def test_the_console_shows_whose_line_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    # An earlier test may have left the logger without its parent, and pytest then adds a handler of its own.
    monkeypatch.setattr(logging.getLogger("headrace"), "handlers", [])
    with local_runs(logging_to_console=True):
        handlers = logging.getLogger("headrace").handlers
        assert {type(handler) for handler in handlers} == {RunLogHandler, ConsoleHandler}
        shown = io.StringIO()
        monkeypatch.setattr(sys, "stderr", shown)

        @task
        def work() -> None:
            get_run_logger().info("done")

        @flow(flow_run_name="monday")
        def calls() -> None:
            work()

        calls()
        lines = shown.getvalue().splitlines()
    assert lines[0].endswith("| INFO    | Flow run 'monday' - Flow run 'monday' of 'calls' started")
    assert lines[1].endswith("| INFO    | Task run 'work-0' - done")


def test_a_record_that_cannot_be_formatted_does_not_end_the_run(
    runs: LocalRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)

    @flow
    def calls() -> str:
        get_run_logger().info("%d", "no number")
        return "fine"

    assert calls() == "fine"


CONFIG = """
formatters:
  short: {format: "%(levelname)s %(message)s"}
handlers:
  file: {class: logging.FileHandler, filename: $LOG_FILE, formatter: short, level: WARNING}
loggers:
  headrace: {level: DEBUG, handlers: [file]}
  mylib: {level: DEBUG, handlers: [ours]}
"""


@pytest.mark.parametrize("place", ["setting", "home"])
def test_a_file_configures_logging(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    file = tmp_path / "logging.yml"
    ours = "  ours: {class: headrace.logging.RunLogHandler}\n"
    file.write_text(CONFIG.replace("loggers:", f"{ours}loggers:"))
    written = tmp_path / "written.log"
    monkeypatch.setenv("LOG_FILE", str(written))
    settings: dict[str, Any] = {"logging_config": file} if place == "setting" else {"home": tmp_path}
    library = logging.getLogger("mylib")
    try:
        with local_runs(**settings) as runs:

            @flow
            def calls() -> None:
                get_run_logger().debug("small")
                get_run_logger().warning("large")
                library.debug("from the library")

            calls()
        messages = [line.message for line in runs.logs()]
        assert messages.count("small") == messages.count("large") == messages.count("from the library") == 1
        assert written.read_text() == "WARNING large\n"
    finally:
        for logger in (library, logging.getLogger("headrace")):
            for handler in list(logger.handlers):
                logger.removeHandler(handler)
                handler.close()


@pytest.mark.parametrize(("text", "said"), [("- a list", "mapping"), ("handlers: [", "expected"), ("filters: 3", "")])
def test_a_wrong_file_is_named(tmp_path: pathlib.Path, text: str, said: str) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(text)
    with pytest.raises(errors.InvalidArgument, match=f"(?s)HEADRACE_LOGGING_CONFIG.*mine.yml.*{said}"):
        apply_file(file)
    with pytest.raises(errors.InvalidArgument, match="No such file"):
        apply_file(tmp_path / "none.yml")
