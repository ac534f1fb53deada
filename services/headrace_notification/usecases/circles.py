"""Automations that undo what others do, and go round in circles with them.

What starts runs and emits events carries along which automations led to it. What only changes the state of something
does not: there it is told by the pace.
"""

from __future__ import annotations

import collections
import datetime
import uuid

from headrace_notification.rules.firings import Firing

MOST_TURNS = 60
"""So often in a minute an automation may change the same thing."""

_SPAN = datetime.timedelta(minutes=1)
_MOST_KNOWN = 10_000
"""Things of automations that are remembered; those not heard of for longest are forgotten."""


class Turns:
    """Counts how often automations fired for the same thing of late, by the time of the events."""

    def __init__(self) -> None:
        self._turns: collections.OrderedDict[tuple[uuid.UUID, str], collections.deque[datetime.datetime]] = (
            collections.OrderedDict()
        )

    def too_many(self, firing: Firing) -> str:
        """Count a firing; return why it must change nothing, "" if it may."""
        if firing.event is None:
            return ""
        key = firing.automation.automation_id, firing.event["resource"]["id"]
        turns = self._turns.pop(key, None) or collections.deque[datetime.datetime](maxlen=MOST_TURNS)
        self._turns[key] = turns
        if len(self._turns) > _MOST_KNOWN:
            self._turns.popitem(last=False)
        if len(turns) == MOST_TURNS and firing.at - turns[0] < _SPAN:
            return (
                f"not done: the automation fired {MOST_TURNS} times within a minute for the same thing, as if it went "
                "round in circles"
            )
        turns.append(firing.at)
        return ""
