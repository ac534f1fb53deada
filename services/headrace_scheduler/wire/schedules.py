"""Schedules to and from the wire."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable

from google.protobuf.duration_pb2 import Duration

from headrace.api.v1 import deployment_pb2 as pb
from headrace.api.v1 import state_pb2
from headrace_scheduler.rules.calendar import Blackout
from headrace_scheduler.rules.cron import CronRule
from headrace_scheduler.rules.faults import Invalid
from headrace_scheduler.rules.interval import IntervalRule
from headrace_scheduler.rules.lookahead import LEAST_AHEAD, LEAST_RUNS, MOST_RUNS, Horizon
from headrace_scheduler.rules.recurrence import RecurrenceRule
from headrace_scheduler.rules.schedule import CatchUp, GivenSchedule, Rule, Schedule, Terms, default_slug
from headrace_scheduler.wire import values

_LONGEST = datetime.timedelta(days=100)
_MOST_AT_ONCE = 1_000
_CATCH_UPS = {
    pb.CATCH_UP_UNSPECIFIED: CatchUp.ALL,
    pb.CATCH_UP_ALL: CatchUp.ALL,
    pb.CATCH_UP_LATEST: CatchUp.LATEST,
    pb.CATCH_UP_SKIP: CatchUp.SKIP,
}


def to_horizon(message: pb.MakeScheduledRunsRequest) -> Callable[[datetime.datetime], Horizon]:
    """Return how far ahead runs are wanted, by the start.

    Raises:
        errors.InvalidArgument: A value is out of bounds.
    """
    end_at = values.to_time(message, "end_at")
    span = values.to_span(message, "least_span")
    least = message.least_runs if message.HasField("least_runs") else LEAST_RUNS
    most = message.most_runs if message.HasField("most_runs") else MOST_RUNS

    def starting(start_at: datetime.datetime) -> Horizon:
        return Horizon(
            start_at=start_at,
            end_at=end_at if end_at is not None else start_at + _LONGEST,
            least_span=span if span is not None else LEAST_AHEAD,
            least_runs=least,
            most_runs=min(most, _MOST_AT_ONCE),
        )

    return starting


def to_schedule(message: pb.Schedule) -> GivenSchedule:
    """Return the schedule that a user gives.

    Raises:
        Invalid: Its rule is missing.
        errors.InvalidArgument: A value cannot be read.
    """
    rule = to_rule(message.rule)
    parameters = values.to_object(message.parameters, "parameters")
    blackouts = to_blackouts(message.blackouts)
    return GivenSchedule(
        slug=message.slug or default_slug(rule, parameters),
        terms=Terms(
            rule,
            values.to_time(message, "starts_at"),
            values.to_time(message, "ends_at"),
            blackouts,
            tuple(dict.fromkeys(message.calendar_names)),
        ),
        active=message.active,
        parameters=parameters,
        catch_up=_CATCH_UPS.get(message.catch_up, CatchUp.ALL),
        maximum_lateness_seconds=values.to_seconds(message, "maximum_lateness"),
        jitter_seconds=values.to_seconds(message, "jitter") or 0.0,
    )


def to_rule(message: pb.ScheduleRule) -> Rule:
    """Return the rule of a schedule.

    Raises:
        Invalid: None is given.
        errors.InvalidArgument: A value cannot be read.
    """
    match message.WhichOneof("rule"):
        case "cron":
            cron = message.cron
            return CronRule(cron.expression, cron.time_zone, cron.day_or if cron.HasField("day_or") else True)
        case "interval":
            interval = message.interval
            every = values.to_span(interval, "every") or datetime.timedelta()
            return IntervalRule(every, values.to_time(interval, "anchor_at"), interval.time_zone)
        case "recurrence":
            return RecurrenceRule(message.recurrence.rule, message.recurrence.time_zone)
        case _:
            raise Invalid.of_field("rule", "needs cron, interval or recurrence")


def from_schedule(schedule: Schedule, now: datetime.datetime, *, is_paused: bool = False) -> pb.Schedule:
    """Return a schedule as a message.

    Args:
        schedule: The schedule.
        now: The present time, for when it makes its next run.
        is_paused: Whether its deployment is paused.
    """
    terms = schedule.terms
    return pb.Schedule(
        schedule_id=str(schedule.schedule_id),
        deployment_id=str(schedule.deployment_id),
        slug=schedule.slug,
        rule=_from_rule(terms.rule),
        active=schedule.active,
        parameters=values.from_object(schedule.parameters),
        starts_at=values.from_time(terms.starts_at),
        ends_at=values.from_time(terms.ends_at),
        catch_up=pb.CatchUp.Value(f"CATCH_UP_{schedule.catch_up}"),
        maximum_lateness=values.from_seconds(schedule.maximum_lateness_seconds),
        jitter=values.from_seconds(schedule.jitter_seconds) if schedule.jitter_seconds else None,
        blackouts=[from_blackout(blackout) for blackout in terms.blackouts],
        calendar_names=terms.calendar_names,
        next_at=None if is_paused else values.from_time(schedule.next_run_at(now)),
        created_at=values.from_time(schedule.created_at),
        updated_at=values.from_time(schedule.updated_at),
    )


def _from_rule(rule: Rule) -> pb.ScheduleRule:
    match rule:
        case CronRule():
            cron = pb.CronRule(expression=rule.expression, time_zone=rule.time_zone, day_or=rule.day_or)
            return pb.ScheduleRule(cron=cron)
        case IntervalRule():
            every = Duration()
            every.FromTimedelta(rule.every)
            return pb.ScheduleRule(
                interval=pb.IntervalRule(
                    every=every, anchor_at=values.from_time(rule.anchor_at), time_zone=rule.time_zone
                )
            )
        case RecurrenceRule():
            return pb.ScheduleRule(recurrence=pb.RecurrenceRule(rule=rule.rule, time_zone=rule.time_zone))


def to_blackouts(messages: Iterable[state_pb2.TimeRange]) -> tuple[Blackout, ...]:
    """Return spans without runs.

    Raises:
        errors.InvalidArgument: A time cannot be read.
    """
    return tuple(Blackout(values.to_time(span, "from"), values.to_time(span, "until")) for span in messages)


def from_blackout(blackout: Blackout) -> state_pb2.TimeRange:
    """Return a span without runs as a message."""
    span = state_pb2.TimeRange(until=values.from_time(blackout.until_at))
    # `from` is a word of Python.
    begin = values.from_time(blackout.from_at)
    if begin is not None:
        getattr(span, "from").CopyFrom(begin)
    return span
