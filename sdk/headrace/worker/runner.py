"""The worker: takes assignments off its stream, executes each in a process, reports how it ended."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc.aio

import headrace
from headrace import errors
from headrace.api.v1 import state_pb2, worker_pb2
from headrace.ids import uuid7
from headrace.worker.execution import DEFAULT_GRACE_SECONDS, Execution, RunExecution
from headrace.worker.launcher import Adopted
from headrace.worker.stream import WorkerStream

logger = logging.getLogger("headrace.worker")

Adopter = Callable[[bool], Awaitable[list[Adopted]]]
"""Returns what workers that are gone have started; it is told whether this worker has just started itself."""

_ADOPTION_SECONDS = 15.0
_GIVING_WAY_SECONDS = 3.0
"""How long the process of an attempt that is over may take to end by itself when the next one is here already."""
_ENDED_BY_ITSELF = (state_pb2.STATE_TYPE_COMPLETED, state_pb2.STATE_TYPE_FAILED)
"""What the process of a run brings it to, and nobody else."""


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What a worker is told when it starts."""

    name: str
    """The name that people read."""
    work_pool_name: str = ""
    """The pool to take from; empty for a process that serves deployments."""
    work_queue_names: Sequence[str] = ()
    """The queues to take from; empty is all of the pool."""
    deployment_ids: Sequence[str] = ()
    """The deployments that the process serves, in place of a pool."""
    type: str = "process"
    """The kind of worker, and of a pool that is created for it."""
    create_pool: bool = True
    """Whether a missing pool is created."""
    capacity: int = 10
    """How many runs at once."""
    labels: Mapping[str, Any] = field(default_factory=dict)
    """What runs can ask for."""


