"""The ends of background tasks as events.

Ends of task runs become events only where somebody looks at them, as there are thousands a second. Who waits for
background tasks with Prefect's client does so on `/events/out`, and takes the result out of the event. So their ends
are looked up for such a follower, with all that the state says.
"""

from __future__ import annotations

import asyncio
import datetime
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from typing import Any

from headrace.api.v1 import event_pb2, state_pb2, task_run_pb2
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes.task_run_events import TASK_RUN, event_json, is_like, name_of
from headrace_prefect.sockets.socket import Socket

LOOK_SECONDS = 0.5
OVERLAP = datetime.timedelta(minutes=1)
"""So far back each look goes: clocks of those who execute tasks differ, and ends are told late."""
MOST_REMEMBERED = 10_000

_FINAL = (
    state_pb2.STATE_TYPE_COMPLETED,
    state_pb2.STATE_TYPE_CANCELLED,
    state_pb2.STATE_TYPE_FAILED,
    state_pb2.STATE_TYPE_CRASHED,
)
_PAGE = 200


def are_wanted(patterns: Iterable[str]) -> bool:
    """Return whether names of events, in our words, ask for task runs by name."""
    return any(pattern.startswith(TASK_RUN) for pattern in patterns)


def is_of_background_task(event: event_pb2.Event) -> bool:
    """Return whether an event is about a task run without a flow run."""
    return event.resource.resource_id.startswith(TASK_RUN) and not any(
        related.role == "flow-run" for related in event.related
    )


async def ends(socket: Socket, patterns: Iterable[str], since: datetime.datetime) -> AsyncIterator[dict[str, Any]]:
    """Yield the ends of background tasks since a moment as events, each once, and go on for ever.

    Args:
        socket: Whose they are.
        patterns: Names of events, in our words; "*" at the end stands for any rest.
        since: From when on.
    """
    wanted = list(patterns)
    told: OrderedDict[str, None] = OrderedDict()
    while True:
        looked_at = datetime.datetime.now(datetime.UTC)
        asked = task_run_pb2.ListTaskRunsRequest(
            filter=task_run_pb2.TaskRunFilter(background=True, state_types=_FINAL),
            sort=task_run_pb2.TASK_RUN_SORT_ENDED_DESC,
            page_size=_PAGE,
        )
        getattr(asked.filter.ended, "from").CopyFrom(scalars.to_timestamp(since))
        more = True
        while more:
            page = await socket.services.task_runs.ListTaskRuns(
                asked, metadata=socket.metadata, timeout=socket.deadline_seconds
            )
            new = [run for run in page.task_runs if run.state.state_id not in told]
            for run in new:
                told[run.state.state_id] = None
                if is_like(name_of(run.state), wanted):
                    yield event_json(run)
            asked.page_token = page.next_page_token
            # A page of what is known has only what is known behind it.
            more = bool(page.next_page_token and new)
        while len(told) > MOST_REMEMBERED:
            told.popitem(last=False)
        since = max(since, looked_at - OVERLAP)
        await asyncio.sleep(LOOK_SECONDS)
