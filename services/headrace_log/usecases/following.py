"""Records as they come: what is there, then what is committed, without a gap and without a double.

History is what is committed up to a position that is known when the follower starts; live is what is
committed behind it. Both are sent in the order of time within what became visible together.
"""

from __future__ import annotations

import dataclasses
import logging
import random
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from headrace import errors
from headrace_log.repository import RecordFollower, RecordNews, RecordReader, RecordTail, RunFamilies, RunFinality
from headrace_log.rules.records import FollowToken, Record, RecordFilter, Window
from headrace_log.usecases.families import Family

logger = logging.getLogger(__name__)

CHUNK = 500
"""Records sent at once."""

SIGN_OF_LIFE_SECONDS = 10.0
FINALITY_SECONDS = 1.0
"""How often it is asked whether the runs are over."""

LAST_WORDS_SECONDS = 0.5
"""How long records are awaited that come after the end of their run, from its worker."""

_LOOK_UP_SECONDS = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Chunk:
    """Records, or a sign of life."""

    records: list[Record]
    token: FollowToken
    caught_up: bool = False
    """Everything that was there at the start has been sent, with this."""


@dataclasses.dataclass(frozen=True, slots=True)
class Following:
    """What a follower asks for.

    Args:
        wanted: Which records; with children, those of runs that come later, too.
        token: Goes on behind it; None starts anew.
        tail: Starting anew: how many of the newest to send first; 0 is all, -1 none.
        until_final: End when all flow runs of the filter are over and their records sent.
    """

    workspace_id: uuid.UUID
    wanted: RecordFilter
    token: FollowToken | None = None
    tail: int = 0
    until_final: bool = False


