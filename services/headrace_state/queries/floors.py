"""From which time on claims look into the queue of due runs.

Rows of runs that were claimed stay in the table until Postgres may clean them away, and that it may not as long as any
transaction is open that is older. Whoever begins at the start of the queue then walks past all of them, each time.
So claims begin where the oldest run stood that was waiting a moment ago: everything before it has been claimed.
"""

from __future__ import annotations

import datetime
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence

LOOK_SECONDS = 1.0
"""How long a floor holds. A run that another process puts below it is not claimed for that long at most."""

MARGIN = datetime.timedelta(seconds=1)
"""How much earlier than the oldest run a floor is: runs may be on their way whose transactions are not over."""

BEGINNING = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
"""The floor of what was not looked at."""

_MOST_KEPT = 10_000


class Floors:
    """The floors of queues, and of deployments without a pool, by id.

    Args:
        monotonic: Tells the monotonic time.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._floors: dict[uuid.UUID, tuple[datetime.datetime, float]] = {}
        self.version = 0
        """Grows whenever a run was queued that was due a while ago."""

    def unknown(self, keys: Iterable[uuid.UUID]) -> list[uuid.UUID]:
        """Return of which of `keys` the oldest run has to be looked for."""
        before = self._monotonic() - LOOK_SECONDS
        return [key for key in keys if key not in self._floors or self._floors[key][1] < before]

    def of(self, keys: Iterable[uuid.UUID]) -> list[datetime.datetime]:
        """Return the floor of each of `keys`."""
        return [self._floors[key][0] if key in self._floors else BEGINNING for key in keys]

    def note(
        self,
        version: int,
        keys: Sequence[uuid.UUID],
        oldest: Mapping[uuid.UUID, datetime.datetime],
        now: datetime.datetime,
    ) -> None:
        """Take in when the oldest waiting run of each of `keys` is due.

        Args:
            version: What `version` was before it was looked; if a run came below a floor since, nothing is kept.
            keys: What was looked at.
            oldest: Where something waits; elsewhere the floor is the time of the look.
            now: The time of the look, by the clock of the database.
        """
        if version != self.version:
            return
        if len(self._floors) + len(keys) > _MOST_KEPT:
            self._floors.clear()
        looked_at = self._monotonic()
        for key in keys:
            self._floors[key] = (min(oldest.get(key, now), now) - MARGIN, looked_at)

    def queued(self, keys: Iterable[uuid.UUID | None], due_at: datetime.datetime) -> None:
        """Take note that a run came into a queue: if it stands below the floor, that no longer holds."""
        for key in keys:
            if key is not None and key in self._floors and due_at < self._floors[key][0]:
                del self._floors[key]
        if due_at < datetime.datetime.now(datetime.UTC) - MARGIN / 2:
            # A look that is under way may not have seen it.
            self.version += 1

    def forget(self, keys: Iterable[uuid.UUID]) -> None:
        """Take note that runs of any age came into queues."""
        for key in keys:
            self._floors.pop(key, None)
        self.version += 1
