"""JSON of runs that are asked for again and again, made once.

Runs are listed, polled for and read over and over while most of them do not change, and making their JSON costs more
than all else that a list does here. A text is known by the whole content of its message, so that none is ever out of
date, and nobody sees in it what the service did not send.
"""

from __future__ import annotations

import collections
import dataclasses
import time
from collections.abc import Callable
from typing import Any

import orjson

MOST_KNOWN = 4_096
MOST_BYTES = 4_096
"""Of a message whose text is kept; what is larger is made anew each time."""


@dataclasses.dataclass(frozen=True, slots=True)
class Clock:
    """What of a run changes while time passes; moments are in seconds since 1970."""

    run_seconds: float
    """How long it ran up to its state."""
    running_since: float | None
    """Since when it has been in a state in which it runs."""
    late_seconds: float
    """How much later than expected it began."""
    late_since: float | None
    """When it was expected to begin, while it has not."""

    def read(self, now: float) -> dict[str, float]:
        """Return the fields at a moment."""
        running = max(0.0, now - self.running_since) if self.running_since is not None else 0.0
        late = max(0.0, now - self.late_since) if self.late_since is not None else self.late_seconds
        return {"estimated_run_time": self.run_seconds + running, "estimated_start_time_delta": late}


class Texts:
    """Makes the JSON of messages of one kind.

    Args:
        lasting: Returns what follows from the message alone.
        clock: Returns what time changes; these fields come last.
        now: Tells the time in seconds since 1970.
    """

    def __init__(
        self,
        lasting: Callable[[Any], dict[str, Any]],
        clock: Callable[[Any], Clock],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._now = now
        self._lasting = lasting
        self._clock = clock
        self._known: collections.OrderedDict[bytes, tuple[bytes, Clock]] = collections.OrderedDict()

    def of(self, message: Any) -> orjson.Fragment:
        """Return the JSON of a message, for `orjson.dumps`."""
        content = message.SerializeToString()
        known = self._known.get(content)
        if known is None:
            known = orjson.dumps(self._lasting(message))[:-1] + b",", self._clock(message)
            if len(content) <= MOST_BYTES:
                self._known[content] = known
                if len(self._known) > MOST_KNOWN:
                    self._known.popitem(last=False)
        else:
            self._known.move_to_end(content)
        text, clock = known
        return orjson.Fragment(text + orjson.dumps(clock.read(self._now()))[1:])
