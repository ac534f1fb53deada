"""A model of the state service: one run after the other in memory, judged with a few lines of its own.

Each operation is done to the service and to the model, which must give the same answers and end with the same
snapshots. The model knows neither SQL nor the order in which frames arrive.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
import time
import uuid
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration

from headrace.api.v1 import flow_run_pb2, state_pb2, task_run_pb2
from headrace.internal.v1 import state_pb2 as internal
from headrace_chassis.database import Database
from headrace_harness.recording import a_frame, a_transition, record
from headrace_harness.state import (
    CANCELLED,
    CANCELLING,
    COMPLETED,
    CRASHED,
    FAILED,
    PENDING,
    RUNNING,
    SCHEDULED,
    StateClient,
    a_state,
    any_token,
    new_id,
    now,
)

FINAL = {CANCELLED, COMPLETED, FAILED, CRASHED}
HELD = {PENDING, RUNNING, CANCELLING}


@dataclasses.dataclass
class Run:
    """What the model knows of a flow run."""

    run_id: str
    type: int
    token: str = ""
    deployed: bool = True
    retries_left: int = 0
    retries: int = 0
    crashes_left: int = 0
    crashes: int = 0
    attempt: int = 0
    waits_in_process: bool = False
    tokens: list[str] = dataclasses.field(default_factory=list)
    tasks: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    path: list[int] = dataclasses.field(default_factory=list)
    """The states that it went through."""

    def __post_init__(self) -> None:
        self.path.append(self.type)

    def enter(self, state_type: int) -> None:
        """Be in a state."""
        self.type = state_type
        self.path.append(state_type)

    @property
    def held(self) -> bool:
        """Whether an attempt is alive."""
        return self.type in HELD or self.waits_in_process


class Model:
    """What the service should be like, and the operations.

    Args:
        state: The service.
        chance: Chooses what an operation is about.
    """

    def __init__(self, state: StateClient, chance: random.Random) -> None:
        self.state = state
        self.chance = chance
        self.pool = new_id()
        self.runs: list[Run] = []
        self.acknowledged: list[str] = []
        self.told: list[tuple[Any, Any]] = []
        self.renewed_at = time.monotonic()

    async def renew(self) -> None:
        """Renew the leases of all attempts that are alive, once a second."""
        held = [run for run in self.runs if run.held]
        if not held or time.monotonic() - self.renewed_at < 1:
            return
        self.renewed_at = time.monotonic()
        attempts = [task_run_pb2.RecordAttempt(flow_run_id=run.run_id, token=run.token) for run in held]
        for start in range(0, len(attempts), 1000):
            answer = await self.state.record.RenewAttempts(
                task_run_pb2.RenewAttemptsRequest(attempts=attempts[start : start + 1000])
            )
            assert not answer.lost

    def has(self, *types: int) -> bool:
        """Return whether there is a run in one of the types, or any at all."""
        return any(not types or run.type in types for run in self.runs)

    def any_run(self, *types: int) -> Run | None:
        """Return a run in one of the types, None if there is none."""
        found = [run for run in self.runs if not types or run.type in types]
        return self.chance.choice(found) if found else None

    async def schedule(self) -> None:
        """Schedule a run with a policy."""
        retries = self.chance.choice([0, 0, 1, 2])
        # None are told apart from no word about them by a negative number.
        crashes = self.chance.choice([-1, -1, 1])
        run = internal.ScheduledRun(
            flow_run_id=new_id(), flow_name="f", scheduled_at=now(), work_pool_id=self.pool,
            retry_policy=flow_run_pb2.RetryPolicy(retries=retries, infrastructure_retries=crashes),
        )  # fmt: skip
        await self.state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=[run]))
        self.runs.append(
            Run(
                run.flow_run_id, SCHEDULED, retries_left=retries, retries=retries,
                crashes_left=max(0, crashes), crashes=max(0, crashes),
            )
        )  # fmt: skip

    async def script(self) -> None:
        """Create a run that is executed by its creator."""
        created = await self.state.running_run()
        self.runs.append(Run(created.flow_run.flow_run_id, RUNNING, created.attempt.token, deployed=False, attempt=1))

    async def claim(self) -> None:
        """Claim what is due: all that wait, first come, first served."""
        count = self.chance.randint(1, 3)
        # However slow the machine is, no lease runs out between two steps.
        lease = Duration(seconds=60)
        request = internal.ClaimRunsRequest(work_pool_id=self.pool, count=count, lease_duration=lease)
        answer = await self.state.internal.ClaimRuns(request)
        waiting = [run for run in self.runs if run.type == SCHEDULED and not run.waits_in_process and run.deployed]
        assert len(answer.runs) == min(count, len(waiting))
        for claimed in answer.runs:
            [run] = [run for run in waiting if run.run_id == claimed.flow_run.flow_run_id]
            run.enter(PENDING)
            run.token = claimed.attempt.token
            run.attempt += 1
            run.tokens.append(run.token)
            assert claimed.attempt.number == run.attempt

    async def start(self) -> None:
        """Say that a claimed run runs, or one that waits for its retry."""
        waiting = [run for run in self.runs if run.type == PENDING or run.waits_in_process]
        if waiting:
            run = self.chance.choice(waiting)
            await self.propose(run, a_state(RUNNING), "accepted")
            run.enter(RUNNING)
            run.waits_in_process = False

    async def finish(self) -> None:
        """End a run, well or badly."""
        run = self.any_run(RUNNING, CANCELLING)
        if run is None:
            return
        wanted = self.chance.choice([COMPLETED, FAILED, CANCELLED, CRASHED])
        if run.type == CANCELLING and wanted != CANCELLED:
            await self.propose(run, a_state(wanted), "rejected")
        elif wanted == FAILED and run.retries_left:
            await self.propose(run, a_state(FAILED), "rejected")
            run.retries_left -= 1
            run.enter(SCHEDULED)
            run.waits_in_process = True
        elif wanted == CRASHED and run.crashes_left:
            await self.propose(run, a_state(CRASHED), "rejected")
            run.crashes_left -= 1
            run.enter(CRASHED)
            self.end_tasks(run, CRASHED)
            run.enter(SCHEDULED)
            run.token = ""
        else:
            await self.propose(run, a_state(wanted), "accepted")
            run.enter(wanted)
            if wanted in (CRASHED, CANCELLED):
                self.end_tasks(run, wanted)
            if wanted == CRASHED:
                run.token = ""

    def end_tasks(self, run: Run, last: int) -> None:
        """End what was not over of a run's tasks."""
        for path in run.tasks.values():
            if path[-1] not in FINAL:
                path.append(last)

    async def report(self) -> None:
        """Record frames of some task runs, twice and in any order."""
        run = self.any_run(RUNNING)
        if run is None:
            return
        transitions: list[task_run_pb2.TaskRunTransition] = []
        for _ in range(self.chance.randint(1, 4)):
            open_ones = [task for task, path in run.tasks.items() if path[-1] not in FINAL]
            task = self.chance.choice([*open_ones, new_id()])
            path = run.tasks.setdefault(task, [])
            following = self.chance.choice([PENDING, RUNNING, COMPLETED, FAILED]) if path else PENDING
            path.append(following)
            version = len(path)
            transitions.append(a_transition(task, following, version, at=float(version)))
            self.acknowledged.append(transitions[-1].state.state_id)
        attempt = task_run_pb2.RecordAttempt(flow_run_id=run.run_id, token=run.token)
        cut = self.chance.randint(0, len(transitions))
        frames = [a_frame([attempt], part) for part in (transitions[:cut], transitions[cut:]) if part]
        frames += self.chance.sample(frames, self.chance.randint(0, len(frames)))
        self.chance.shuffle(frames)
        answers = await asyncio.gather(*(record(self.state, frame) for frame in frames))
        assert not any(answer.lost for answer in answers)

    async def cancel(self) -> None:
        """Ask a run to stop."""
        run = self.any_run()
        if run is None:
            return
        answer = await self.state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=run.run_id))
        if run.type in FINAL:
            assert answer.verdict.aborted.code == "FINAL_STATE"
        elif run.type == CANCELLING:
            assert answer.verdict.rejected.code == "CANCELLING"
        elif run.held:
            assert answer.verdict.HasField("accepted")
            run.enter(CANCELLING)
            run.waits_in_process = False
        else:
            assert answer.verdict.rejected.code == "NOTHING_TO_STOP"
            run.enter(CANCELLED)
            self.end_tasks(run, CANCELLED)

    async def retry(self) -> None:
        """Schedule a final run again."""
        run = self.any_run()
        if run is None:
            return
        answer = await self.state.runs.RetryFlowRun(flow_run_pb2.RetryFlowRunRequest(flow_run_id=run.run_id))
        if run.type not in FINAL:
            assert answer.verdict.aborted.code == "NOT_FINAL"
        elif not run.deployed:
            assert answer.verdict.aborted.code == "NOT_CLAIMABLE"
        else:
            assert answer.verdict.HasField("accepted")
            run.enter(SCHEDULED)
            run.retries_left, run.crashes_left = run.retries, run.crashes

    async def intrude(self) -> None:
        """Try what nobody may: with a token of before, or none."""
        run = self.any_run()
        if run is None:
            return
        tokens = [token for token in run.tokens if token != run.token] or [any_token()]
        token = self.chance.choice(tokens)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.state.propose(run.run_id, a_state(self.chance.choice([RUNNING, COMPLETED, FAILED])), token)
        assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
        attempt = task_run_pb2.RecordAttempt(flow_run_id=run.run_id, token=token)
        answer = await record(self.state, a_frame([attempt], [a_transition(new_id(), PENDING, 1)]))
        assert [lost.flow_run_id for lost in answer.lost] == [run.run_id]

    async def repeat(self) -> None:
        """Send a proposal of before again: the first answer comes back."""
        if self.told:
            request, answer = self.chance.choice(self.told)
            again = await self.state.runs.ProposeFlowRunState(request)
            assert again.verdict == answer.verdict

    async def give_back(self) -> None:
        """Give a claimed run back."""
        run = self.any_run(PENDING)
        if run is not None:
            ref = internal.AttemptRef(flow_run_id=run.run_id, token=run.token)
            answer = await self.state.internal.ReturnRuns(internal.ReturnRunsRequest(attempts=[ref]))
            assert answer.returned == 1
            run.enter(SCHEDULED)
            run.token = ""

    async def propose(self, run: Run, state: state_pb2.State, verdict: str) -> None:
        """Propose a state as the attempt that holds the run."""
        request = flow_run_pb2.ProposeFlowRunStateRequest(flow_run_id=run.run_id, state=state, attempt_token=run.token)
        answer = await self.state.runs.ProposeFlowRunState(request)
        assert answer.verdict.WhichOneof("verdict") == verdict, (run, answer)
        stored = answer.verdict.rejected.state if verdict == "rejected" else answer.verdict.accepted.state
        # Where nothing was stored the proposal is judged anew each time.
        if answer.verdict.rejected.code != "CANCELLING":
            self.told.append((request, answer))
            self.acknowledged.append(stored.state_id)

    def snapshot(self) -> dict[str, Any]:
        """Return what should be stored: of each run its state, its attempts and its path, and its task runs."""
        return {
            run.run_id: (
                run.type,
                run.attempt,
                run.path,
                {task: (path[-1], len(path), sorted(path)) for task, path in sorted(run.tasks.items())},
            )
            for run in self.runs
        }

    async def stored(self, database: Database) -> dict[str, Any]:
        """Return what is stored."""
        ids = [uuid.UUID(run.run_id) for run in self.runs]
        async with database.connection() as connection:
            runs = await connection.fetch(
                "select flow_run_id, state_type, attempt from flow_run where flow_run_id = any ($1)", ids
            )
            tasks = await connection.fetch(
                "select flow_run_id, task_run_id, state_type, state_version from task_run where flow_run_id = any ($1)"
                " order by task_run_id",
                ids,
            )
            history = await connection.fetch(
                "select run_id, state_type from transition where flow_run_id = any ($1) order by run_id, version", ids
            )
        paths: dict[uuid.UUID, list[int]] = {}
        for row in history:
            path = paths.setdefault(row["run_id"], [])
            entered = _number(row["state_type"])
            # A run that waits for long is told to be late, which the model knows nothing of: it has no clock.
            if not (path and path[-1] == entered == SCHEDULED):
                path.append(entered)
        found: dict[str, Any] = {
            str(row["flow_run_id"]): (_number(row["state_type"]), row["attempt"], paths[row["flow_run_id"]], {})
            for row in runs
        }
        for row in tasks:
            found[str(row["flow_run_id"])][3][str(row["task_run_id"])] = (
                _number(row["state_type"]),
                row["state_version"],
                sorted(paths[row["task_run_id"]]),
            )
        return found

    async def compare(self, database: Database) -> None:
        """Compare every run and task run, with their histories, with the model."""
        expected, found = self.snapshot(), await self.stored(database)
        assert found == expected


def _number(state_type: str) -> int:
    return state_pb2.StateType.Value(f"STATE_TYPE_{state_type}")
