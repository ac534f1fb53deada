"""Transactions: what is made good together, undone together, and locked."""

from __future__ import annotations

import asyncio
import pathlib
import threading
from typing import Any

import pytest

from headrace import errors, flow, get_flow_run, get_transaction, task, transaction
from headrace.caching import INPUTS
from headrace.locking import FileLockManager, Lock, LockManager, LockTimeout, MemoryLockManager
from headrace.outcomes import CancelInterrupt, CancelledRun, Interrupted, LeaseLostInterrupt
from headrace.results import ResultStore
from headrace.testing import LocalRuns
from headrace.transactions import CommitMode, IsolationLevel, Transaction

WAIT = 60.0


def states_of(runs: LocalRuns) -> dict[str, list[str]]:
    return {run.name: [state.name for state in run.states] for run in runs.task_runs()}


class Story:
    """Tasks that tell what happens to them."""

    def __init__(self) -> None:
        self.told: list[str] = []

        @task
        def write(name: str) -> str:
            self.told.append(f"write {name}")
            return name

        @write.on_rollback
        def undo(work: Transaction) -> None:
            self.told.append(f"undo {work.get('what', '')}".strip())

        @write.on_commit
        def keep(work: Transaction) -> None:
            self.told.append(f"keep {work.get('what', '')}".strip())

        @task(on_rollback=lambda _: self.told.append("never undone"))
        def fails() -> None:
            raise ValueError("boom")

        self.write, self.fails = write, fails


def test_tasks_are_undone_in_reverse_order_if_the_block_fails(runs: LocalRuns) -> None:
    story = Story()

    @flow
    def calls() -> None:
        with pytest.raises(ValueError, match="boom"), transaction() as work:
            work.set("what", "it")
            story.write("a")
            story.write("b")
            story.fails()
        assert work.is_rolled_back()

    calls()
    assert story.told == ["write a", "write b", "undo it", "undo it"]
    assert states_of(runs) == {
        "write-0": ["Running", "Completed", "RolledBack"],
        "write-1": ["Running", "Completed", "RolledBack"],
        "fails-0": ["Running", "Failed"],
    }
    assert all(run.state.is_completed() for run in runs.task_runs() if run.name.startswith("write"))


def test_tasks_are_made_good_together_at_the_end_of_the_block(runs: LocalRuns) -> None:
    story = Story()

    @flow
    def calls() -> None:
        with transaction() as work:
            story.write("a")
            story.write.submit("b").result()
            assert get_transaction() is work
            assert not work.is_committed()
            story.told.append("end")
        assert work.is_committed()
        assert get_transaction() is None

    calls()
    assert story.told == ["write a", "write b", "end", "keep", "keep"]


def test_a_task_outside_of_a_block_is_its_own_transaction(runs: LocalRuns) -> None:
    story = Story()

    @task(on_commit=lambda work: story.told.append(work.get("from inside")))
    def asks() -> None:
        work = get_transaction()
        assert work is not None
        work.set("from inside", "heard")

    @flow
    def calls() -> None:
        story.write("a")
        story.fails(return_state=True)
        asks()

    calls()
    assert story.told == ["write a", "keep", "heard"]


def test_a_block_within_a_block_ends_with_the_outer_one(runs: LocalRuns) -> None:
    story = Story()

    @flow
    def calls(mode: CommitMode | None) -> None:
        with pytest.raises(ValueError, match="late"), transaction():
            with transaction(commit_mode=mode) as inner:
                inner.set("what", "inner")
                story.write("a")
            raise ValueError("late")

    calls(None)
    assert story.told == ["write a", "undo inner"]
    story.told.clear()
    calls(CommitMode.EAGER)
    assert story.told == ["write a", "keep inner"]


def test_a_transaction_that_nobody_commits_is_undone(runs: LocalRuns) -> None:
    story = Story()

    @flow
    def calls() -> None:
        with transaction(commit_mode="OFF"):
            story.write("a")

    calls()
    assert story.told == ["write a", "undo"]


def test_a_failing_commit_hook_undoes_everything_and_is_raised(runs: LocalRuns) -> None:
    story = Story()

    @flow
    def calls() -> None:
        with pytest.raises(OSError, match="full"), transaction() as work:

            @work.on_commit
            def fill(_: Transaction) -> None:
                raise OSError("disk full")

            @work.on_rollback
            def broken(_: Transaction) -> None:
                raise KeyError("the others are undone all the same")

            work.on_rollback(lambda _: story.told.append("undone"))
        assert work.is_rolled_back()

    calls()
    assert story.told == ["undone"]


async def test_asynchronous_blocks_await_their_hooks_on_the_same_loop(runs: LocalRuns) -> None:
    loops: list[Any] = []

    @task
    async def write() -> None:
        await asyncio.sleep(0)

    @write.on_rollback
    async def undo(_: Transaction) -> None:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())

    @flow
    async def calls() -> None:
        with pytest.raises(ValueError, match="boom"):
            async with transaction():
                await asyncio.gather(write(), write())
                raise ValueError("boom")

    await calls()
    assert loops == [asyncio.get_running_loop()] * 2


def test_results_are_stored_when_the_transaction_is_committed(runs: LocalRuns, tmp_path: pathlib.Path) -> None:
    executed: list[str] = []

    @task(cache_policy=INPUTS, result_storage=(tmp_path / "results").as_uri())
    def compute(name: str) -> str:
        executed.append(name)
        return name.upper()

    @flow
    def calls(*, fails: bool) -> None:
        with transaction():
            assert compute("a") == "A"
            if fails:
                raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        calls(fails=True)
    assert list(tmp_path.rglob("*")) == []
    calls(fails=False)
    calls(fails=False)
    assert executed == ["a", "a"]
    assert [run.state.name for run in runs.task_runs()] == ["RolledBack", "Completed", "Cached"]


