"""`/events`: what happened."""

from __future__ import annotations

import base64
import datetime
import math
from typing import Any

import orjson

from headrace.api.v1 import event_pb2
from headrace_prefect import names
from headrace_prefect.answers import Answer, Fault, Invalid, Refusal, no_content, ok
from headrace_prefect.bodies.fields import Field, Wrong, anything, integer, list_of, number, one_of, parse
from headrace_prefect.filters import events as filters
from headrace_prefect.request import Request
from headrace_prefect.resources import task_run_events
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes import events as shapes
from headrace_prefect.shapes import scalars

PAGE = 50
MOST_AT_ONCE = 500
MOST_PAGES = 20
"""Pages of the service that are looked through for one answer, where a filter is tested here."""

_MOST_BUCKETS = 1000
_BUCKETS_AT_ONCE = 500
_MOST_VALUES = 200
_PIVOT = datetime.datetime(2024, 4, 1, tzinfo=datetime.UTC)
"""Buckets of time begin here, so that those of two calls are the same."""
_UNITS = {
    "week": datetime.timedelta(weeks=1),
    "day": datetime.timedelta(days=1),
    "hour": datetime.timedelta(hours=1),
    "minute": datetime.timedelta(minutes=1),
    "second": datetime.timedelta(seconds=1),
}
_COUNTABLE = ("day", "time", "event", "resource")


def _page_size(value: Any) -> int:
    size = integer(value)
    if not 0 <= size <= PAGE:
        raise Wrong(f"Input should be from 0 to {PAGE}", "less_than_equal")
    return size


def _interval(value: Any) -> float:
    interval = number(value)
    if interval < 0.01:
        raise Wrong("Input should be greater than or equal to 0.01", "greater_than_equal")
    return interval


_EVENTS = {"events": Field(list_of(shapes.EVENT), required=True)}
_FILTERED = {"filter": Field(filters.FILTER), "limit": Field(_page_size, default=PAGE)}
_COUNTED = {
    "filter": Field(filters.FILTER, required=True),
    "time_unit": Field(one_of(_UNITS), default="day"),
    "time_interval": Field(_interval, default=1.0),
}


async def create_events(request: Request) -> Answer:
    """Take events of a client."""
    if not isinstance(request.json, list):
        raise Invalid([Fault(("body",), "Input should be a valid list", "list_type")])
    events = parse(_EVENTS, {"events": request.json})["events"]
    for start in range(0, len(events), MOST_AT_ONCE):
        await request.call(
            request.services.events.EmitEvents,
            event_pb2.EmitEventsRequest(events=map(shapes.to_event, events[start : start + MOST_AT_ONCE])),
        )
    return no_content()


async def read_events(request: Request) -> Answer:
    """Return a page of events, and the address of the next one."""
    body = request.body(_FILTERED)
    now = datetime.datetime.now(datetime.UTC)
    wanted = filters.wish(body["filter"], now)
    asks_for_ends = task_run_events.are_asked(wanted)
    counts = task_run_events.without_stored(wanted.filter) if asks_for_ends else wanted.filter
    counted = await request.call(
        request.services.events.CountEvents, event_pb2.CountEventsRequest(filter=counts, most_values=1)
    )
    total = counted.total + (await task_run_events.count(request, wanted) if asks_for_ends else 0)
    chosen = (request.json or {}).get("filter")
    # What comes later is not on later pages.
    until = (wanted.until or now).isoformat()
    return await _page(request, chosen, until, body["limit"], total, "")


async def read_next_events(request: Request) -> Answer:
    """Return the page behind another one."""
    try:
        decoded = orjson.loads(base64.urlsafe_b64decode(request.query.get("page-token", "")))
        body = parse(
            {
                "filter": Field(anything),
                "until": Field(anything, required=True),
                "limit": Field(_page_size, required=True),
                "total": Field(integer, required=True),
                "token": Field(anything, required=True),
            },
            decoded,
        )
        return await _page(request, body["filter"], body["until"], body["limit"], body["total"], body["token"])
    except (ValueError, KeyError, TypeError, Invalid):
        raise Refusal(403, "Forbidden") from None


async def count_events(request: Request) -> Answer:
    """Count events by name, by resource, or over time."""
    countable = request.path["countable"]
    if countable not in _COUNTABLE:
        raise Invalid([Fault(("path", "countable"), f"Input should be {', '.join(_COUNTABLE)}", "enum")])
    body = request.body(_COUNTED)
    now = datetime.datetime.now(datetime.UTC)
    wanted = filters.wish(body["filter"], now)
    until = wanted.until or now
    unit, interval = ("day", 1.0) if countable == "day" else (body["time_unit"], body["time_interval"])
    delta = _UNITS[unit] * interval
    buckets = math.ceil((until - wanted.since) / delta)
    if buckets > _MOST_BUCKETS:
        raise Refusal(
            422,
            f"The given interval would create {buckets} buckets, which is too many. Please increase the interval or "
            f"reduce the time range to produce {_MOST_BUCKETS} buckets or fewer.",
        )
    if until <= wanted.since:
        return ok([])
    if countable in ("day", "time"):
        return ok(await _over_time(request, wanted, until, delta))
    facet = event_pb2.EVENT_FACET_NAME if countable == "event" else event_pb2.EVENT_FACET_RESOURCE
    counted = await request.call(
        request.services.events.CountEvents,
        event_pb2.CountEventsRequest(filter=wanted.filter, facet=facet, most_values=_MOST_VALUES),
    )
    span = {"start_time": _text(wanted.since), "end_time": _text(until)}
    counts = []
    for each in counted.counts:
        value = names.to_theirs(each.value)
        counts.append({"value": value, "label": value, "count": each.count, **span})
    return ok(counts)


