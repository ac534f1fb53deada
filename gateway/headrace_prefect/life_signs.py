"""Signs of life: events that Prefect's client sends again and again while it executes a flow run.

The lease of a run that such a client holds does not end by itself, as the client knows no leases. From the first sign
of life on it does: a run whose process is not heard of in time has crashed. Clients that give none are waited for.
"""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable, Iterable

from google.protobuf.duration_pb2 import Duration

from headrace.api.v1 import event_pb2, task_run_pb2
from headrace_prefect import names
from headrace_prefect.attempts import attempt_token_of
from headrace_prefect.routing import canonical, is_id

HEARTBEAT = "prefect.flow-run.heartbeat"
MOST_TOGETHER = 1000
"""Attempts in a call."""

_FLOW_RUN = names.OURS + "flow-run."

Renew = Callable[[task_run_pb2.RenewAttemptsRequest], Awaitable[task_run_pb2.RenewAttemptsResponse]]
"""Calls the service."""


def runs_alive(events: Iterable[event_pb2.Event]) -> list[str]:
    """Return the flow runs that events of a client are signs of life of, each once."""
    found: dict[str, None] = {}
    for event in events:
        if event.name == HEARTBEAT and event.resource.resource_id.startswith(_FLOW_RUN):
            flow_run_id = event.resource.resource_id.removeprefix(_FLOW_RUN)
            if is_id(flow_run_id):
                found[canonical(flow_run_id)] = None
    return list(found)


async def renew(call: Renew, flow_run_ids: list[str], silence_seconds: float) -> None:
    """Let flow runs be held for so long from now on; those that no client of Prefect holds stay as they are.

    Raises:
        errors.HeadraceError: Nothing was decided about some of them.
    """
    duration = Duration()
    duration.FromTimedelta(datetime.timedelta(seconds=silence_seconds))
    for start in range(0, len(flow_run_ids), MOST_TOGETHER):
        attempts = [
            task_run_pb2.RecordAttempt(flow_run_id=each, token=attempt_token_of(each))
            for each in flow_run_ids[start : start + MOST_TOGETHER]
        ]
        await call(task_run_pb2.RenewAttemptsRequest(attempts=attempts, lease_duration=duration))
