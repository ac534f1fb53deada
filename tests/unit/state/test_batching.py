"""Calls that come at the same time share a trip."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

import pytest

from headrace import errors
from headrace_state.usecases import batching
from headrace_state.usecases.batching import Batcher

ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


class Trips:
    """Answers numbers with their doubles, once it may."""

    def __init__(self) -> None:
        self.made: list[tuple[uuid.UUID, list[int]]] = []
        self.gate = asyncio.Event()

    async def ask(self, workspace_id: uuid.UUID, questions: Sequence[int]) -> list[int]:
        """Return doubles; a negative number spoils the trip."""
        self.made.append((workspace_id, list(questions)))
        await self.gate.wait()
        if any(question < 0 for question in questions):
            raise errors.NotFound("negative")
        return [question * 2 for question in questions]


async def test_who_comes_alone_goes_at_once_and_the_others_go_together() -> None:
    trips = Trips()
    batcher = Batcher(trips.ask, lanes=1)
    calls = [asyncio.create_task(batcher.ask(ONE, number)) for number in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    trips.gate.set()
    assert await asyncio.gather(*calls) == [0, 2, 4, 6, 8]
    assert sum(len(questions) for _, questions in trips.made) == 5
    assert len(trips.made) <= 2


async def test_workspaces_are_never_mixed() -> None:
    trips = Trips()
    trips.gate.set()
    batcher = Batcher(trips.ask, lanes=1)
    await asyncio.gather(*(batcher.ask((ONE, OTHER)[number % 2], number) for number in range(6)))
    for workspace_id, questions in trips.made:
        assert {(ONE, OTHER)[question % 2] for question in questions} == {workspace_id}


async def test_a_mistake_is_paid_for_by_who_made_it() -> None:
    trips = Trips()
    trips.gate.set()
    batcher = Batcher(trips.ask, lanes=1)
    answers = await asyncio.gather(
        batcher.ask(ONE, 0), *(batcher.ask(ONE, number) for number in (1, -1, 2)), return_exceptions=True
    )
    assert answers[:2] == [0, 2]
    assert isinstance(answers[2], errors.NotFound)
    assert answers[3] == 4


async def test_an_unreachable_database_fails_all_at_once() -> None:
    trips: list[int] = []

    async def ask(workspace_id: uuid.UUID, questions: Sequence[int]) -> list[int]:
        trips.append(len(questions))
        raise errors.Unavailable("away")

    batcher = Batcher(ask, lanes=1)
    answers = await asyncio.gather(*(batcher.ask(ONE, number) for number in range(4)), return_exceptions=True)
    assert all(isinstance(answer, errors.Unavailable) for answer in answers)
    assert len(trips) <= 2


async def test_a_caller_that_gave_up_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    trips = Trips()
    batcher = Batcher(trips.ask, lanes=1)
    first = asyncio.create_task(batcher.ask(ONE, 1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = asyncio.create_task(batcher.ask(ONE, 2))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    trips.gate.set()
    assert await first == 2
    assert trips.made == [(ONE, [1])]
    monkeypatch.setattr(batching, "MOST_WAITING", 0)
    with pytest.raises(errors.ResourceExhausted):
        await batcher.ask(ONE, 3)
