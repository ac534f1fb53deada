"""How much a workspace may call, so that none starves the others."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import uuid
from collections.abc import Callable, Iterator

from headrace import errors

BURST_SECONDS = 2.0
"""A workspace that was quiet may at once call as often as in this time."""


@dataclasses.dataclass(slots=True)
class _Allowance:
    calls_per_second: float
    concurrent_calls: int
    left: float
    at: float
    in_progress: int = 0


class Allowances:
    """Counts the calls of workspaces in this process.

    Args:
        monotonic: Seconds that never go back.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._of: dict[uuid.UUID, _Allowance] = {}

    def set(self, workspace_id: uuid.UUID, calls_per_second: float, concurrent_calls: int) -> None:
        """Say what a workspace may call; 0 is as much as it likes."""
        found = self._of.get(workspace_id)
        if not calls_per_second and not concurrent_calls:
            if found is not None:
                # Calls in progress still count themselves out.
                found.calls_per_second, found.concurrent_calls = 0.0, 0
            return
        if found is None:
            burst = max(1.0, calls_per_second * BURST_SECONDS)
            found = self._of[workspace_id] = _Allowance(0.0, 0, burst, self._monotonic())
        found.calls_per_second, found.concurrent_calls = calls_per_second, concurrent_calls

    def is_limited(self, workspace_id: uuid.UUID) -> bool:
        """Return whether calls of a workspace are counted at all."""
        return workspace_id in self._of

    @contextlib.contextmanager
    def taking(self, workspace_id: uuid.UUID) -> Iterator[None]:
        """Count a call.

        Raises:
            errors.ResourceExhausted: The workspace has called too much.
        """
        allowance = self._of[workspace_id]
        self._take(allowance)
        allowance.in_progress += 1
        try:
            yield
        finally:
            allowance.in_progress -= 1

    def _take(self, allowance: _Allowance) -> None:
        if allowance.concurrent_calls and allowance.in_progress >= allowance.concurrent_calls:
            raise errors.ResourceExhausted(
                f"the workspace has {allowance.concurrent_calls} calls in progress, the most that it may have at once",
                reason="WORKSPACE_CALLS_EXHAUSTED",
            )
        if not allowance.calls_per_second:
            return
        now = self._monotonic()
        burst = max(1.0, allowance.calls_per_second * BURST_SECONDS)
        allowance.left = min(burst, allowance.left + (now - allowance.at) * allowance.calls_per_second)
        allowance.at = now
        if allowance.left < 1.0:
            raise errors.ResourceExhausted(
                f"the workspace may make {allowance.calls_per_second:g} calls a second, and made more",
                reason="WORKSPACE_CALLS_EXHAUSTED",
            )
        allowance.left -= 1.0
