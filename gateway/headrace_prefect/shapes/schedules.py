"""Schedules of deployments."""

from __future__ import annotations

from typing import Any

from headrace.api.v1 import deployment_pb2
from headrace_prefect.shapes import scalars

UNNAMED = "unnamed-"
"""How slugs begin that stand for none."""


def schedule_json(schedule: deployment_pb2.Schedule) -> dict[str, Any]:
    """Return a schedule."""
    return {
        "id": schedule.schedule_id,
        "created": scalars.moment(schedule, "created_at"),
        "updated": scalars.moment(schedule, "updated_at"),
        "deployment_id": schedule.deployment_id,
        "schedule": rule_json(schedule.rule),
        "active": schedule.active,
        "max_scheduled_runs": None,
        "parameters": scalars.of_struct(schedule.parameters),
        "slug": slug_of(schedule),
    }


def slug_of(schedule: deployment_pb2.Schedule) -> str | None:
    """Return the slug of a schedule, None if it was given none."""
    return None if schedule.slug.startswith(UNNAMED) else schedule.slug


def rule_json(rule: deployment_pb2.ScheduleRule) -> dict[str, Any]:
    """Return the rule of a schedule."""
    match rule.WhichOneof("rule"):
        case "interval":
            interval = rule.interval
            return {
                "interval": scalars.seconds(interval, "every"),
                "anchor_date": scalars.moment(interval, "anchor_at") or "1970-01-01T00:00:00.000000Z",
                "timezone": interval.time_zone or "UTC",
            }
        case "cron":
            day_or = rule.cron.day_or if rule.cron.HasField("day_or") else True
            return {"cron": rule.cron.expression, "timezone": rule.cron.time_zone or "UTC", "day_or": day_or}
        case _:
            return {"rrule": rule.recurrence.rule, "timezone": rule.recurrence.time_zone or "UTC"}
