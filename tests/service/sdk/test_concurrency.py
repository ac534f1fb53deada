"""Limits in flows and tasks, on a real server."""

from __future__ import annotations

import asyncio
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from headrace import errors, flow, task
from headrace.api.v1 import concurrency_pb2
from headrace.client import Client
from headrace.concurrency import Holder, NoSlot, SlotsLost, SlotsRefused, arate_limit, concurrency, rate_limit
from service.sdk.counterpart import wait_until


def set_limit(client: Client, name: str, slots: int, **fields: Any) -> None:
    """Set a limit."""
    request = concurrency_pb2.SetConcurrencyLimitRequest(name=name, limit=slots, **fields)
    client.concurrency.SetConcurrencyLimit(request)


def limit_of(client: Client, name: str) -> concurrency_pb2.ConcurrencyLimit:
    """Return a limit with its holders."""
    return client.concurrency.GetConcurrencyLimit(concurrency_pb2.GetConcurrencyLimitRequest(name=name)).limit


def evict(client: Client, name: str) -> None:
    """Take the slots of a limit away from whoever holds them."""
    for holder in limit_of(client, name).holders:
        request = concurrency_pb2.EvictSlotHolderRequest(name=name, lease_id=holder.lease_id)
        client.concurrency.EvictSlotHolder(request)


def at_rest(client: Client, *names: str) -> Callable[[], bool]:
    """Return whether nobody holds or awaits slots."""

    def rests() -> bool:
        limits = [limit_of(client, name) for name in names]
        return not any(limit.active_slots or limit.waiters for limit in limits)

    return rests


