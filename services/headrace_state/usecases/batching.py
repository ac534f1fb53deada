"""Join calls that come at the same time into one trip to the database.

A call that comes alone goes at once; those that come while the lanes are busy go together with the next trip.
So nothing waits for others to come, and the more load there is, the cheaper a call gets.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import contextvars
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from headrace import errors

Question = TypeVar("Question")
Answer = TypeVar("Answer")

Resume = Callable[[], contextlib.AbstractContextManager[object]]
"""Goes on, for a block, with what a caller was in the middle of."""

MOST_TOGETHER = 100
LANES = 2
MOST_WAITING = 5_000


_Waiting: TypeAlias = tuple[uuid.UUID, Question, "asyncio.Future[Answer]", Resume]


class Batcher(Generic[Question, Answer]):
    """Answers single questions by asking for several at once.

    Args:
        ask: Returns the answers to questions of one workspace, in their order. If it raises for several
            questions, each is asked by itself, so that nobody pays for another's mistake.
        most: Questions that are asked together.
        lanes: Trips that are under way at the same time.
        follow: Called for each question. What it returns goes on with what its caller is in the middle of, such as a
            trace, while those are asked of whom it is the first.
    """

    def __init__(
        self,
        ask: Callable[[uuid.UUID, Sequence[Question]], Awaitable[Sequence[Answer]]],
        *,
        most: int = MOST_TOGETHER,
        lanes: int = LANES,
        follow: Callable[[], Resume] = lambda: contextlib.nullcontext,
    ) -> None:
        self._ask = ask
        self._most = most
        self._free = lanes
        self._follow = follow
        self._waiting: collections.deque[_Waiting[Question, Answer]] = collections.deque()
        self._trips: set[asyncio.Task[None]] = set()

    async def ask(self, workspace_id: uuid.UUID, question: Question) -> Answer:
        """Return the answer to one question.

        Raises:
            errors.ResourceExhausted: Too many wait already.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise errors.ResourceExhausted("too many calls wait for the database", retry_after_seconds=0.5)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((workspace_id, question, future, self._follow()))
        if self._free > 0:
            self._free -= 1
            trip = asyncio.get_running_loop().create_task(self._travel(), name="batch", context=contextvars.Context())
            self._trips.add(trip)
            trip.add_done_callback(self._trips.discard)
        return await future

    async def _travel(self) -> None:
        try:
            while self._waiting:
                await self._answer(self._next())
        finally:
            self._free += 1

    def _next(self) -> list[_Waiting[Question, Answer]]:
        batch = [self._waiting.popleft()]
        while self._waiting and len(batch) < self._most and self._waiting[0][0] == batch[0][0]:
            batch.append(self._waiting.popleft())
        # Who gave up meanwhile is not asked for.
        return [each for each in batch if not each[2].done()]

    async def _answer(self, batch: list[_Waiting[Question, Answer]]) -> None:
        if not batch:
            return
        try:
            with batch[0][3]():
                answers = await self._ask(batch[0][0], [question for _, question, _, _ in batch])
        except errors.Unavailable as error:
            _fail(batch, error)
        except Exception as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            for single in batch:
                await self._answer([single])
        else:
            for (_, _, future, _), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


def _fail(batch: Sequence[_Waiting[Question, Answer]], error: Exception) -> None:
    for _, _, future, _ in batch:
        if not future.done():
            future.set_exception(error)
