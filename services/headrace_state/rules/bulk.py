"""Bulk operations: one change to many flow runs."""

from __future__ import annotations

import dataclasses
import enum
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

REFUSALS_KEPT = 20
"""Refusals that an operation tells of."""


class BulkKind(enum.StrEnum):
    """What becomes of each flow run."""

    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"
    SET_STATE = "set_state"
    CHANGE_TAGS = "change_tags"


@dataclasses.dataclass(frozen=True, slots=True)
class BulkAction:
    """What becomes of each flow run; which fields count depends on the kind."""

    kind: BulkKind
    reason: str = ""
    retries_all: bool = False
    """Whether task runs that completed are executed again, too."""
    state_type: str = ""
    state_name: str = ""
    message: str = ""
    force: bool = False
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what is stored of it."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value or name == "kind"}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> BulkAction:
        """Return the action that was stored."""
        lists = {name: tuple(stored.get(name, ())) for name in ("add", "remove")}
        return cls(**{**stored, **lists, "kind": BulkKind(stored["kind"])})


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """A run that was left as it was."""

    flow_run_id: uuid.UUID
    code: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class BulkProgress:
    """What a stretch of an operation did."""

    last_flow_run_id: uuid.UUID | None
    """The last run looked at; None if there was none left."""
    looked_at: int
    refusals: Sequence[Refusal]


def changed_tags(before: Sequence[str], action: BulkAction) -> list[str]:
    """Return the tags that a run has after an action."""
    kept = [tag for tag in before if tag not in action.remove]
    return list(dict.fromkeys([*kept, *action.add]))
