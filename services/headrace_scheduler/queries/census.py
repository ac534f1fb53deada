"""What the gauges of the service show."""

from __future__ import annotations

from headrace_chassis.census import Gauge
from headrace_scheduler.queries import SQL

STATEMENT = SQL.census

_POOL = ("workspace", "work_pool")

GAUGES = (
    Gauge("workers", "Workers, by pool (none: they serve deployments) and status", (*_POOL, "status")),
    Gauge("worker_capacity", "Flow runs that the workers can run at a time, by pool", _POOL),
    Gauge("worker_flow_runs", "Flow runs that the workers run, by pool", _POOL),
    Gauge("work_pools_paused", "Work pools that are paused"),
    Gauge("schedules", "Schedules that have a next time"),
    Gauge("schedule_lag_seconds", "For how long the schedule whose turn it is has not been looked at"),
)