class Follow:
    """Makes streams of records.

    Args:
        reader: Finds records.
        tail: Tells what is committed.
        finality: Tells whether runs are over.
        families: Tells which runs are below others.
    """

    def __init__(self, reader: RecordReader, tail: RecordTail, finality: RunFinality, families: RunFamilies) -> None:
        self._reader = reader
        self._tail = tail
        self._finality = finality
        self._families = families

    async def stream(self, asked: Following, is_stopping: Callable[[], bool]) -> AsyncGenerator[Chunk, None]:
        """Yield history, then what is committed, until the runs are over or `is_stopping`.

        Raises:
            errors.InvalidArgument: The token is of another database, or there are too many runs below those that are
                named.
            errors.Unavailable: The state service does not tell which runs are below.
        """
        async with self._tail.follow(asked.workspace_id) as follower:
            if asked.token is not None and asked.token.horizon > follower.start:
                raise errors.InvalidArgument.of_field("follow_token", "is ahead of what is stored: start without it")
            # Only now: whichever run has written up to the start of the follower is there to be found.
            family = Family(self._families, asked.workspace_id, asked.wanted)
            await family.look()
            for token in self._missing(asked, follower.start):
                async for chunk in self._drain(asked, family.wanted, token):
                    yield chunk
            if asked.token is None and asked.tail > 0:
                async for chunk in self._newest(asked, family.wanted, follower.start):
                    yield chunk
            token = FollowToken(follower.start, follower.start)
            yield Chunk([], token, caught_up=True)
            async for chunk in self._live(asked, family, follower, token, is_stopping):
                yield chunk

    def _missing(self, asked: Following, horizon: int) -> list[FollowToken]:
        """Return what of the history is to be sent, as tokens that tell what is not missing."""
        token = asked.token
        if token is None:
            return [FollowToken(0, horizon)] if asked.tail == 0 else []
        missing = []
        if token.floor < token.horizon:
            missing.append(token)
        if token.horizon < horizon:
            missing.append(FollowToken(token.horizon, horizon, seen=token.seen))
        return missing

    async def _newest(self, asked: Following, wanted: RecordFilter, horizon: int) -> AsyncIterator[Chunk]:
        window = Window(up_to_position=horizon)
        newest = await self._reader.list_records(
            asked.workspace_id, wanted, window, newest_first=True, limit=asked.tail
        )
        newest.reverse()
        for start in range(0, len(newest), CHUNK):
            part = newest[start : start + CHUNK]
            yield Chunk(part, FollowToken(0, horizon, after=part[-1].key))

    async def _live(
        self,
        asked: Following,
        family: Family,
        follower: RecordFollower,
        token: FollowToken,
        is_stopping: Callable[[], bool],
    ) -> AsyncIterator[Chunk]:
        told_at = time.monotonic()
        end = _End(self._finality, asked.workspace_id, family) if asked.until_final else None
        while not is_stopping():
            news = await follower.wait(_LOOK_UP_SECONDS if end is None else _LOOK_UP_SECONDS / 4)
            if news is not None and news.position > token.horizon:
                await family.take(news)
                window = _concerned(family.wanted, news)
                if window is not None:
                    missing = FollowToken(token.horizon, news.position)
                    async for chunk in self._drain(asked, family.wanted, missing, window):
                        told_at = time.monotonic()
                        yield chunk
                token = FollowToken(news.position, news.position)
            if end is not None and await end.has_come():
                missing = FollowToken(token.horizon, await self._tail.settle())
                async for chunk in self._drain(asked, family.wanted, missing):
                    yield chunk
                return
            if time.monotonic() - told_at >= SIGN_OF_LIFE_SECONDS:
                told_at = time.monotonic()
                yield Chunk([], token)

    async def _drain(
        self, asked: Following, wanted: RecordFilter, token: FollowToken, bounds: Window | None = None
    ) -> AsyncIterator[Chunk]:
        """Yield the records that `token` says are missing up to its horizon."""
        window = dataclasses.replace(
            bounds or Window(), after=token.after, above_position=token.floor, up_to_position=token.horizon
        )
        complete = FollowToken(
            token.horizon, token.horizon, seen=frozenset(seen for seen in token.seen if seen > token.horizon)
        )
        is_last = False
        while not is_last:
            found = await self._reader.list_records(asked.workspace_id, wanted, window, newest_first=False, limit=CHUNK)
            is_last = len(found) < CHUNK
            if found:
                window = dataclasses.replace(window, after=found[-1].key)
            rest = [record for record in found if record.position not in token.seen]
            if rest:
                yield Chunk(rest, complete if is_last else dataclasses.replace(token, after=window.after))


class _End:
    """Finds out when the runs are over and their last words were said."""

    def __init__(self, finality: RunFinality, workspace_id: uuid.UUID, family: Family) -> None:
        self._finality = finality
        self._workspace_id = workspace_id
        self._family = family
        self._ask_at = time.monotonic()
        self._over_at: float | None = None

    async def has_come(self) -> bool:
        now = time.monotonic()
        if self._over_at is not None:
            return now >= self._over_at
        if now >= self._ask_at:
            self._ask_at = now + FINALITY_SECONDS * random.uniform(0.8, 1.2)
            try:
                # A run that is over has no more children, but some may be there that have not written yet.
                while (is_over := await self._are_final()) and await self._family.look():
                    pass
                if is_over:
                    self._over_at = time.monotonic() + LAST_WORDS_SECONDS
            except errors.Unavailable as error:
                logger.info("whether runs are over cannot be told now: %s", error)
        return False

    async def _are_final(self) -> bool:
        return await self._finality.all_final(self._workspace_id, self._family.wanted.flow_run_ids)


def _concerned(wanted: RecordFilter, news: RecordNews) -> Window | None:
    """Return in which span of time to look for news; None if they do not concern the filter."""
    if news.appended is None:
        return Window()
    runs = frozenset(wanted.flow_run_ids)
    relevant = [
        appended
        for appended in news.appended
        if not runs or appended.flow_run_ids is None or not runs.isdisjoint(appended.flow_run_ids)
    ]
    if not relevant:
        return None
    return Window(
        occurred_from=min(appended.oldest_at for appended in relevant),
        occurred_until=max(appended.newest_at for appended in relevant),
    )