class Worker:
    """Executes flow runs until it is drained or stopped."""

    def __init__(
        self,
        options: WorkerOptions,
        execution: Execution,
        channel: Callable[[], grpc.aio.Channel],
        *,
        worker_id: str | None = None,
        on_change: Callable[[], None] = lambda: None,
        adopt: Adopter | None = None,
    ) -> None:
        """Prepare; nothing is opened.

        Args:
            options: What the worker was told.
            execution: How runs are executed.
            channel: Gives the channel to the server.
            worker_id: UUIDv7 that identifies the process; None makes one.
            on_change: Called when a run starts or ends, or the connection changes; for a live display.
            adopt: Finds what workers that are gone have started; None where that looks after itself.
        """
        self.options = options
        self.worker_id = worker_id or str(uuid7())
        self.connected = False
        self.runs: dict[str, RunExecution] = {}
        self._following: dict[str, worker_pb2.Assignment] = {}
        """Next attempts of runs whose processes have given the run up, and have not ended yet."""
        self._leaving: set[RunExecution] = set()
        """Attempts beside those in `runs`: over, with hooks still to be called; or found with nobody to look after."""
        self._execution = execution
        self._on_change = on_change
        self._adopt = adopt
        self._stream = WorkerStream(channel, self)
        self._draining = False
        self._paused = False
        self._paused_by_server = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Work until `drain` was called and the last run has ended.

        Raises:
            errors.HeadraceError: The server refuses this worker for good.
        """
        await self._execution.launcher.start()
        tasks = [asyncio.create_task(self._wait_until_drained(), name="worker-drained")]
        if self._adopt is not None:
            # Before the first greeting, which names what the worker holds.
            await self._adopt_once(self._adopt, is_first=True)
            tasks.append(asyncio.create_task(self._adopt_regularly(self._adopt), name="worker-adoption"))
        tasks.append(asyncio.create_task(self._stream.run(), name="worker-stream"))
        try:
            done, _pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (*tasks, *self._tasks):
                task.cancel()
            await asyncio.gather(*tasks, *self._tasks, return_exceptions=True)
            await self._execution.launcher.close()

    async def _adopt_regularly(self, adopt: Adopter) -> None:
        while True:
            await asyncio.sleep(_ADOPTION_SECONDS * random.uniform(0.7, 1.3))
            if not self._draining:
                await self._adopt_once(adopt, is_first=False)

    async def _adopt_once(self, adopt: Adopter, *, is_first: bool) -> None:
        try:
            found = await adopt(is_first)
        except errors.HeadraceError as error:
            logger.warning("What other workers have left cannot be looked for now: %s", error)
            return
        for adopted in found:
            assignment = worker_pb2.Assignment()
            assignment.flow_run.flow_run_id = adopted.flow_run_id
            assignment.flow_run.name = adopted.flow_run_name
            assignment.attempt.token = adopted.attempt_token
            execution = RunExecution(assignment, self._execution, adopted=adopted.process)
            if adopted.flow_run_id in self.runs:
                # Another attempt of a run that goes on here. Which of them counts, the server knows.
                self._leaving.add(execution)
                self._watch(execution)
                continue
            logger.info("The run %s goes on; it was started by a worker that is gone.", adopted.flow_run_id)
            self._begin(execution)
        if found:
            self._stream.beat()

    def drain(self, reason: str) -> None:
        """Take nothing new; `run` returns when the last run has ended."""
        if not self._draining:
            self._draining = True
            self._changed.set()
            self._stream.announce_draining(reason)
            self._stream.beat()
            self._on_change()

    @property
    def draining(self) -> bool:
        """Whether the worker takes nothing new."""
        return self._draining

    @property
    def paused(self) -> bool:
        """Whether the worker takes nothing new until it is told to go on."""
        return self._paused or self._paused_by_server

    def pause(self) -> None:
        """Take nothing new until `resume`; what runs goes on."""
        self._set_paused(True)

    def resume(self) -> None:
        """Take runs again, unless the server has paused the worker."""
        self._set_paused(False)

    def _set_paused(self, paused: bool) -> None:
        if paused != self._paused:
            self._paused = paused
            self._stream.beat()
            self._on_change()

    def _set_paused_by_server(self, paused: bool) -> None:
        if paused != self._paused_by_server:
            self._paused_by_server = paused
            self._stream.beat()
            self._on_change()

    def stop_runs(self, grace_seconds: float = DEFAULT_GRACE_SECONDS) -> None:
        """Stop all runs; their policy decides whether another worker runs them again."""
        following, self._following = self._following, {}
        for assignment in following.values():
            # Nothing of it was started.
            self._report(assignment, worker_pb2.WORKER_OUTCOME_RETURNED)
        for execution in (*self.runs.values(), *self._leaving):
            execution.stop(grace_seconds)

    # What the stream asks and tells.

    def hello(self) -> worker_pb2.WorkerHello:
        """Who the worker is, and what it runs now."""
        options = self.options
        hello = worker_pb2.WorkerHello(
            worker_id=self.worker_id,
            name=options.name,
            work_pool_name=options.work_pool_name,
            work_queue_names=options.work_queue_names,
            deployment_ids=options.deployment_ids,
            type=options.type,
            create_pool=options.create_pool,
            capacity=options.capacity,
            client_version=headrace.__version__,
            host=socket.gethostname(),
            held=self._held(),
            free_capacity=self._free_capacity(),
            paused=self._paused,
        )
        hello.labels.update(dict(options.labels))
        return hello

    def heartbeat(self) -> worker_pb2.WorkerHeartbeat:
        """How much more the worker takes, and what it runs now."""
        return worker_pb2.WorkerHeartbeat(
            free_capacity=self._free_capacity(),
            held=self._held(),
            paused=self._paused,
        )

    def on_connected(self, connected: bool) -> None:
        """The stream stands, or broke."""
        if connected != self.connected:
            self.connected = connected
            if connected and self._draining:
                self._stream.announce_draining("the worker was told to stop")
            self._on_change()

    def on_response(self, response: worker_pb2.ConnectResponse) -> None:
        """Take a message of the server."""
        match response.WhichOneof("message"):
            case "assignments":
                for assignment in response.assignments.assignments:
                    self._take(assignment)
            case "cancel":
                self._cancel(response.cancel)
            case "lost":
                self._lose(response.lost)
            case "drain":
                logger.info("The server asks to drain: %s", response.drain.reason)
                self.drain(response.drain.reason)
            case "welcome":
                # As it stands now, whatever was said on streams before.
                self._set_paused_by_server(response.welcome.paused)
            case "pause":
                logger.info("The server asks to pause: %s", response.pause.reason)
                self._set_paused_by_server(True)
            case "resume":
                logger.info("The server lets the worker go on.")
                self._set_paused_by_server(False)
            case "result_stored":
                self._changed.set()
            case _:
                pass  # Confirmations are the stream's own; what a newer server says more is not for us.

    def _take(self, assignment: worker_pb2.Assignment) -> None:
        flow_run_id = assignment.flow_run.flow_run_id
        known = self.runs.get(flow_run_id)
        if known is not None and known.assignment.attempt.token == assignment.attempt.token:
            self._stream.acknowledge(flow_run_id)
            return
        if known is not None and known.has_ended and not self._draining:
            # Its process calls hooks, or writes what is left of its output: nobody waits for that.
            self._stream.acknowledge(flow_run_id)
            self._leaving.add(known)
            self._begin(RunExecution(assignment, self._execution))
            return
        if known is not None and not self._draining:
            # It slept, or waited for something, so shortly that its process is still on its way out.
            self._stream.acknowledge(flow_run_id)
            self._following[flow_run_id] = assignment
            known.give_way(_GIVING_WAY_SECONDS)
            return
        if self._draining or self._free_capacity() <= 0:
            # Not acknowledged: it goes back to its queue by itself.
            logger.warning("The run %s is not taken now.", flow_run_id)
            return
        self._stream.acknowledge(flow_run_id)
        self._begin(RunExecution(assignment, self._execution))

    def _cancel(self, asked: worker_pb2.CancelAssignment) -> None:
        execution = self.runs.get(asked.flow_run_id)
        if execution is not None and execution.assignment.attempt.token == asked.attempt_token:
            execution.cancel(asked.grace.ToTimedelta().total_seconds() or DEFAULT_GRACE_SECONDS)
        elif (following := self._take_following(asked.flow_run_id, asked.attempt_token)) is not None:
            self._report(following, worker_pb2.WORKER_OUTCOME_CANCELLED)

    def _lose(self, lost: worker_pb2.AssignmentLost) -> None:
        # A server that names no attempt means the newest.
        if self._take_following(lost.flow_run_id, lost.attempt_token) is not None:
            return
        execution = self.runs.get(lost.flow_run_id)
        if execution is None or lost.attempt_token not in ("", execution.assignment.attempt.token):
            return
        has_ended = lost.state.type in _ENDED_BY_ITSELF
        if not has_ended:
            logger.warning("The run %s is no longer this worker's: %s", execution.flow_run_id, lost.reason)
        execution.lose(has_ended=has_ended)

    def _take_following(self, flow_run_id: str, attempt_token: str) -> worker_pb2.Assignment | None:
        """Take away a next attempt that waits for its process; None if it is none, or not this one."""
        following = self._following.get(flow_run_id)
        if following is None or attempt_token not in ("", following.attempt.token):
            return None
        return self._following.pop(flow_run_id)

    def _report(self, assignment: worker_pb2.Assignment, outcome: worker_pb2.WorkerOutcome.ValueType) -> None:
        """Tell what became of an assignment of which nothing was started."""
        self._stream.report(
            worker_pb2.WorkerResult(
                flow_run_id=assignment.flow_run.flow_run_id, attempt_token=assignment.attempt.token, outcome=outcome
            )
        )

    def _begin(self, execution: RunExecution) -> None:
        self.runs[execution.flow_run_id] = execution
        self._watch(execution)
        self._on_change()

    def _watch(self, execution: RunExecution) -> None:
        task = asyncio.create_task(self._see_through(execution), name=f"run-{execution.flow_run_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _see_through(self, execution: RunExecution) -> None:
        try:
            result = await execution.run()
        finally:
            if execution in self._leaving:
                self._leaving.discard(execution)
            else:
                del self.runs[execution.flow_run_id]
            self._changed.set()
        if result is not None:
            self._stream.report(result)
        has_place = execution.flow_run_id not in self.runs
        if has_place and (following := self._following.pop(execution.flow_run_id, None)) is not None:
            self._begin(RunExecution(following, self._execution))
        self._stream.beat()
        self._on_change()

    def _held(self) -> list[worker_pb2.HeldRun]:
        """Name each run once, by its newest attempt."""
        newest = {run: execution.assignment.attempt.token for run, execution in self.runs.items()}
        newest.update({run: assignment.attempt.token for run, assignment in self._following.items()})
        return [worker_pb2.HeldRun(flow_run_id=run, attempt_token=token) for run, token in newest.items()]

    def _free_capacity(self) -> int:
        return 0 if self._draining or self.paused else max(0, self.options.capacity - len(self.runs))

    @property
    def _is_busy(self) -> bool:
        return bool(self.runs or self._leaving or self._stream.unstored_results)

    async def _wait_until_drained(self) -> None:
        while not (self._draining and not self._is_busy):
            self._changed.clear()
            await self._changed.wait()
