"""Ends of task runs among the events that a filter asks for.

There are thousands a second, so they become events only where somebody looks at them beforehand. Who asks for them
afterwards gets them all the same: made of the task runs, between the events that are stored.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Any

from headrace.api.v1 import event_pb2, state_pb2, task_run_pb2
from headrace_prefect.filters.events import Wish
from headrace_prefect.request import Request
from headrace_prefect.routing import is_id
from headrace_prefect.shapes import events as shapes
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes.task_run_events import FLOW_RUN, TASK_RUN, event_json, fits, is_like

MOST_PAGES = 20
"""Pages of each source that are looked through for one answer."""

_PAGE = 200
_STEP = datetime.timedelta(microseconds=1)
_FINAL = (
    state_pb2.STATE_TYPE_COMPLETED,
    state_pb2.STATE_TYPE_CANCELLED,
    state_pb2.STATE_TYPE_FAILED,
    state_pb2.STATE_TYPE_CRASHED,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """How far a list has been told that goes back in time."""

    before: datetime.datetime
    """What occurred then or earlier is still to be told ..."""
    told: tuple[str, ...] = ()
    """... apart from these events, which occurred then."""


def are_asked(wanted: Wish) -> bool:
    """Return whether ends of task runs belong to what a filter asks for, the newest first.

    So they do where they are named, and where it asks for all events, or all about some flow runs. What else a filter
    says would have to be tested on each of them.
    """
    chosen = wanted.filter
    if wanted.oldest_first or is_like(TASK_RUN, chosen.names_excluded):
        return False
    by_name = any(pattern.startswith(TASK_RUN) for pattern in chosen.names)
    by_id = any(pattern.startswith(TASK_RUN) for pattern in (*chosen.resource_ids, *chosen.any_resource_ids))
    if by_name or by_id:
        return (by_name or not chosen.names) and (by_id or not chosen.resource_ids)
    others = chosen.resource_ids or chosen.resource_labels or chosen.related_roles or chosen.event_ids or chosen.text
    if others or wanted.keep or (chosen.names and not is_like(TASK_RUN, chosen.names)):
        return False
    return all(each.startswith(FLOW_RUN) for each in (*chosen.related_resource_ids, *chosen.any_resource_ids))


async def count(request: Request, wanted: Wish) -> int:
    """Return how many task runs have ended that a filter asks for, as far as the server counts."""
    counted = await request.call(
        request.services.task_runs.CountTaskRuns,
        task_run_pb2.CountTaskRunsRequest(filter=_task_runs(wanted, wanted.until or _now())),
    )
    return sum(each.count for each in counted.counts)


def without_stored(chosen: event_pb2.EventFilter) -> event_pb2.EventFilter:
    """Return a filter without events of task runs."""
    others = event_pb2.EventFilter()
    others.CopyFrom(chosen)
    others.names_excluded.append(f"{TASK_RUN}*")
    return others


async def page(request: Request, wanted: Wish, place: Place, limit: int) -> tuple[list[dict[str, Any]], Place | None]:
    """Return what occurred last before a place, and the place behind it; None at the end."""
    stored, more_stored = await _stored(request, wanted, place, limit)
    ends, more_ends = await _ends(request, wanted, place, limit)
    by_id = {event["id"]: event for event in (*ends, *stored)}
    merged = sorted(by_id.values(), key=lambda event: (event["occurred"], event["id"]), reverse=True)
    taken = merged[:limit]
    if not taken or not (more_stored or more_ends or len(merged) > limit):
        return taken, None
    before = datetime.datetime.fromisoformat(taken[-1]["occurred"])
    told = [event["id"] for event in taken if event["occurred"] == taken[-1]["occurred"]]
    return taken, Place(before, (*(place.told if before == place.before else ()), *told))


async def _stored(request: Request, wanted: Wish, place: Place, limit: int) -> tuple[list[dict[str, Any]], bool]:
    asked = event_pb2.ListEventsRequest(filter=wanted.filter, sort=event_pb2.EVENT_SORT_OCCURRED_DESC, page_size=_PAGE)
    asked.filter.occurred.until.CopyFrom(scalars.to_timestamp(place.before + _STEP))
    found: list[dict[str, Any]] = []
    for _ in range(MOST_PAGES):
        answer = await request.call(request.services.events.ListEvents, asked)
        shown = [shapes.shape(event) for event in answer.events]
        found += [each for each in shown if each["id"] not in place.told and (not wanted.keep or wanted.keep(each))]
        asked.page_token = answer.next_page_token
        if len(found) >= limit or not answer.next_page_token:
            break
    return found, bool(asked.page_token)


async def _ends(request: Request, wanted: Wish, place: Place, limit: int) -> tuple[list[dict[str, Any]], bool]:
    asked = task_run_pb2.ListTaskRunsRequest(
        filter=_task_runs(wanted, place.before + _STEP), sort=task_run_pb2.TASK_RUN_SORT_ENDED_DESC, page_size=_PAGE
    )
    found: list[dict[str, Any]] = []
    for _ in range(MOST_PAGES):
        answer = await request.call(request.services.task_runs.ListTaskRuns, asked)
        for run in answer.task_runs:
            shown = event_json(run)
            if shown["id"] not in place.told and fits(shown, wanted.filter) and (not wanted.keep or wanted.keep(shown)):
                found.append(shown)
        asked.page_token = answer.next_page_token
        if len(found) >= limit or not answer.next_page_token:
            break
    return found, bool(asked.page_token)


def _task_runs(wanted: Wish, until: datetime.datetime) -> task_run_pb2.TaskRunFilter:
    chosen = wanted.filter
    message = task_run_pb2.TaskRunFilter(state_types=_FINAL)
    getattr(message.ended, "from").CopyFrom(scalars.to_timestamp(wanted.since))
    message.ended.until.CopyFrom(scalars.to_timestamp(until))
    # As far as all that is named is of one kind; the rest is tested on each.
    for named in (chosen.resource_ids, chosen.any_resource_ids):
        if not message.task_run_ids:
            message.task_run_ids.extend(_ids(named, TASK_RUN))
    for named in (chosen.related_resource_ids, chosen.any_resource_ids):
        if not message.flow_run_ids:
            message.flow_run_ids.extend(_ids(named, FLOW_RUN))
    return message


def _ids(resources: Sequence[str], prefix: str) -> list[str]:
    ids = [each.removeprefix(prefix) for each in resources if each.startswith(prefix)]
    return ids if len(ids) == len(resources) and all(map(is_id, ids)) else []


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
