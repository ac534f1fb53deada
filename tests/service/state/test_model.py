"""The service against a model of it: random operations, the same answers, the same end.

The model keeps one run after the other in memory and judges with its own few lines. It knows neither SQL nor
the order in which frames arrive.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import random
import time
from typing import Any

import grpc
import grpc.aio
import pytest

from headrace.api.v1 import flow_run_pb2, state_pb2, task_run_pb2
from headrace.internal.v1 import state_pb2 as internal
from headrace_chassis.database import Database
from headrace_harness.invariants import assert_invariants
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

STEPS = int(os.environ.get("HEADRACE_MODEL_STEPS", "150"))
"""Operations of a walk; set it to more for a long one."""

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
    attempt: int = 0
    waits_in_process: bool = False
    tokens: list[str] = dataclasses.field(default_factory=list)
    tasks: dict[str, list[int]] = dataclasses.field(default_factory=dict)

    @property
    def held(self) -> bool:
        """Whether an attempt is alive."""
        return self.type in HELD or self.waits_in_process


class Model:
    """Walks at random; each operation is done to the service and to the model."""

    def __init__(self, state: StateClient, seed: int) -> None:
        self.state = state
        self.chance = random.Random(seed)
        self.pool = new_id()
        self.runs: list[Run] = []
        self.acknowledged: list[str] = []
        self.told: list[tuple[Any, Any]] = []
        self.renewed_at = time.monotonic()

    async def walk(self, steps: int) -> None:
        """Take so many steps."""
        operations = [
            (self.schedule, 3), (self.script, 2), (self.claim, 5), (self.start, 6), (self.finish, 6), (self.report, 10),
            (self.cancel, 1), (self.retry, 2), (self.intrude, 3), (self.repeat, 3), (self.give_back, 1),
        ]  # fmt: skip
        choices = [operation for operation, weight in operations for _ in range(weight)]
        for _ in range(steps):
            await self.renew()
            await self.chance.choice(choices)()

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

    def any_run(self, *types: int) -> Run | None:
        """Return a run in one of the types, None if there is none."""
        found = [run for run in self.runs if not types or run.type in types]
        return self.chance.choice(found) if found else None

    async def schedule(self) -> None:
        """Schedule a run with a policy."""
        retries = self.chance.choice([0, 0, 1, 2])
        run = internal.ScheduledRun(
            flow_run_id=new_id(), flow_name="f", scheduled_at=now(), work_pool_id=self.pool,
            retry_policy=flow_run_pb2.RetryPolicy(retries=retries),
        )  # fmt: skip
        await self.state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=[run]))
        self.runs.append(Run(run.flow_run_id, SCHEDULED, retries_left=retries, retries=retries))

    async def script(self) -> None:
        """Create a run that is executed by its creator."""
        created = await self.state.running_run()
        self.runs.append(Run(created.flow_run.flow_run_id, RUNNING, created.attempt.token, deployed=False, attempt=1))

    async def claim(self) -> None:
        """Claim what is due: all that wait, first come, first served."""
        count = self.chance.randint(1, 3)
        answer = await self.state.internal.ClaimRuns(internal.ClaimRunsRequest(work_pool_id=self.pool, count=count))
        waiting = [run for run in self.runs if run.type == SCHEDULED and not run.waits_in_process and run.deployed]
        assert len(answer.runs) == min(count, len(waiting))
        for claimed in answer.runs:
            [run] = [run for run in waiting if run.run_id == claimed.flow_run.flow_run_id]
            run.type, run.token = PENDING, claimed.attempt.token
            run.attempt += 1
            run.tokens.append(run.token)
            assert claimed.attempt.number == run.attempt

    async def start(self) -> None:
        """Say that a claimed run runs, or one that waits for its retry."""
        waiting = [run for run in self.runs if run.type == PENDING or run.waits_in_process]
        if waiting:
            run = self.chance.choice(waiting)
            await self.propose(run, a_state(RUNNING), "accepted")
            run.type, run.waits_in_process = RUNNING, False

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
            run.type, run.waits_in_process = SCHEDULED, True
        else:
            await self.propose(run, a_state(wanted), "accepted")
            run.type = wanted
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
            run.type, run.waits_in_process = CANCELLING, False
        else:
            assert answer.verdict.rejected.code == "NOTHING_TO_STOP"
            run.type = CANCELLED
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
            run.type, run.retries_left = SCHEDULED, run.retries

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
            run.type, run.token = SCHEDULED, ""

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

    async def compare(self) -> None:
        """Compare every run and task run with the model."""
        for run in self.runs:
            stored = await self.state.get_run(run.run_id)
            assert (stored.state.type, stored.attempt) == (run.type, run.attempt), run
            for task, path in run.tasks.items():
                found = await self.state.task_run(task)
                assert (found.state.type, found.state.version) == (path[-1], len(path)), (run, task, path)


@pytest.mark.parametrize("seed", range(3))
async def test_the_service_does_what_the_model_does(state: StateClient, database: Database, seed: int) -> None:
    model = Model(state, seed)
    await model.walk(STEPS)
    await model.compare()
    async with database.connection() as connection:
        await assert_invariants(connection, acknowledged=model.acknowledged)
