"""What the use cases work with, and how they refuse."""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from collections.abc import Iterator
from typing import Protocol

from headrace import errors
from headrace_scheduler.repository.state import StateService
from headrace_scheduler.repository.storage import Store
from headrace_scheduler.rules.deployment import Creator
from headrace_scheduler.rules.errands import Errand
from headrace_scheduler.rules.faults import Invalid


@dataclasses.dataclass(frozen=True, slots=True)
class Actor:
    """For whom something is done."""

    workspace_id: uuid.UUID
    creator: Creator


class Errands(Protocol):
    """Tells the state service what it has to know."""

    async def settle(self, errands: list[Errand]) -> None:
        """Do errands that were just stored; what cannot be done now is done later by itself."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Workbench:
    """What the use cases work with."""

    store: Store
    state: StateService
    errands: Errands


@contextlib.contextmanager
def refusing(prefix: str = "") -> Iterator[None]:
    """Turn what rules find wrong into an error for the caller.

    Args:
        prefix: Where the fields stand in the request.

    Raises:
        errors.InvalidArgument: The rules have raised Invalid; its faults become violations.
    """
    try:
        yield
    except Invalid as error:
        faults = error.under(prefix).faults
        raise errors.InvalidArgument(
            violations=[errors.FieldViolation(fault.field, fault.description) for fault in faults]
        ) from None
