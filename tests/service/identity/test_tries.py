"""Names are locked for all processes together, whoever knows them, and however many tries come at once."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Sequence

import pytest

from headrace import errors
from headrace_chassis.database import Database
from headrace_chassis.secrets import SecretBox
from headrace_identity.queries.sign_in import PostgresSignInTries
from headrace_identity.rules.sign_in import FIRST_LOCK_SECONDS, FREE_FAILURES
from headrace_identity.usecases.tries import Tries

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def go_on(self, seconds: float) -> None:
        self.now += datetime.timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def processes(database_url: str, clock: Clock) -> AsyncIterator[Sequence[Tries]]:
    """Two processes of one server."""
    async with contextlib.AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            database = await Database.connect(database_url, role="headrace_identity", schema="identity", max_size=4)
            stack.push_async_callback(database.close)
            made.append(Tries(PostgresSignInTries(database), SecretBox([b"k" * 32]), lambda: clock.now))
        yield made


async def is_locked(tries: Tries, provider: str = "ldap", name: str = "ada") -> bool:
    try:
        await tries.begin(provider, name)
    except errors.ResourceExhausted:
        return True
    return False


async def test_tries_in_all_processes_count_together(processes: Sequence[Tries], clock: Clock) -> None:
    one, other = processes
    for number in range(FREE_FAILURES):
        assert not await is_locked(processes[number % 2])
    assert await is_locked(one)
    assert await is_locked(other, name=" ADA ")
    assert not await is_locked(other, name="bob")
    assert not await is_locked(other, provider="")
    # What is refused does not make the lock longer; a further wrong one does, for both.
    clock.go_on(FIRST_LOCK_SECONDS)
    assert not await is_locked(other)
    clock.go_on(FIRST_LOCK_SECONDS)
    assert await is_locked(one)
    clock.go_on(FIRST_LOCK_SECONDS)
    await other.forget(await one.begin("ldap", "ada"))
    for _ in range(FREE_FAILURES):
        assert not await is_locked(one)


async def test_many_tries_at_once_are_no_more_than_one_by_one(processes: Sequence[Tries]) -> None:
    found = await asyncio.gather(*(is_locked(processes[number % 2]) for number in range(20)))
    assert found.count(False) == FREE_FAILURES


async def test_what_was_not_wrong_is_given_back(processes: Sequence[Tries]) -> None:
    one, _ = processes
    for _ in range(FREE_FAILURES - 1):
        await one.begin("", "ada")
    for _ in range(3):
        await one.give_back(await one.begin("", "ada"))
    assert not await is_locked(one, "")
    assert await is_locked(one, "")


async def test_names_are_kept_as_digests_and_forgotten_after_a_day(
    processes: Sequence[Tries], clock: Clock, database_url: str
) -> None:
    one, _ = processes
    await one.begin("", "my password, typed into the wrong field")
    clock.go_on(86_401)
    await one.begin("", "ada")
    database = await Database.connect(database_url, role="headrace_identity", schema="identity", max_size=1)
    try:
        async with database.connection() as connection:
            rows = await connection.fetch("select name_digest from sign_in_try")
    finally:
        await database.close()
    assert len(rows) == 1
    assert "ada" not in rows[0]["name_digest"]
