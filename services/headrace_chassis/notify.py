"""Wakeups between processes: coalesced NOTIFY on a connection of its own, and signals inside the process.

A wakeup says "look again", nothing more, and may be lost (a connection that breaks, a full queue). So
whoever waits also polls, about once a second; the wakeup only makes it sooner.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
import uuid
from collections.abc import AsyncIterator

import asyncpg

from headrace_chassis import metrics

logger = logging.getLogger(__name__)

COALESCE_SECONDS = 0.025
"""At most one NOTIFY per channel leaves in this time; the first of several at once. All processes that listen to any
channel wake for each."""

CHANNEL_LIMIT = 10_000
"""Channels that may wait to be notified; more are dropped, and their listeners find out by polling."""

_CHANNEL_LENGTH = 63
_CLOSE_SECONDS = 1.0
_RECONNECT_FIRST_SECONDS = 0.1
_RECONNECT_MOST_SECONDS = 5.0


class Wakeup:
    """What a subscriber waits on: an event that remembers one signal until it is waited for."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake whoever waits, or the next to wait."""
        self._event.set()

    async def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait for a signal and take it.

        Returns:
            Whether there was one; False after `timeout_seconds` without.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Pace:
    """Lets a reader that is woken again and again read together what comes in quick succession.

    Each look at the database costs the same whether it finds one thing or fifty, and what is looked at after a
    change must not slow down the caller that makes the next one.

    Args:
        gather_seconds: From a wakeup to the look.
        interval_seconds: From one look to the next, at least.
    """

    def __init__(self, gather_seconds: float = 0.01, interval_seconds: float = 0.05) -> None:
        self._gather_seconds = gather_seconds
        self._interval_seconds = interval_seconds
        self._looked_at = 0.0

    async def wait(self) -> None:
        """Return when it is time to look."""
        now = time.monotonic()
        await asyncio.sleep(max(self._gather_seconds, self._looked_at + self._interval_seconds - now))
        self._looked_at = time.monotonic()


class Wakeups:
    """Sends and receives wakeups over one connection that comes back by itself.

    Use as an async context manager, or call `start` and `close`. Channel names are at most 63 bytes.

    Args:
        url: The database; None keeps wakeups inside this process.
    """

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._origin = uuid.uuid4().hex
        self._subscribers: dict[str, set[Wakeup]] = {}
        self._pending: dict[str, None] = {}
        self._work = Wakeup()
        self._listening: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()
        self._closing = False

    async def __aenter__(self) -> Wakeups:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def start(self) -> None:
        """Start to connect; in-process wakeups work at once, the others as soon as Postgres answers."""
        if self._url is not None and self._task is None:
            self._task = asyncio.create_task(self._keep_connected(self._url), name="wakeups")

    async def close(self) -> None:
        """Send what is pending, if the connection is up, and stop."""
        if self._task is None:
            return
        self._closing = True
        self._work.set()
        await asyncio.wait([self._task], timeout=_CLOSE_SECONDS)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None

    async def connected(self) -> None:
        """Return once the connection is up and listens to all that was subscribed before."""
        await self._connected.wait()

    def notify(self, channel: str) -> None:
        """Wake the subscribers of `channel` in this process now, and elsewhere at once or within about 25 ms.

        Call it after the commit of what is to be seen (see `Database.after_commit`).
        """
        for wakeup in self._subscribers.get(channel, ()):
            wakeup.set()
        if self._task is not None and (channel in self._pending or len(self._pending) < CHANNEL_LIMIT):
            self._pending[channel] = None
            self._work.set()
        elif self._task is not None:
            metrics.wakeup_losses.add(1)

    @contextlib.asynccontextmanager
    async def subscribe(self, *channels: str) -> AsyncIterator[Wakeup]:
        """Lend a `Wakeup` that is set whenever one of `channels` is notified, by any process.

        It is also set when the connection was lost and is up again, since signals may have been missed.

        Raises:
            ValueError: A channel name is longer than Postgres allows.
        """
        for channel in channels:
            if not 0 < len(channel.encode()) <= _CHANNEL_LENGTH:
                raise ValueError(f"a channel name has 1 to {_CHANNEL_LENGTH} bytes, not {len(channel.encode())}")
        wakeup = Wakeup()
        for channel in channels:
            self._subscribers.setdefault(channel, set()).add(wakeup)
        self._work.set()
        try:
            yield wakeup
        finally:
            for channel in channels:
                subscribers = self._subscribers[channel]
                subscribers.discard(wakeup)
                if not subscribers:
                    del self._subscribers[channel]
            self._work.set()

    async def _keep_connected(self, url: str) -> None:
        delay = _RECONNECT_FIRST_SECONDS
        while not self._closing:
            try:
                connection = await asyncpg.connect(
                    url, timeout=10, server_settings={"application_name": "headrace wakeups"}
                )
                try:
                    # All who notify wait for each other to commit, and a wakeup that a crash takes along is no loss:
                    # who listens looks anew when it is connected again.
                    await connection.execute("set synchronous_commit = off")
                    delay = _RECONNECT_FIRST_SECONDS
                    await self._serve(connection)
                finally:
                    connection.terminate()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                logger.warning("wakeups have no connection and fall back to polling: %s", error)
            except Exception:
                logger.exception("wakeups failed; connecting anew")
            finally:
                self._connected.clear()
                self._listening.clear()
            if self._closing:
                return
            await asyncio.sleep(delay * random.uniform(0.5, 1.5))
            delay = min(delay * 2, _RECONNECT_MOST_SECONDS)

    async def _serve(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        connection.add_termination_listener(lambda _: self._work.set())
        await self._listen(connection)
        self._connected.set()
        for subscribers in self._subscribers.values():
            for wakeup in subscribers:
                wakeup.set()
        while not connection.is_closed():
            # The time-out lets a half-open connection be found out without traffic.
            if not await self._work.wait(30):
                await connection.execute("select 1", timeout=10)
                continue
            await self._listen(connection)
            if self._pending:
                channels = list(self._pending)
                self._pending.clear()
                await connection.execute(
                    "select pg_notify(channel, $2) from unnest($1::text[]) as channel",
                    channels,
                    self._origin,
                    timeout=10,
                )
                await asyncio.sleep(COALESCE_SECONDS)
            elif self._closing:
                return

    async def _listen(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        wanted = set(self._subscribers)
        for channel in wanted - self._listening:
            await connection.add_listener(channel, self._receive)
            self._listening.add(channel)
        for channel in self._listening - wanted:
            await connection.remove_listener(channel, self._receive)
            self._listening.discard(channel)

    def _receive(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        # Whoever notified in this process was signalled directly.
        if payload == self._origin:
            return
        for wakeup in self._subscribers.get(channel, ()):
            wakeup.set()
