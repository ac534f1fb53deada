"""Schedules in requests."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Any

import orjson

from headrace.api.v1 import deployment_pb2
from headrace_prefect.bodies import fields
from headrace_prefect.bodies.fields import Body, Field, Fields, Wrong
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes.schedules import UNNAMED

_RULE_FIELDS: Fields = {
    "cron": Field(fields.string),
    "day_or": Field(fields.boolean, default=True),
    "interval": Field(fields.seconds),
    "anchor_date": Field(fields.moment),
    "rrule": Field(fields.string),
    "timezone": Field(fields.string, default=""),
}
_rule_body = fields.nested(_RULE_FIELDS)


def rule(value: Any) -> deployment_pb2.ScheduleRule:
    """Take the rule of a schedule: an interval, a cron expression or a recurrence rule."""
    body = _rule_body(value)
    if body["interval"] is not None:
        if body["interval"] <= 0:
            raise Wrong("The interval must be positive", "value_error", ("interval",))
        interval = deployment_pb2.IntervalRule(
            every=scalars.to_duration(body["interval"]),
            anchor_at=scalars.to_timestamp(body["anchor_date"]),
            time_zone=body["timezone"],
        )
        return deployment_pb2.ScheduleRule(interval=interval)
    if body["cron"] is not None:
        cron = deployment_pb2.CronRule(expression=body["cron"], time_zone=body["timezone"], day_or=body["day_or"])
        return deployment_pb2.ScheduleRule(cron=cron)
    if body["rrule"] is not None:
        recurrence = deployment_pb2.RecurrenceRule(rule=body["rrule"], time_zone=body["timezone"])
        return deployment_pb2.ScheduleRule(recurrence=recurrence)
    raise Wrong("A schedule needs an interval, a cron expression or an rrule", "missing")


SCHEDULE_FIELDS: Fields = {
    "schedule": Field(rule, required=True),
    "active": Field(fields.boolean, default=True),
    "max_scheduled_runs": Field(fields.at_least(1)),
    "parameters": Field(fields.json_object, default=dict),
    "slug": Field(fields.string),
    "replaces": Field(fields.string),
}
SCHEDULE_CHANGE_FIELDS: Fields = {**SCHEDULE_FIELDS, "schedule": Field(rule), "active": Field(fields.boolean)}

schedule = fields.nested(SCHEDULE_FIELDS)
schedule_change = fields.nested(SCHEDULE_CHANGE_FIELDS)


def message(body: Body, taken: Collection[str]) -> deployment_pb2.Schedule:
    """Return a schedule that is to be made.

    Args:
        body: By `SCHEDULE_FIELDS`.
        taken: Slugs of other schedules of the deployment.
    """
    return deployment_pb2.Schedule(
        slug=body["slug"] or _made_up_slug(body, taken),
        rule=body["schedule"],
        active=True if body["active"] is None else body["active"],
        parameters=scalars.to_struct(body["parameters"]),
    )


def messages(bodies: Sequence[Body]) -> list[deployment_pb2.Schedule]:
    """Return the schedules of a deployment, each with a slug of its own."""
    made: list[deployment_pb2.Schedule] = []
    for body in bodies:
        made.append(message(body, {one.slug for one in made} | {one["slug"] for one in bodies if one["slug"]}))
    return made


def _made_up_slug(body: Body, taken: Collection[str]) -> str:
    # The same schedule gets the same slug again, and so keeps its identity when the deployment is applied again.
    rule_bytes = body["schedule"].SerializeToString(deterministic=True)
    content = rule_bytes + orjson.dumps(body["parameters"], option=orjson.OPT_SORT_KEYS)
    slug = UNNAMED + hashlib.sha256(content).hexdigest()[:16]
    number, numbered = 2, slug
    while numbered in taken:
        numbered, number = f"{slug}-{number}", number + 1
    return numbered
