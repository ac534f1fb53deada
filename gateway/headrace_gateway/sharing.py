"""The same question of the same caller, asked again while it is being answered, is asked once more for all.

Who comes while a call is under way does not get its answer, which may be older than the question: all who came
meanwhile get that of the next call. So an answer is never older than it would be alone, and fifty browsers with
the same page cost as much as two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

MOST_BYTES = 16 * 1024
"""Questions longer than this are asked by themselves: they are hardly ever the same."""

Key = Hashable
"""What makes questions the same: what is asked, and who asks."""

Told = TypeVar("Told")


class _Round(Generic[Told]):
    """Those who wait for the next answer to one question."""

    __slots__ = ("waiting",)

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[Told]] = []


class Sharer(Generic[Told]):
    """Shares answers. What waits is bounded by the requests that the server takes at a time."""

    def __init__(self) -> None:
        self._under_way: dict[Key, _Round[Told]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, key: Key, ask: Callable[[], Awaitable[Told]]) -> Told:
        """Return an answer to the question `key` that was asked for after this call.

        Args:
            key: What makes questions the same: the method, the request, and who asks.
            ask: Asks it.

        Raises:
            grpc.aio.AioRpcError: The service refused, or does not answer.
        """
        following = self._under_way.get(key)
        if following is not None:
            future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
            following.waiting.append(future)
            return await future
        self._under_way[key] = _Round()
        try:
            return await ask()
        finally:
            self._go_on(key, ask)

    def _go_on(self, key: Key, ask: Callable[[], Awaitable[Told]]) -> None:
        waiting = [future for future in self._under_way[key].waiting if not future.done()]
        if not waiting:
            del self._under_way[key]
            return
        self._under_way[key] = _Round()
        task = asyncio.create_task(self._ask_for(waiting, key, ask), name="shared call")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask_for(self, waiting: list[asyncio.Future[Told]], key: Key, ask: Callable[[], Awaitable[Told]]) -> None:
        try:
            answer = await ask()
        except Exception as error:
            for future in waiting:
                if not future.done():
                    future.set_exception(error)
        except BaseException:
            for future in waiting:
                future.cancel()
            raise
        else:
            for future in waiting:
                if not future.done():
                    future.set_result(answer)
        finally:
            self._go_on(key, ask)
