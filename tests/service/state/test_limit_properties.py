"""Whatever clients do with limits: none is exceeded, what is taken is what leases hold, nobody overtakes, all ends."""

from __future__ import annotations

import asyncio
import dataclasses
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace import errors
from headrace.ids import uuid7
from headrace_chassis.database import Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_harness.postgres import service_database
from headrace_state.queries.limits import PostgresLimits
from headrace_state.queries.slots import PostgresSlots
from headrace_state.rules.slots import SlotsHeld, SlotWish
from headrace_state.usecases.slots import acquire_slots

LIMITS = ("a", "b", "c")


@dataclasses.dataclass(frozen=True)
class Waiter:
    """Somebody in line."""

    lease_id: uuid.UUID
    names: frozenset[str]
    slots: int


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """What the database says of a workspace."""

    limits: dict[str, int]
    taken: dict[str, int]
    leases: frozenset[uuid.UUID]
    line: tuple[Waiter, ...]

    def check(self) -> None:
        """Check what must hold at any moment."""
        for position, waiter in enumerate(self.line):
            [*names] = waiter.names & self.limits.keys()
            ahead = [each for each in self.line[:position] if each.names & waiter.names]
            if not ahead and all(self.taken[name] + waiter.slots <= self.limits[name] for name in names):
                raise AssertionError(f"there are slots for {waiter}, who waits")

    def check_after(self, before: Snapshot) -> None:
        """Check what must hold of a step."""
        self.check()
        for name, taken in self.taken.items():
            # A limit that was lowered may be exceeded by those who had their slots before, and only by them.
            assert taken <= self.limits[name] or taken <= before.taken.get(name, 0), f"{name} is exceeded"
        granted = [waiter for waiter in before.line if waiter.lease_id in self.leases]
        for waiter in granted:
            for earlier in before.line[: before.line.index(waiter)]:
                if earlier in self.line and len(earlier.names) == 1:
                    assert not earlier.names & waiter.names, f"{waiter} overtook {earlier}"


class Walk:
    """Clients of one workspace, and what became of what they did."""

    def __init__(self, database: Database) -> None:
        wakeups = Wakeups(None)
        outbox = Outbox(database, wakeups)
        self.database = database
        self.slots = PostgresSlots(database, outbox, wakeups)
        self.limits = PostgresLimits(database, outbox, wakeups)
        self.workspace_id = uuid.uuid4()
        self.wishes: list[SlotWish] = []

    async def snapshot(self) -> Snapshot:
        """Return how the workspace stands."""
        async with self.database.connection() as connection:
            limits = await connection.fetch(
                "select name, slots from concurrency_limit where workspace_id = $1", self.workspace_id
            )
            held = await connection.fetch(
                "select limit_name, sum(slots)::integer as slots from lease_slot where workspace_id = $1 group by 1",
                self.workspace_id,
            )
            leases = await connection.fetch("select lease_id from lease where workspace_id = $1", self.workspace_id)
            line = await connection.fetch(
                "select lease_id, names, slots from waiter where workspace_id = $1 order by place", self.workspace_id
            )
            orphans = await connection.fetchval(
                "select count(*) from lease_slot where workspace_id = $1"
                " and lease_id not in (select lease_id from lease)",
                self.workspace_id,
            )
        assert orphans == 0
        counts = {row["limit_name"]: row["slots"] for row in held}
        shown, _ = await self.limits.list_page(self.workspace_id, "", None, 100)
        assert {row["name"]: row["taken"] for row in shown} == {
            row["name"]: counts.get(row["name"], 0) for row in shown
        }
        assert counts.keys() <= {row["name"] for row in limits}
        return Snapshot(
            {row["name"]: row["slots"] for row in limits},
            {row["name"]: counts.get(row["name"], 0) for row in limits},
            frozenset(row["lease_id"] for row in leases),
            tuple(Waiter(row["lease_id"], frozenset(row["names"]), row["slots"]) for row in line),
        )

    async def do(self, action: str, number: int, names: Sequence[str]) -> None:
        """Do one thing; what it is done to is chosen by its number."""
        wish = self.wishes[number % len(self.wishes)] if self.wishes else None
        match action:
            case "set":
                await self.limits.set(self.workspace_id, names[0], number % 4, None, 0.0)
            case "delete":
                await self.limits.delete(self.workspace_id, names[0])
            case "try" | "wait":
                new = SlotWish(
                    uuid7(), tuple(sorted(names)), 2 if number == 7 else 1, 600.0, "client", str(number), False
                )
                await self.ask(new, None if action == "try" else 600.0)
            case "ask again" if wish is not None:
                await self.ask(wish, 600.0)
            case "release" if wish is not None:
                await self.slots.release(self.workspace_id, wish.lease_id, keep_lease=False, run_id=None)
                self.wishes.remove(wish)
            case "expire" if wish is not None:
                await self.limits.end_leases(self.workspace_id, [wish.lease_id])
            case "evict" if wish is not None:
                await self.limits.evict(self.workspace_id, wish.names[0], wish.lease_id)

    async def ask(self, wish: SlotWish, keep_seconds: float | None) -> None:
        """Ask for slots."""
        try:
            answer = await self.slots.acquire(self.workspace_id, wish, keep_seconds)
        except errors.InvalidArgument:
            # More is wanted than the limit has; who is in line leaves it.
            await self.slots.release(self.workspace_id, wish.lease_id, keep_lease=False, run_id=None)
            return
        if (isinstance(answer, SlotsHeld) or keep_seconds is not None) and wish not in self.wishes:
            self.wishes.append(wish)

    async def drain(self) -> None:
        """Let everybody end: whoever waits gets slots, and gives them back."""
        for name in LIMITS:
            await self.limits.set(self.workspace_id, name, 3, None, 0.0)
        for _ in range(len(self.wishes) + 1):
            for wish in list(self.wishes):
                answer = await self.slots.acquire(self.workspace_id, wish, 600.0)
                if isinstance(answer, SlotsHeld):
                    await self.slots.release(self.workspace_id, wish.lease_id, keep_lease=False, run_id=None)
                    self.wishes.remove(wish)
        assert not self.wishes


