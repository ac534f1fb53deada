"""The records of a run in parts, by what its stretches tell about a text that is looked for."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Sequence

from headrace_chassis.database import Connection
from headrace_log.queries import SQL
from headrace_log.queries.stretches import BEGINNING
from headrace_log.rules.records import Key, RecordFilter, Window

FIRST_GROUP = 4
"""Parts that are read at first; each next time four times as many, until enough is found."""

_END = Key(datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC), 2**63 - 1)


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """What is asked for."""

    workspace_id: uuid.UUID
    wanted: RecordFilter
    window: Window
    newest_first: bool
    limit: int

    def of_runs(self, flow_run_ids: tuple[uuid.UUID, ...]) -> Question:
        """Return the same question about other runs."""
        return dataclasses.replace(self, wanted=dataclasses.replace(self.wanted, flow_run_ids=flow_run_ids))


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """Records behind one place in the order of time and up to another, of those above a position."""

    after_at: datetime.datetime
    after_position: int
    last_at: datetime.datetime
    last_position: int
    above: int
    """0 where a record may have the text; else only those can that came after the stretch was made."""


async def load_segments(
    connection: Connection, ask: Question, flow_run_id: uuid.UUID, hashes: Sequence[int]
) -> list[Segment]:
    """Return the parts of a run in the order that is asked for; none if it has no stretches, or too few."""
    since, until = BEGINNING.occurred_at, _END.occurred_at
    after = ask.window.after.occurred_at if ask.window.after is not None else None
    lower = (ask.wanted.occurred_from, ask.window.occurred_from, None if ask.newest_first else after)
    upper = (ask.wanted.occurred_until, ask.window.occurred_until, after if ask.newest_first else None)
    since = max([since, *(moment for moment in lower if moment is not None)])
    until = min([until, *(moment for moment in upper if moment is not None)])
    rows = await connection.fetch(SQL.list_stretches, flow_run_id, ask.workspace_id, since, until, list(hashes))
    if not rows:
        return []
    segments = [
        Segment(
            row["after_at"],
            row["after_position"],
            row["last_at"],
            row["last_position"],
            0 if row["may_contain"] else row["settled"],
        )
        for row in rows
    ]
    first, last = segments[0], segments[-1]
    # What is not summed up, at either end of what was asked for.
    before = Segment(BEGINNING.occurred_at, BEGINNING.position, first.after_at, first.after_position, 0)
    behind = Segment(last.last_at, last.last_position, _END.occurred_at, _END.position, 0)
    segments = [before, *segments, behind] if first.after_at > BEGINNING.occurred_at else [*segments, behind]
    return segments[::-1] if ask.newest_first else segments
