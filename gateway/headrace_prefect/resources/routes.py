"""What a resource says about its operations."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

from headrace_prefect.answers import Answer
from headrace_prefect.request import Request

Handler = Callable[[Request], Awaitable[Answer]]


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """One operation."""

    method: str
    path: str
    """Below `/api`; see `headrace_prefect.routing` for its form."""
    handler: Handler
    only_asks: bool = False
    """Whether it changes nothing, whatever its method: who asks the same at the same time shares an answer."""

    @property
    def name(self) -> str:
        """What metrics call it."""
        words = self.handler.__name__.strip("_").split("_")
        return "Prefect" + "".join(word.capitalize() for word in words)