@pytest.fixture
def bench(database_url: str) -> Iterator[tuple[asyncio.Runner, Database]]:
    """One loop and one pool for all walks: each has a workspace of its own."""
    with asyncio.Runner() as runner:
        opened = service_database(database_url, "state")
        yield runner, runner.run(opened.__aenter__())
        runner.run(opened.__aexit__(None, None, None))


names = st.sampled_from([("a",), ("a",), ("a",), ("b",), ("c",), ("a", "b"), ("b", "c")])
actions = st.tuples(
    st.sampled_from(["wait"] * 6 + ["release"] * 4 + ["ask again", "try", "expire", "evict", "set", "delete"]),
    st.integers(0, 20),
    names,
)


@settings(max_examples=35, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(actions, min_size=12, max_size=40))
def test_no_limit_is_exceeded_and_nobody_overtakes(
    bench: tuple[asyncio.Runner, Database], steps: list[tuple[str, int, Sequence[str]]]
) -> None:
    runner, database = bench

    async def walk() -> None:
        walked = Walk(database)
        before = await walked.snapshot()
        for step in [("set", 1, ("a",)), ("set", 2, ("b",)), *steps]:
            await walked.do(*step)
            after = await walked.snapshot()
            after.check_after(before)
            before = after
        await walked.drain()
        end = await walked.snapshot()
        assert (end.leases, end.line, set(end.taken.values())) == (frozenset(), (), {0})

    runner.run(walk())


async def test_many_at_once_never_hold_more_than_there_is(database_url: str) -> None:
    async with service_database(database_url, "state") as database:
        walked = Walk(database)
        await walked.limits.set(walked.workspace_id, "a", 2, None, 0.0)
        await walked.limits.set(walked.workspace_id, "b", 3, None, 0.0)
        most: dict[str, int] = {"a": 0, "b": 0}
        is_over = asyncio.Event()

        async def watch() -> None:
            while not is_over.is_set():
                async with database.connection() as connection:
                    rows = await connection.fetch("select limit_name, sum(slots) as slots from lease_slot group by 1")
                for row in rows:
                    most[row["limit_name"]] = max(most[row["limit_name"]], row["slots"])

        async def client(number: int) -> None:
            names: tuple[Any, ...] = [("a",), ("b",), ("a", "b")][number % 3]
            wish = SlotWish(uuid7(), names, 1 + number % 2, 600.0, "client", str(number), False)
            assert isinstance(await acquire_slots(walked.slots, walked.workspace_id, wish, 20.0), SlotsHeld)
            await walked.slots.release(walked.workspace_id, wish.lease_id, keep_lease=False, run_id=None)

        watching = asyncio.create_task(watch())
        await asyncio.gather(*(client(number) for number in range(60)))
        is_over.set()
        await watching
        end = await walked.snapshot()
    assert (end.leases, end.line, end.taken) == (frozenset(), (), {"a": 0, "b": 0})
    assert most["a"] <= 2
    assert most["b"] <= 3
