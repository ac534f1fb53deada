"""How many attempts of callers that prove nothing the audit log takes: it is never cut, and they cost nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60.0
MOST_OF_ADDRESS = 60
"""In each window, for each network address."""
MOST_OF_ALL = 600
"""In each window, of all addresses together."""


class Strangers:
    """Counts attempts of one service in one process, in windows of a minute.

    Args:
        monotonic: Seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._taken = 0
        self._of_address: dict[str, int] = {}
        self._left_out = 0

    def takes(self, address: str) -> bool:
        """Return whether one more attempt from an address is kept; one that is not is counted.

        What is remembered is bounded by the attempts that are taken.
        """
        now = self._monotonic()
        if now - self._began >= WINDOW_SECONDS:
            self._began, self._taken = now, 0
            self._of_address.clear()
        before = self._of_address.get(address, 0)
        if self._taken >= MOST_OF_ALL or before >= MOST_OF_ADDRESS:
            self._left_out += 1
            return False
        self._taken += 1
        self._of_address[address] = before + 1
        return True

    def tell(self) -> None:
        """Write into the server's log how many attempts were not kept since the last time."""
        left_out, self._left_out = self._left_out, 0
        if left_out:
            logger.warning(
                "%d attempts of callers that prove nothing are not in the audit log: too many came", left_out
            )
