"""A Hypothesis state machine that drives the state service beside its model, and the service that it drives.

Hypothesis chooses the operations and what they are about, and, where something differs, finds a short way there.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import random
from collections.abc import Iterator

import hypothesis.strategies as st
from hypothesis import HealthCheck, note, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from headrace.client.loop import LoopThread
from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace_chassis.caller import set_caller
from headrace_chassis.database import Database
from headrace_chassis.resolving import service_caller
from headrace_harness.invariants import assert_invariants
from headrace_harness.model import Model
from headrace_harness.postgres import service_database
from headrace_harness.services import running_service
from headrace_harness.state import CANCELLING, PENDING, RUNNING, SCHEDULED, PlayedScheduler, StateClient
from headrace_state.wiring import build


@dataclasses.dataclass
class Bench:
    """A running service, and what machines did to it."""

    thread: LoopThread
    """Where it runs."""
    state: StateClient
    database: Database
    acknowledged: list[str] = dataclasses.field(default_factory=list)
    steps: int = 0
    machines: int = 0
    runs: int = 0
    task_runs: int = 0

    def check(self) -> None:
        """Assert that the invariants hold for all runs of all machines."""

        async def check() -> None:
            async with self.database.connection() as connection:
                await assert_invariants(connection, acknowledged=self.acknowledged)

        self.thread.run(check())


@contextlib.contextmanager
def bench_on(database_url: str) -> Iterator[Bench]:
    """Lend the state service, running in a thread of its own on a migrated database."""
    thread = LoopThread("modelled service")
    ready: concurrent.futures.Future[Bench] = concurrent.futures.Future()
    stop = asyncio.Event()

    async def serve() -> None:
        try:
            async with (
                running_service("state", build, database_url, neighbours={"scheduler": [_scheduler()]}) as running,
                service_database(database_url, "state") as database,
            ):
                ready.set_result(Bench(thread, StateClient(running.channel, running.internal_channel), database))
                await stop.wait()
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)

    acting = set_caller(service_caller("scheduler", DEFAULT_WORKSPACE_ID))
    serving = thread.submit(serve())
    try:
        yield ready.result(60)
    finally:
        acting.var.reset(acting)
        thread.loop.call_soon_threadsafe(stop.set)
        try:
            serving.result(60)
        finally:
            thread.stop()


def _scheduler() -> PlayedScheduler:
    return PlayedScheduler()  # type: ignore[abstract] # only what the state service asks for


def run_machines(bench: Bench, examples: int, steps: int) -> None:
    """Let Hypothesis run state machines.

    Args:
        bench: The service.
        examples: How many machines.
        steps: Operations of each, at most.

    Raises:
        AssertionError: The service did something else than the model.
    """
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine_of(bench), settings=chosen)


def machine_of(bench: Bench) -> type[RuleBasedStateMachine]:
    """Return a state machine whose examples all use one service, each with runs and a work pool of its own."""
    chances = st.randoms(use_true_random=False)

    class ServiceMachine(RuleBasedStateMachine):
        """Does the same to the service and to the model."""

        model: Model

        @initialize(chance=chances)
        def begin(self, chance: random.Random) -> None:
            """Begin with nothing."""
            bench.machines += 1
            self.model = Model(bench.state, chance)

        def _do(self, operation: str, chance: random.Random) -> None:
            self.model.chance = chance
            bench.steps += 1
            note(operation)
            bench.thread.run(self._step(operation))

        async def _step(self, operation: str) -> None:
            await self.model.renew()
            await getattr(self.model, operation)()

        @rule(chance=chances)
        def schedule(self, chance: random.Random) -> None:
            """Schedule a run."""
            self._do("schedule", chance)

        @rule(chance=chances)
        def script(self, chance: random.Random) -> None:
            """Begin a script's run."""
            self._do("script", chance)

        @precondition(lambda self: self.model.has(SCHEDULED))
        @rule(chance=chances)
        def claim(self, chance: random.Random) -> None:
            """Claim."""
            self._do("claim", chance)

        @precondition(lambda self: self.model.has(PENDING, SCHEDULED))
        @rule(chance=chances)
        def start(self, chance: random.Random) -> None:
            """Start."""
            self._do("start", chance)

        @precondition(lambda self: self.model.has(RUNNING, CANCELLING))
        @rule(chance=chances)
        def finish(self, chance: random.Random) -> None:
            """End a run."""
            self._do("finish", chance)

        @precondition(lambda self: self.model.has(RUNNING))
        @rule(chance=chances)
        def report(self, chance: random.Random) -> None:
            """Record task runs."""
            self._do("report", chance)

        @precondition(lambda self: self.model.has(RUNNING))
        @rule(chance=chances)
        def report_more(self, chance: random.Random) -> None:
            """Record task runs, which is what most happens."""
            self._do("report", chance)

        @precondition(lambda self: self.model.has())
        @rule(chance=chances)
        def cancel(self, chance: random.Random) -> None:
            """Cancel."""
            self._do("cancel", chance)

        @precondition(lambda self: self.model.has())
        @rule(chance=chances)
        def retry(self, chance: random.Random) -> None:
            """Retry."""
            self._do("retry", chance)

        @precondition(lambda self: self.model.has())
        @rule(chance=chances)
        def intrude(self, chance: random.Random) -> None:
            """Try what nobody may."""
            self._do("intrude", chance)

        @precondition(lambda self: bool(self.model.told))
        @rule(chance=chances)
        def repeat(self, chance: random.Random) -> None:
            """Say something again."""
            self._do("repeat", chance)

        @precondition(lambda self: self.model.has(PENDING))
        @rule(chance=chances)
        def give_back(self, chance: random.Random) -> None:
            """Give a claimed run back."""
            self._do("give_back", chance)

        def teardown(self) -> None:
            """Compare the snapshots."""
            if hasattr(self, "model"):
                bench.thread.run(self.model.compare(bench.database))
                bench.acknowledged += self.model.acknowledged
                bench.runs += len(self.model.runs)
                bench.task_runs += sum(len(run.tasks) for run in self.model.runs)

    return ServiceMachine
