"""What the notification service needs to know of figures."""

from __future__ import annotations

import datetime
from typing import Protocol

from headrace_notification.rules.metrics import Question


class Measures(Protocol):
    """Measures runs."""

    async def measure(self, question: Question, now: datetime.datetime) -> float | None:
        """Return a figure; None if there is nothing that it could be measured of.

        Raises:
            errors.HeadraceError: Who knows does not tell.
        """
        ...
