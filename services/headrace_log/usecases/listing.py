"""Pages of records."""

from __future__ import annotations

import dataclasses
import uuid

from headrace_log.repository import RecordReader, RecordTail
from headrace_log.rules.records import FollowToken, Key, Record, RecordFilter, Window, follow_behind


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """Records, where the next page begins, and where a follower goes on."""

    records: list[Record]
    next_key: Key | None
    follow_token: FollowToken


async def list_page(
    reader: RecordReader,
    tail: RecordTail,
    workspace_id: uuid.UUID,
    wanted: RecordFilter,
    *,
    after: Key | None,
    newest_first: bool,
    page_size: int,
) -> Page:
    """Return the page behind `after` in the order of time, or in the opposite one."""
    window = Window(after=after)

    async def read() -> list[Record]:
        return await reader.list_records(workspace_id, wanted, window, newest_first=newest_first, limit=page_size + 1)

    horizon = tail.known_position
    found = await read()
    if not found or any(record.position > horizon for record in found):
        # The token has to tell what this page saw from what is still to come, so it needs a newer horizon.
        horizon = await tail.settle()
        found = await read()
    records = found[:page_size]
    next_key = records[-1].key if len(found) > page_size else None
    return Page(records, next_key, follow_behind(records, horizon))