async def _over_time(
    request: Request, wanted: filters.Wish, until: datetime.datetime, delta: datetime.timedelta
) -> list[dict[str, Any]]:
    first = math.floor((wanted.since - _PIVOT) / delta)
    last = math.ceil((until - _PIVOT) / delta)
    counts: list[dict[str, Any]] = []
    for begin in range(first, last, _BUCKETS_AT_ONCE):
        end = min(begin + _BUCKETS_AT_ONCE, last)
        message = event_pb2.CountEventsRequest(filter=wanted.filter, most_values=1, bucket_count=end - begin)
        getattr(message.filter.occurred, "from").CopyFrom(scalars.to_timestamp(_PIVOT + delta * begin))
        message.filter.occurred.until.CopyFrom(scalars.to_timestamp(_PIVOT + delta * end))
        counted = await request.call(request.services.events.CountEvents, message)
        for place, count in enumerate(counted.over_time, begin):
            start = _PIVOT + delta * place
            counts.append(
                {
                    "value": str(place),
                    "label": start.isoformat(),
                    "count": count,
                    "start_time": _text(start),
                    "end_time": _text(start + delta - datetime.timedelta(microseconds=1)),
                }
            )
    return counts


async def _page(request: Request, chosen: Any, until: str, limit: int, total: int, token: str) -> Answer:
    body = parse({"filter": Field(filters.FILTER)}, {"filter": chosen})
    wanted = filters.wish(body["filter"], datetime.datetime.now(datetime.UTC))
    if wanted.until is None:
        wanted.filter.occurred.until.CopyFrom(scalars.to_timestamp(datetime.datetime.fromisoformat(until)))
    if chosen is None or not ((chosen.get("occurred") or {}).get("since")):
        # The same moment on every page, or the service would take it for another question.
        since = datetime.datetime.fromisoformat(until) - filters.LONGEST_PAST
        getattr(wanted.filter.occurred, "from").CopyFrom(scalars.to_timestamp(since))
    if task_run_events.are_asked(wanted):
        place = _place(token) if token else task_run_events.Place(datetime.datetime.fromisoformat(until))
        found, behind = await task_run_events.page(request, wanted, place, limit)
        token = orjson.dumps({"before": behind.before.isoformat(), "told": behind.told}).decode() if behind else ""
        return _answer(
            request, found, {"filter": chosen, "until": until, "limit": limit, "total": total, "token": token}
        )
    order = event_pb2.EVENT_SORT_OCCURRED_ASC if wanted.oldest_first else event_pb2.EVENT_SORT_OCCURRED_DESC
    found = []
    for _ in range(MOST_PAGES if limit else 0):
        page = await request.call(
            request.services.events.ListEvents,
            event_pb2.ListEventsRequest(filter=wanted.filter, sort=order, page_size=limit, page_token=token),
        )
        events = [shapes.shape(event) for event in page.events]
        kept = [event for event in events if wanted.keep is None or wanted.keep(event)]
        if found and len(found) + len(kept) > limit:
            break
        found += kept
        token = page.next_page_token
        if not token or len(found) >= limit or wanted.keep is None:
            break
    return _answer(request, found, {"filter": chosen, "until": until, "limit": limit, "total": total, "token": token})


def _place(token: str) -> task_run_events.Place:
    kept = orjson.loads(token)
    return task_run_events.Place(datetime.datetime.fromisoformat(kept["before"]), tuple(kept["told"]))


def _answer(request: Request, found: list[dict[str, Any]], state: dict[str, Any]) -> Answer:
    """Return a page, and the address of the next one, if there is one."""
    following = None
    if state["token"]:
        host = request.headers.get(b"host", b"localhost").decode("latin-1")
        scheme = request.headers.get(b"x-forwarded-proto", b"http").decode("latin-1")
        encoded = base64.urlsafe_b64encode(orjson.dumps(state)).decode()
        where = "api" if request.workspace is None else f"api/accounts/headrace/workspaces/{request.workspace}"
        following = f"{scheme}://{host}/{where}/events/filter/next?page-token={encoded}"
    return ok({"events": found, "total": state["total"], "next_page": following})


def _text(moment: datetime.datetime) -> str:
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


ROUTES = (
    Route("POST", "/events", create_events),
    Route("POST", "/events/filter", read_events),
    Route("GET", "/events/filter/next", read_next_events),
    Route("POST", "/events/count-by/{countable}", count_events),
)
