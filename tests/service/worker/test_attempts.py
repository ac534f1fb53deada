"""A worker that is given the next attempt of a run while the process of the one before still ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc.aio
import pytest

from headrace.api.v1 import flow_run_pb2, log_pb2, state_pb2, worker_pb2, worker_pb2_grpc
from headrace.rpc.channel import open_aio_channel
from headrace.worker import runner, stream
from headrace.worker.execution import Execution
from headrace.worker.job import Job
from headrace.worker.launcher import Adopted, Siblings
from headrace.worker.runner import Worker, WorkerOptions

RUN = "run"


class Process:
    """A process that ends when a test says so, or when it is killed."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.pid = 1
        self.failure = ""
        self.stdout = asyncio.StreamReader()
        self.stderr = asyncio.StreamReader()
        self.signals: list[int] = []
        self._exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def end(self, code: int = 0) -> None:
        """End it."""
        if not self._exited.done():
            self.stdout.feed_eof()
            self.stderr.feed_eof()
            self._exited.set_result(code)

    async def wait(self) -> int:
        return await asyncio.shield(self._exited)

    def signal(self, number: int) -> None:
        self.signals.append(number)
        self.end(-number)


class Launcher:
    """Starts such processes."""

    enters_running = True

    def __init__(self) -> None:
        self.processes: list[Process] = []

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def adopt(self, siblings: Siblings) -> list[Adopted]:
        return []

    async def launch(self, job: Job) -> Process:
        assert not job.calls_hooks
        self.processes.append(Process(job.attempt_token))
        return self.processes[-1]


class Log:
    """Keeps nothing."""

    def write(self, flow_run_id: str, level: int, message: str, source: log_pb2.LogSource.ValueType) -> None:
        pass


