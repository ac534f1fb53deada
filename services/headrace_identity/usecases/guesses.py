"""How much of signing in comes from one network address: wrong passwords for whatever names, programs that wait."""

from __future__ import annotations

import collections
import contextlib
import time
from collections.abc import Callable, Iterator

from headrace import errors

WINDOW_SECONDS = 60.0
MOST_WRONG = 100
"""In each window, for each address; many people may share one."""
MOST_BEGUN = 60
"""Programs that begin to wait to be signed in, in each window, for each address."""
MOST_ADDRESSES = 10_000
"""Addresses that are counted; the one that guessed the longest ago makes room."""


class Guesses:
    """Counts in this process, in windows of a minute.

    Args:
        monotonic: Seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._counts: collections.OrderedDict[str, tuple[float, int]] = collections.OrderedDict()

    @contextlib.contextmanager
    def counting(self, address: str) -> Iterator[None]:
        """Let somebody try, and count if it goes wrong.

        Raises:
            errors.ResourceExhausted: It went wrong too often from that address; the error says when to try again.
        """
        # Counted before it is known whether it is wrong, so that many at once are no more than many one by one.
        self._count(address, MOST_WRONG, "wrong passwords come")
        try:
            yield
        except errors.Unauthenticated:
            raise
        except BaseException:
            self._uncount(address)
            raise
        self._uncount(address)

    def begin(self, address: str) -> None:
        """Count a program that begins to wait.

        Raises:
            errors.ResourceExhausted: Too many did from that address; the error says when to try again.
        """
        self._count(address, MOST_BEGUN, "programs ask to be signed in")

    def _count(self, address: str, most: int, what: str) -> None:
        now = self._monotonic()
        began, count = self._window(address, now)
        if count >= most:
            left = max(1.0, began + WINDOW_SECONDS - now)
            raise errors.ResourceExhausted(
                f"too many {what} from {address}; try again in {round(left)} s",
                reason="SIGN_IN_LOCKED",
                retry_after_seconds=left,
            )
        self._counts[address] = (began, count + 1)
        self._counts.move_to_end(address)
        if len(self._counts) > MOST_ADDRESSES:
            self._counts.popitem(last=False)

    def _uncount(self, address: str) -> None:
        began, count = self._counts.get(address, (0.0, 0))
        if count > 1:
            self._counts[address] = (began, count - 1)
        else:
            self._counts.pop(address, None)

    def _window(self, address: str, now: float) -> tuple[float, int]:
        began, count = self._counts.get(address, (now, 0))
        return (now, 0) if now - began >= WINDOW_SECONDS else (began, count)