class Watch:
    """Counts who is inside."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self.most = 0
        self.entered = 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            self.entered += 1
            self.most = max(self.most, self._inside)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1


def test_threads_wait_for_their_turn(client: Client) -> None:
    set_limit(client, "turns", 2)
    watch = Watch()

    def work() -> None:
        with concurrency("turns"), watch:
            time.sleep(0.02)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (watch.entered, watch.most) == (8, 2)
    assert at_rest(client, "turns")()


def test_asynchronous_code_waits_for_its_turn(client: Client) -> None:
    set_limit(client, "aturns", 3)
    watch = Watch()

    async def work() -> None:
        async with concurrency(["aturns", "not limited"]):
            with watch:
                await asyncio.sleep(0.02)

    async def main() -> None:
        await asyncio.gather(*(work() for _ in range(9)))

    asyncio.run(main())
    assert (watch.entered, watch.most) == (9, 3)
    assert at_rest(client, "aturns")()


def test_a_wait_has_an_end(client: Client) -> None:
    set_limit(client, "full", 1)
    with concurrency("full", holder=Holder("batch", "nightly")):
        [holder] = limit_of(client, "full").holders
        assert (holder.holder_kind, holder.holder_id) == ("batch", "nightly")
        with pytest.raises(NoSlot, match="full is free"), concurrency("full", max_retries=0):
            pass
        with pytest.raises(TimeoutError, match="full became free"), concurrency("full", timeout_seconds=0.1):
            pass

        async def wait() -> None:
            async with concurrency("full", timeout_seconds=0.1):
                raise AssertionError("the limit is full")

        with pytest.raises(NoSlot):
            asyncio.run(wait())
    wait_until(at_rest(client, "full"), "the limits are at rest")


def test_a_wait_that_is_cancelled_leaves_the_line(client: Client) -> None:
    set_limit(client, "left", 1)

    async def main() -> None:
        async def wait() -> None:
            async with concurrency("left"):
                raise AssertionError("the limit is full")

        waiting = asyncio.create_task(wait())
        await asyncio.to_thread(wait_until, lambda: bool(limit_of(client, "left").waiters), "somebody waits")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    with concurrency("left"):
        asyncio.run(main())
    wait_until(at_rest(client, "left"), "the limits are at rest")


def test_missing_limits_hold_nothing_back_unless_that_is_an_error(client: Client) -> None:
    with concurrency(["no such limit", "nor this"]):
        rate_limit("no such rate")
    with concurrency([]):
        pass
    with pytest.raises(errors.NotFound, match="no such limit"), concurrency("no such limit", strict=True):
        pass
    with pytest.raises(errors.NotFound, match="no such rate"):
        rate_limit("no such rate", strict=True)


@pytest.mark.parametrize(
    "arguments",
    [
        {"names": ""},
        {"names": [str(number) for number in range(51)]},
        {"names": "a", "occupy": 0},
        {"names": "a", "timeout_seconds": -1},
        {"names": "a", "lease_duration": 0.5},
        {"names": "a", "max_retries": -1},
    ],
)
def test_wrong_arguments_are_refused_without_a_server(arguments: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidArgument):
        concurrency(**arguments)


def test_a_lease_is_renewed_while_user_code_blocks(client: Client) -> None:
    set_limit(client, "renewed", 1)
    with concurrency("renewed", lease_duration=2.0):
        [first] = limit_of(client, "renewed").holders
        # User code that does not let anybody else onto its own event loop or thread.
        until = first.expires_at.ToNanoseconds() + 1_000_000_000
        wait_until(lambda: limit_of(client, "renewed").holders[0].expires_at.ToNanoseconds() > until, "it is renewed")
        assert [holder.lease_id for holder in limit_of(client, "renewed").holders] == [first.lease_id]


def test_the_slots_of_a_process_that_died_become_free(client: Client, tmp_path: pathlib.Path) -> None:
    set_limit(client, "orphaned", 1)
    script = tmp_path / "dies.py"
    script.write_text(
        "import os\n"
        "from headrace.concurrency import concurrency\n"
        "with concurrency('orphaned', lease_duration=1.0):\n"
        "    os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, str(script)], check=False).returncode == 9
    with concurrency("orphaned", timeout_seconds=60):
        assert limit_of(client, "orphaned").active_slots == 1


def test_a_block_that_lost_its_slots_ends_if_it_wants_to(client: Client) -> None:
    set_limit(client, "lost", 1)
    reached = []

    def blocks() -> None:
        with concurrency("lost", lease_duration=1.0, raise_on_lease_renewal_failure=True):
            evict(client, "lost")
            for _ in range(600):
                time.sleep(0.1)
            reached.append("the end")

    with pytest.raises(SlotsLost, match="lost"):
        blocks()
    assert not reached

    async def main() -> None:
        async with concurrency("lost", lease_duration=1.0, raise_on_lease_renewal_failure=True):
            await asyncio.to_thread(evict, client, "lost")
            await asyncio.sleep(60)

    with pytest.raises(SlotsLost):
        asyncio.run(main())

    with concurrency("lost", lease_duration=1.0):
        evict(client, "lost")
        time.sleep(1.2)
        reached.append("the end")
    assert reached == ["the end"]


def test_a_block_in_a_thread_that_lost_its_slots_ends_too(client: Client) -> None:
    set_limit(client, "thread lost", 1)
    caught: list[BaseException] = []

    def work() -> None:
        try:
            with concurrency("thread lost", lease_duration=1.0, raise_on_lease_renewal_failure=True):
                evict(client, "thread lost")
                for _ in range(600):
                    time.sleep(0.1)
        except SlotsLost as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(caught) == 1


def test_a_rate_lets_so_many_through(client: Client) -> None:
    set_limit(client, "rate", 5, slot_decay_per_second=50)
    started = time.monotonic()
    for _ in range(10):
        rate_limit("rate")

    async def more() -> None:
        await asyncio.gather(*(arate_limit("rate", occupy=2) for _ in range(5)))

    asyncio.run(more())
    # 20 slots of which 5 were there: the others had to come back first.
    assert time.monotonic() - started >= 15 / 50 - 0.02
    set_limit(client, "no rate", 5)
    with pytest.raises(errors.InvalidArgument, match="no rate has no slot decay"):
        rate_limit("no rate")
    set_limit(client, "slow", 1, slot_decay_per_second=0.001)
    rate_limit("slow")
    with pytest.raises(NoSlot):
        rate_limit("slow", timeout_seconds=0.1)


def test_tasks_with_a_tag_hold_its_slots_while_they_run(client: Client) -> None:
    set_limit(client, "tag:small", 1)
    set_limit(client, "tag:large", 2)
    small, large = Watch(), Watch()

    @task(tags=["small", "large"])
    def both() -> None:
        with small, large:
            [holder] = limit_of(client, "tag:small").holders
            assert holder.holder_kind == "task-run"
            time.sleep(0.01)

    @task(tags=["large"], retries=1, retry_delay_seconds=0.01)
    def one(failures: list[str]) -> None:
        with large:
            time.sleep(0.01)
            if not failures:
                failures.append("once")
                raise ValueError("once")

    @task(tags=["large"])
    async def later() -> None:
        with large:
            await asyncio.sleep(0.01)

    @flow
    def limited() -> None:
        futures = [both.submit() for _ in range(3)] + [one.submit([]) for _ in range(3)]
        futures += [later.submit() for _ in range(3)]
        for future in futures:
            future.result()

    limited()
    assert (small.entered, small.most) == (3, 1)
    assert (large.entered, large.most) == (12, 2)
    wait_until(at_rest(client, "tag:small", "tag:large"), "the limits are at rest")


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_task_that_waits_for_its_tag_says_so(client: Client, kind: str) -> None:
    set_limit(client, f"tag:busy {kind}", 1)
    may_go = threading.Event()

    @task(tags=[f"busy {kind}"])
    def here() -> None:
        pass

    @task(tags=[f"busy {kind}"])
    async def there() -> None:
        pass

    @flow
    def waits() -> str:
        future = here.submit() if kind == "sync" else there.submit()
        wait_until(lambda: future.state.name == "AwaitingConcurrencySlot", "the task says that it waits")
        message = future.state.message
        may_go.set()
        future.result()
        return message

    def hold() -> None:
        with concurrency(f"tag:busy {kind}"):
            has_it.set()
            may_go.wait(60)

    has_it = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    assert has_it.wait(60)
    assert waits() == f"The limit tag:busy {kind} has no free slot."
    holder.join()


def test_a_tag_that_is_limited_to_none_fails_its_tasks(client: Client) -> None:
    set_limit(client, "tag:never", 0)

    @task(tags=["never"])
    def stays() -> None:
        raise AssertionError("it must not run")

    @flow
    def tries() -> None:
        state = stays(return_state=True)
        assert state.is_failed()
        assert "tag:never is 0" in state.message

    tries()
    with pytest.raises(SlotsRefused), concurrency("tag:never"):
        pass


def test_more_slots_than_a_limit_has_are_refused_and_not_waited_for(client: Client) -> None:
    set_limit(client, "two", 2)
    with pytest.raises(SlotsRefused, match="at most 2"), concurrency("two", occupy=3):
        pass
    set_limit(client, "slow rate", 2, slot_decay_per_second=0.1)
    with pytest.raises(SlotsRefused, match="at most 2"):
        rate_limit("slow rate", occupy=3)


def test_a_limit_that_is_set_later_holds_for_flows_that_run(client: Client) -> None:
    @task(tags=["later limited"])
    def work() -> int:
        return len(limit_of(client, "tag:later limited").holders) if is_limited else 0

    is_limited = False

    @flow
    def runs_on() -> None:
        nonlocal is_limited
        assert work() == 0
        set_limit(client, "tag:later limited", 1)
        is_limited = True
        wait_until(lambda: work() == 1, "tasks take slots")

    runs_on()
