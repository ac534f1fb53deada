"""How many wrong passwords come from one network address, whatever names they are for."""

from __future__ import annotations

import collections
import contextlib
import time
from collections.abc import Callable, Iterator

from headrace import errors

WINDOW_SECONDS = 60.0
MOST_WRONG = 100
"""In each window, for each address; many people may share one."""
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
        now = self._monotonic()
        began, count = self._window(address, now)
        if count >= MOST_WRONG:
            left = max(1.0, began + WINDOW_SECONDS - now)
            raise errors.ResourceExhausted(
                f"too many wrong passwords come from {address}; try again in {round(left)} s",
                reason="SIGN_IN_LOCKED",
                retry_after_seconds=left,
            )
        try:
            yield
        except errors.Unauthenticated:
            # Others from there may have guessed meanwhile.
            began, count = self._window(address, self._monotonic())
            self._counts[address] = (began, count + 1)
            self._counts.move_to_end(address)
            if len(self._counts) > MOST_ADDRESSES:
                self._counts.popitem(last=False)
            raise

    def _window(self, address: str, now: float) -> tuple[float, int]:
        began, count = self._counts.get(address, (now, 0))
        return (now, 0) if now - began >= WINDOW_SECONDS else (began, count)