class Scheduler(worker_pb2_grpc.WorkerServiceServicer):
    """Says what a test says, and keeps what the worker says. Stores a result once it is told to."""

    def __init__(self) -> None:
        self.said: list[worker_pb2.ConnectRequest] = []
        self._saying: asyncio.Queue[worker_pb2.ConnectResponse] = asyncio.Queue()
        self._heard = asyncio.Event()

    async def Connect(
        self,
        request_iterator: AsyncIterator[worker_pb2.ConnectRequest],
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> AsyncIterator[worker_pb2.ConnectResponse]:
        reading = asyncio.create_task(self._read(request_iterator))
        try:
            welcome = worker_pb2.WorkerWelcome()
            welcome.heartbeat_interval.FromMilliseconds(50)
            yield worker_pb2.ConnectResponse(welcome=welcome)
            while True:
                yield await self._saying.get()
        finally:
            reading.cancel()

    async def _read(self, requests: AsyncIterator[worker_pb2.ConnectRequest]) -> None:
        async for request in requests:
            self.said.append(request)
            self._heard.set()

    def say(self, **message: Any) -> None:
        """Tell the worker something."""
        self._saying.put_nowait(worker_pb2.ConnectResponse(**message))

    def assign(self, token: str) -> None:
        """Give the worker an attempt of the run."""
        assignment = worker_pb2.Assignment(flow_run=flow_run_pb2.FlowRun(flow_run_id=RUN, name="brave-otter"))
        assignment.attempt.token = token
        self.say(assignments=worker_pb2.Assignments(assignments=[assignment]))

    async def until(self, check: Callable[[], Any]) -> Any:
        """Return what `check` returns as soon as it is true; it is asked whenever the worker says something."""
        async with asyncio.timeout(30):
            while not (found := check()):
                self._heard.clear()
                await self._heard.wait()
        return found

    @property
    def acknowledgements(self) -> int:
        """How many assignments the worker has acknowledged."""
        return sum(len(one.ack.flow_run_ids) for one in self.said)

    @property
    def held(self) -> list[str]:
        """The tokens that the last heartbeat has."""
        beats = [one.heartbeat for one in self.said if one.HasField("heartbeat")]
        return [run.attempt_token for run in beats[-1].held] if beats else []

    @property
    def results(self) -> dict[str, worker_pb2.WorkerOutcome.ValueType]:
        """The outcomes that were told, by token."""
        return {one.result.attempt_token: one.result.outcome for one in self.said if one.HasField("result")}


class Stage:
    """A worker on a stream with a scheduler that a test plays."""

    def __init__(self, scheduler: Scheduler, worker: Worker, launcher: Launcher, left: list[Adopted]) -> None:
        self.scheduler = scheduler
        self.worker = worker
        self.launcher = launcher
        self.left = left
        """What workers that are gone have left behind."""

    async def two_attempts(self) -> Process:
        """Have the process of the first attempt run, and give the worker the next one; return the process."""
        self.scheduler.assign("first")
        await self.scheduler.until(lambda: self.launcher.processes)
        self.scheduler.assign("second")
        await self.scheduler.until(lambda: self.scheduler.acknowledgements == 2)
        (first,) = self.launcher.processes
        return first

    async def process_of(self, token: str) -> Process:
        """Return the process of an attempt, once it is started."""
        found: Process = await self.scheduler.until(
            lambda: next((process for process in self.launcher.processes if process.token == token), None)
        )
        return found


async def accept(request: flow_run_pb2.ProposeFlowRunStateRequest, /) -> flow_run_pb2.ProposeFlowRunStateResponse:
    """Let each attempt begin."""
    state = state_pb2.State(type=state_pb2.STATE_TYPE_RUNNING, name="Running")
    verdict = state_pb2.Verdict(accepted=state_pb2.Verdict.Accepted(state=state))
    return flow_run_pb2.ProposeFlowRunStateResponse(verdict=verdict)


def make_job(assignment: worker_pb2.Assignment) -> Job:
    """Return a job that names its attempt."""
    return Job(b"", "http://127.0.0.1:1", "127.0.0.1:2", attempt_token=assignment.attempt.token)


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """A worker with room for one run."""
    monkeypatch.setattr(runner, "_ADOPTION_SECONDS", 0.05)
    scheduler, launcher = Scheduler(), Launcher()
    left: list[Adopted] = []

    async def adopt(is_first: bool) -> list[Adopted]:
        found = left[:]
        left.clear()
        return found

    server = grpc.aio.server()
    worker_pb2_grpc.add_WorkerServiceServicer_to_server(scheduler, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with open_aio_channel(f"127.0.0.1:{port}") as channel:
        execution = Execution(launcher=launcher, propose=accept, log=Log(), job=make_job)
        worker = Worker(WorkerOptions("one", "pool", capacity=1), execution, lambda: channel, adopt=adopt)
        running = asyncio.create_task(worker.run())
        try:
            yield Stage(scheduler, worker, launcher, left)
        finally:
            for process in launcher.processes:
                process.end()
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
    await server.stop(None)


async def test_the_next_attempt_begins_when_the_process_before_has_ended(stage: Stage) -> None:
    first = await stage.two_attempts()
    # It is told of as soon as it is taken, so that its lease is renewed.
    await stage.scheduler.until(lambda: stage.scheduler.held == ["second"])
    assert len(stage.launcher.processes) == 1
    first.end()
    second = await stage.process_of("second")
    assert not first.signals
    second.end()
    await stage.scheduler.until(lambda: "second" in stage.scheduler.results)
    # What the first one came to was over long ago.
    assert stage.scheduler.results == {"second": worker_pb2.WORKER_OUTCOME_ENDED}


async def test_a_process_that_does_not_give_way_is_stopped(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_GIVING_WAY_SECONDS", 0.0)
    first = await stage.two_attempts()
    await stage.process_of("second")
    assert first.signals == [signal.SIGTERM]


async def test_a_next_attempt_that_is_cancelled_never_begins(stage: Stage) -> None:
    first = await stage.two_attempts()
    stage.scheduler.say(cancel=worker_pb2.CancelAssignment(flow_run_id=RUN, attempt_token="second"))
    await stage.scheduler.until(lambda: stage.scheduler.results)
    assert stage.scheduler.results == {"second": worker_pb2.WORKER_OUTCOME_CANCELLED}
    first.end()
    await stage.scheduler.until(lambda: not stage.scheduler.held)
    assert stage.launcher.processes == [first]


async def test_a_next_attempt_that_is_lost_never_begins(stage: Stage) -> None:
    first = await stage.two_attempts()
    stage.scheduler.say(lost=worker_pb2.AssignmentLost(flow_run_id=RUN, attempt_token="second"))
    await stage.scheduler.until(lambda: stage.scheduler.held == ["first"])
    first.end()
    await stage.scheduler.until(lambda: not stage.scheduler.held)
    assert stage.launcher.processes == [first]
    assert not stage.scheduler.results


async def test_that_an_attempt_before_is_lost_does_not_touch_the_next_one(stage: Stage) -> None:
    first = await stage.two_attempts()
    first.end()
    second = await stage.process_of("second")
    stage.scheduler.say(lost=worker_pb2.AssignmentLost(flow_run_id=RUN, attempt_token="first"))
    stage.scheduler.assign("second")
    await stage.scheduler.until(lambda: stage.scheduler.acknowledgements == 3)
    assert not second.signals
    assert stage.worker.runs[RUN].assignment.attempt.token == "second"


async def test_a_retry_does_not_wait_for_the_hooks_of_the_attempt_before(stage: Stage) -> None:
    stage.scheduler.assign("first")
    await stage.scheduler.until(lambda: stage.launcher.processes)
    failed = state_pb2.State(type=state_pb2.STATE_TYPE_FAILED)
    stage.scheduler.say(lost=worker_pb2.AssignmentLost(flow_run_id=RUN, attempt_token="first", state=failed))
    stage.scheduler.assign("second")
    second = await stage.process_of("second")
    first = stage.launcher.processes[0]
    assert not first.signals
    # Neither end takes the other's place.
    first.end()
    second.end(1)
    await stage.scheduler.until(lambda: stage.scheduler.results and not stage.scheduler.held)
    assert stage.scheduler.results == {"second": worker_pb2.WORKER_OUTCOME_CRASHED}


async def test_a_worker_whose_runs_are_stopped_gives_the_next_attempt_back(stage: Stage) -> None:
    await stage.two_attempts()
    stage.worker.drain("the test ends")
    stage.worker.stop_runs(0.0)
    await stage.scheduler.until(lambda: stage.scheduler.results)
    assert stage.scheduler.results == {"second": worker_pb2.WORKER_OUTCOME_RETURNED}
    assert len(stage.launcher.processes) == 1


async def test_a_process_of_another_attempt_that_was_left_behind_is_seen_to_its_end(stage: Stage) -> None:
    stage.scheduler.assign("first")
    first = await stage.process_of("first")
    process = Process("left")
    stage.left.append(Adopted(RUN, "left", "brave-otter", process))
    process.end(3)
    await stage.scheduler.until(lambda: stage.scheduler.results)
    assert stage.scheduler.results == {"left": worker_pb2.WORKER_OUTCOME_CRASHED}
    assert stage.worker.runs[RUN].assignment.attempt.token == "first"
    assert not first.signals


async def test_a_result_is_kept_until_it_is_stored_itself(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_REPEAT_SECONDS", 0.0)
    for token in ("first", "second"):
        stage.scheduler.assign(token)
        (await stage.process_of(token)).end(1)
        await stage.scheduler.until(lambda token=token: token in stage.scheduler.results)  # type: ignore[misc]
    stage.scheduler.say(result_stored=worker_pb2.ResultStored(flow_run_id=RUN, attempt_token="first"))
    stage.scheduler.said.clear()
    # The server has passed the second one over: it is told again and again, and the first one no more.
    await stage.scheduler.until(
        lambda: (
            [one.result.attempt_token for one in stage.scheduler.said if one.HasField("result")][-3:] == ["second"] * 3
        )
    )
    stage.scheduler.say(result_stored=worker_pb2.ResultStored(flow_run_id=RUN, attempt_token="second"))
    stage.worker.drain("the test ends")
