"""What a worker does with one assignment, and what it reports."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Sequence

import pytest

from headrace import errors
from headrace.api.v1 import flow_run_pb2, log_pb2, state_pb2, worker_pb2
from headrace.worker.execution import Execution, RunExecution
from headrace.worker.job import Job
from headrace.worker.launcher import Adopted, Siblings

ACCEPTED = state_pb2.Verdict(
    accepted=state_pb2.Verdict.Accepted(state=state_pb2.State(type=state_pb2.STATE_TYPE_RUNNING, name="Running"))
)


class Process:
    """A process that ends when it is told to."""

    def __init__(self, *, stubborn: bool = False) -> None:
        self.pid = 1
        self.failure = ""
        self.stdout = asyncio.StreamReader()
        self.stderr = asyncio.StreamReader()
        self.signals: list[int] = []
        self._stubborn = stubborn
        self._exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def end(self, code: int) -> None:
        if not self._exited.done():
            self.stdout.feed_eof()
            self.stderr.feed_eof()
            self._exited.set_result(code)

    async def wait(self) -> int:
        return await self._exited

    def signal(self, number: int) -> None:
        self.signals.append(number)
        if number == signal.SIGKILL or not self._stubborn:
            self.end(-number)


class Launcher:
    """Launches the one process that a test has prepared."""

    enters_running = True

    def __init__(self, process: Process | Exception) -> None:
        self.process = process
        self.launched = asyncio.Event()
        self.hooks = asyncio.Event()

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def adopt(self, siblings: Siblings) -> list[Adopted]:
        return []

    async def launch(self, job: Job) -> Process:
        (self.hooks if job.calls_hooks else self.launched).set()
        if isinstance(self.process, Exception):
            raise self.process
        return self.process


class Log:
    """Keeps lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, flow_run_id: str, level: int, message: str, source: log_pb2.LogSource.ValueType) -> None:
        assert level in (logging.INFO, logging.WARNING, logging.ERROR)
        self.lines.append(message)


class Case:
    """One execution with everything around it."""

    def __init__(
        self, process: Process | Exception, verdicts: Sequence[state_pb2.Verdict | errors.HeadraceError]
    ) -> None:
        self.launcher = Launcher(process)
        self.log = Log()
        self._verdicts = iter(verdicts)
        assignment = worker_pb2.Assignment(flow_run=flow_run_pb2.FlowRun(flow_run_id="run", name="brave-otter"))
        assignment.attempt.token = "token"
        self.execution = RunExecution(
            assignment,
            Execution(
                launcher=self.launcher,
                propose=self._propose,
                log=self.log,
                job=lambda given: Job(given.SerializeToString(), "http://127.0.0.1:1", "127.0.0.1:2"),
            ),
        )

    async def _propose(
        self, request: flow_run_pb2.ProposeFlowRunStateRequest, /
    ) -> flow_run_pb2.ProposeFlowRunStateResponse:
        assert request.attempt_token == "token"
        assert request.state.type == state_pb2.STATE_TYPE_RUNNING
        verdict = next(self._verdicts)
        if isinstance(verdict, errors.HeadraceError):
            raise verdict
        return flow_run_pb2.ProposeFlowRunStateResponse(verdict=verdict)


@pytest.mark.parametrize(
    ("exit_code", "outcome", "said"),
    [
        (0, worker_pb2.WORKER_OUTCOME_ENDED, ""),
        (7, worker_pb2.WORKER_OUTCOME_CRASHED, "exit code 7"),
        (-signal.SIGSEGV, worker_pb2.WORKER_OUTCOME_CRASHED, "SIGSEGV"),
        (-signal.SIGKILL, worker_pb2.WORKER_OUTCOME_CRASHED, "out of memory"),
    ],
)
async def test_the_way_a_process_ends_is_reported(
    exit_code: int, outcome: worker_pb2.WorkerOutcome.ValueType, said: str
) -> None:
    process = Process()
    process.stdout.feed_data(b"hello\n")
    process.end(exit_code)
    case = Case(process, [ACCEPTED])
    result = await case.execution.run()
    assert result is not None
    assert (result.outcome, result.exit_code, result.attempt_token) == (outcome, exit_code, "token")
    assert said in result.message
    assert case.log.lines[0] == "hello"
    if exit_code:
        # What ended without a word has not called its hooks.
        await asyncio.wait_for(case.launcher.hooks.wait(), 20)
    else:
        assert not case.launcher.hooks.is_set()


async def test_a_run_that_the_server_refuses_is_not_started() -> None:
    refused = state_pb2.Verdict(aborted=state_pb2.Verdict.Aborted(reason="it was cancelled"))
    case = Case(Process(), [refused])
    result = await case.execution.run()
    assert not case.launcher.launched.is_set()
    assert result is not None
    assert result.outcome == worker_pb2.WORKER_OUTCOME_ENDED


async def test_a_run_that_has_to_wait_is_proposed_again() -> None:
    wait = state_pb2.Verdict(wait=state_pb2.Verdict.Wait(reason="too early"))
    process = Process()
    process.end(0)
    case = Case(process, [wait, wait, ACCEPTED])
    result = await case.execution.run()
    assert result is not None
    assert case.launcher.launched.is_set()


async def test_a_run_goes_back_to_its_queue_where_the_server_cannot_be_asked() -> None:
    case = Case(Process(), [errors.Unavailable("the server is away")])
    result = await case.execution.run()
    assert not case.launcher.launched.is_set()
    assert result is not None
    assert (result.outcome, result.message) == (worker_pb2.WORKER_OUTCOME_RETURNED, "the server is away")


async def test_a_process_that_cannot_be_started_is_reported() -> None:
    case = Case(errors.Unavailable("no more processes"), [ACCEPTED])
    result = await case.execution.run()
    assert result is not None
    assert result.outcome == worker_pb2.WORKER_OUTCOME_NOT_STARTED
    assert "no more processes" in result.message


async def test_cancelling_terminates_and_then_kills() -> None:
    process = Process(stubborn=True)
    case = Case(process, [ACCEPTED])
    running = asyncio.create_task(case.execution.run())
    await case.launcher.launched.wait()
    case.execution.cancel(0.01)
    result = await running
    assert process.signals == [signal.SIGTERM, signal.SIGKILL]
    assert ["asks the process to end" in case.log.lines[0], "is killed" in case.log.lines[1]] == [True, True]
    assert result is not None
    assert result.outcome == worker_pb2.WORKER_OUTCOME_CANCELLED


async def test_a_run_that_is_lost_is_stopped_and_not_reported() -> None:
    process = Process()
    case = Case(process, [ACCEPTED])
    running = asyncio.create_task(case.execution.run())
    await case.launcher.launched.wait()
    case.execution.lose()
    assert await running is None
    assert process.signals == [signal.SIGTERM]