def test_a_keyed_block_finds_its_result(runs: LocalRuns, tmp_path: pathlib.Path) -> None:
    store = ResultStore(tmp_path.as_uri())
    with transaction("day", store) as work:
        assert not work.is_committed()
        work.stage({"rows": 3})
    with transaction("day", store) as work:
        assert work.is_committed()
        assert work.read() == {"rows": 3}
    with transaction("day", store, overwrite=True) as work:
        assert not work.is_committed()
        work.stage("new")
        assert work.read() == "new"
    with transaction("day", tmp_path.as_uri()) as work:
        assert work.read() == "new"


def test_a_value_that_nobody_set_is_an_error() -> None:
    with transaction() as work:
        assert work.get("x", None) is None
        with pytest.raises(KeyError, match="no value 'x'"):
            work.get("x")


def test_a_transaction_is_entered_once_and_needs_a_key_to_lock() -> None:
    work = transaction()
    with work:
        pass
    with pytest.raises(errors.FailedPrecondition, match="only once"), work:
        pass
    with pytest.raises(errors.InvalidArgument, match="needs a key"):
        transaction(isolation_level=IsolationLevel.SERIALIZABLE)


@pytest.fixture(params=["memory", "file"])
def locks(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> LockManager:
    return MemoryLockManager() if request.param == "memory" else FileLockManager(tmp_path / "locks")


def test_a_lock_is_held_by_one_at_a_time(locks: LockManager) -> None:
    with locks.hold("a"):
        with pytest.raises(LockTimeout, match="'a'"):
            locks.acquire("a", 0.01)
        with locks.hold("b", 0.01):
            pass
    held = locks.acquire("a", 0.01)
    held.release()
    held.release()
    locks.acquire("a", 0.01).release()


def test_many_threads_share_a_lock_one_after_another(locks: LockManager) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(5):
            with locks.hold("key", WAIT):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert most == [1] * 20


def test_one_at_a_time_computes_what_the_others_take_from_the_cache(runs: LocalRuns, locks: LockManager) -> None:
    executed: list[int] = []
    policy = INPUTS.configure(isolation_level="SERIALIZABLE", lock_manager=locks)

    @task(cache_policy=policy)
    def compute(number: int) -> int:
        executed.append(number)
        return number * 2

    @flow
    def calls() -> list[int]:
        return [future.result() for future in [compute.submit(4) for _ in range(5)]]

    assert calls() == [8] * 5
    assert executed == [4]
    assert sorted(run.state.name for run in runs.task_runs()) == ["Cached"] * 4 + ["Completed"]


def test_the_same_key_twice_within_a_block_does_not_wait_for_itself(runs: LocalRuns, locks: LockManager) -> None:
    policy = INPUTS.configure(isolation_level="SERIALIZABLE", lock_manager=locks)

    @task(cache_policy=policy)
    def compute(number: int) -> int:
        return number * 2

    @flow
    def calls() -> list[int]:
        with transaction("outer", isolation_level="SERIALIZABLE", lock_manager=locks):
            with transaction("outer", isolation_level="SERIALIZABLE", lock_manager=locks):
                first = compute(1)
            return [first, compute(1), compute.submit(1).result()]

    assert calls() == [2, 2, 2]
    locks.acquire("outer", 0.01).release()


def test_a_lock_is_released_when_the_task_fails(runs: LocalRuns, locks: LockManager) -> None:
    tries: list[int] = []

    @task(cache_policy=INPUTS.configure(isolation_level="SERIALIZABLE", lock_manager=locks))
    def shaky() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("down")
        return "up"

    @flow
    def calls() -> str:
        shaky(return_state=True)
        return shaky()

    assert calls() == "up"


def test_a_run_that_has_to_stop_does_not_wait_for_a_lock(runs: LocalRuns) -> None:
    waited = threading.Event()
    policy = INPUTS.configure(isolation_level="SERIALIZABLE", lock_manager=HeldElsewhere(waited))

    @task(cache_policy=policy)
    def compute() -> None:
        raise AssertionError("never executed")

    @flow
    def calls() -> None:
        future = compute.submit()
        assert waited.wait(WAIT)
        get_flow_run().stop(CancelInterrupt, "enough")
        future.wait()

    with pytest.raises(CancelledRun, match="enough"):
        calls()
    assert runs.task_runs()[0].state.name == "Cancelled"


@pytest.mark.parametrize("kind", [CancelInterrupt, LeaseLostInterrupt])
def test_an_attempt_that_lost_its_run_undoes_nothing(runs: LocalRuns, kind: type[Interrupted]) -> None:
    story = Story()
    locks = MemoryLockManager()

    @flow
    def calls() -> None:
        with transaction("key", isolation_level="SERIALIZABLE", lock_manager=locks):
            story.write("a")
            get_flow_run().stop(kind, "enough")
            while True:
                threading.Event().wait(0.01)

    with pytest.raises(errors.HeadraceError):
        calls()
    assert story.told == ["write a", *(["undo"] if kind is CancelInterrupt else [])]
    locks.acquire("key", 0.01).release()


class HeldElsewhere(LockManager):
    """Locks that somebody else always holds."""

    def __init__(self, waited: threading.Event) -> None:
        self._waited = waited

    def acquire(self, key: str, timeout_seconds: float | None = None) -> Lock:
        """Find the lock held."""
        self._waited.set()
        threading.Event().wait(0.01)
        raise LockTimeout(f"{key} is held")
