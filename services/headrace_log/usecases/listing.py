"""Pages of records."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import AsyncIterator

from headrace_log.repository import RecordReader, RecordTail
from headrace_log.rules.histogram import Counts, Spans, choose_spans
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
    horizon: int | None = None,
) -> Page:
    """Return the page behind `after` in the order of time, or in the opposite one; with `horizon`, only up to it."""
    window = Window(after=after, up_to_position=horizon)

    async def read() -> list[Record]:
        return await reader.list_records(workspace_id, wanted, window, newest_first=newest_first, limit=page_size + 1)

    is_bounded = horizon is not None
    if horizon is None:
        # A search may take long: it is not begun again for a newer horizon, as below.
        horizon = await tail.settle() if wanted.text else tail.known_position
    found = await read()
    if not (is_bounded or wanted.text) and (not found or any(record.position > horizon for record in found)):
        # The token has to tell what this page saw from what is still to come, so it needs a newer horizon.
        horizon = await tail.settle()
        found = await read()
    records = found[:page_size]
    next_key = records[-1].key if len(found) > page_size else None
    return Page(records, next_key, follow_behind(records, horizon))


DOWNLOAD_PAGE = 500
"""Records of a document that are in memory at once."""


async def all_records(
    reader: RecordReader, tail: RecordTail, workspace_id: uuid.UUID, wanted: RecordFilter
) -> AsyncIterator[list[Record]]:
    """Yield all records that are committed now, oldest first, a page at a time."""
    window = Window(up_to_position=await tail.settle())
    while True:
        found = await reader.list_records(workspace_id, wanted, window, newest_first=False, limit=DOWNLOAD_PAGE)
        if found:
            yield found
        if len(found) < DOWNLOAD_PAGE:
            return
        window = dataclasses.replace(window, after=found[-1].key)


async def count_over_time(
    reader: RecordReader, workspace_id: uuid.UUID, wanted: RecordFilter, *, most_spans: int
) -> tuple[Spans | None, list[Counts]]:
    """Return spans of time and how many records of each level are in each that has any; no spans without records."""
    first, last = wanted.occurred_from, wanted.occurred_until
    if first is None or last is None:
        oldest = await reader.list_records(workspace_id, wanted, Window(), newest_first=False, limit=1)
        newest = oldest and await reader.list_records(workspace_id, wanted, Window(), newest_first=True, limit=1)
        if not oldest or not newest:
            return None, []
        first = first or oldest[0].occurred_at
        last = newest[0].occurred_at if last is None else last - _MICROSECOND
    else:
        last -= _MICROSECOND
    if last < first:
        return None, []
    spans = choose_spans(first, last, most_spans)
    return spans, await reader.count_levels(workspace_id, wanted, spans)


_MICROSECOND = datetime.timedelta(microseconds=1)
