"""What the gauges of the service show."""

from __future__ import annotations

from headrace_chassis.census import Gauge
from headrace_state.queries.statements import SQL

STATEMENT = SQL.census
"""Counts it all; for a table of any size some milliseconds, since only what is alive is counted."""

_QUEUE = ("workspace", "work_pool", "work_queue")
_LIMIT = ("workspace", "limit")

GAUGES = (
    Gauge("flow_runs", "Flow runs that are not over, by state", ("state",)),
    Gauge("due_flow_runs", "Flow runs that are due and wait for a worker, by queue", _QUEUE),
    Gauge("due_flow_runs_age_seconds", "For how long the oldest flow run that waits for a worker is due", _QUEUE),
    Gauge("limit_slots_taken", "Slots in use, by concurrency limit; the 200 with most", _LIMIT),
    Gauge("limit_slots", "Slots that there are, by concurrency limit that is in use", _LIMIT),
    Gauge("limit_waiters", "Who waits in line for slots, by concurrency limit", _LIMIT),
    Gauge("database_bytes", "Size of the database"),
)
