"""Schedules as users write them."""

from __future__ import annotations

import datetime
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from headrace import errors
from headrace.api.v1 import deployment_pb2
from headrace.deployments.plain import fill_struct

CatchUpPolicy = Literal["all", "latest", "skip"]

_CATCH_UP: dict[CatchUpPolicy, deployment_pb2.CatchUp.ValueType] = {
    "all": deployment_pb2.CATCH_UP_ALL,
    "latest": deployment_pb2.CATCH_UP_LATEST,
    "skip": deployment_pb2.CATCH_UP_SKIP,
}


@dataclass(frozen=True, kw_only=True)
class Schedule(ABC):
    """When a deployment runs by itself. Use `Cron`, `Interval` or `RRule`.

    Args:
        slug: A short name, unique in the deployment; a schedule keeps its identity by it.
        parameters: Parameters of its runs, on top of the deployment's.
        active: False: it makes no runs.
        starts_at: No runs before.
        ends_at: No runs from then on.
        catch_up: What happens to times that were missed while nothing could make runs.
        maximum_lateness: A run that would be later than this is not started.
        jitter: Each time is moved by a random span up to this.
        calendars: Names of calendars: no runs at their times.
    """

    slug: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    active: bool = True
    starts_at: datetime.datetime | None = None
    ends_at: datetime.datetime | None = None
    catch_up: CatchUpPolicy = "all"
    maximum_lateness: datetime.timedelta | None = None
    jitter: datetime.timedelta | None = None
    calendars: Sequence[str] = ()

    @abstractmethod
    def rule(self) -> deployment_pb2.ScheduleRule:
        """Return the rule in the words of the contract."""

    def to_proto(self) -> deployment_pb2.Schedule:
        """Return the schedule in the words of the contract.

        Raises:
            errors.InvalidArgument: A value is wrong.
        """
        if self.catch_up not in _CATCH_UP:
            raise errors.InvalidArgument.of_field("catch_up", f"must be one of {', '.join(_CATCH_UP)}")
        schedule = deployment_pb2.Schedule(
            slug=self.slug,
            active=self.active,
            rule=self.rule(),
            catch_up=_CATCH_UP[self.catch_up],
            calendar_names=self.calendars,
        )
        fill_struct(schedule.parameters, self.parameters, "schedule.parameters")
        if self.starts_at is not None:
            schedule.starts_at.FromDatetime(_aware(self.starts_at, "starts_at"))
        if self.ends_at is not None:
            schedule.ends_at.FromDatetime(_aware(self.ends_at, "ends_at"))
        if self.maximum_lateness is not None:
            schedule.maximum_lateness.FromTimedelta(self.maximum_lateness)
        if self.jitter is not None:
            schedule.jitter.FromTimedelta(self.jitter)
        return schedule


@dataclass(frozen=True)
class Cron(Schedule):
    """A cron expression.

    Args:
        expression: Five fields, or six with seconds last.
        timezone: IANA name of the time zone; UTC if not given.
        day_or: True: day of month or day of week is enough; False: both must match.
    """

    expression: str
    timezone: str = ""
    day_or: bool = True

    def rule(self) -> deployment_pb2.ScheduleRule:
        """Return the rule in the words of the contract."""
        cron = deployment_pb2.CronRule(expression=self.expression, time_zone=self.timezone, day_or=self.day_or)
        return deployment_pb2.ScheduleRule(cron=cron)


@dataclass(frozen=True)
class Interval(Schedule):
    """A fixed interval.

    Args:
        every: The interval, in seconds or as a timedelta; at least a second.
        anchor: One of the times; the epoch if not given.
        timezone: IANA name of the zone whose wall clock intervals of whole days keep; UTC if not given.
    """

    every: float | datetime.timedelta
    anchor: datetime.datetime | None = None
    timezone: str = ""

    def rule(self) -> deployment_pb2.ScheduleRule:
        """Return the rule in the words of the contract."""
        interval = deployment_pb2.IntervalRule(time_zone=self.timezone)
        every = self.every
        interval.every.FromTimedelta(
            every if isinstance(every, datetime.timedelta) else datetime.timedelta(seconds=every)
        )
        if self.anchor is not None:
            interval.anchor_at.FromDatetime(_aware(self.anchor, "anchor"))
        return deployment_pb2.ScheduleRule(interval=interval)


@dataclass(frozen=True)
class RRule(Schedule):
    """A recurrence rule of RFC 5545.

    Args:
        text: RRULE with DTSTART, EXDATE, ... lines.
        timezone: IANA name of the time zone; UTC if not given.
    """

    text: str
    timezone: str = ""

    def rule(self) -> deployment_pb2.ScheduleRule:
        """Return the rule in the words of the contract."""
        recurrence = deployment_pb2.RecurrenceRule(rule=self.text, time_zone=self.timezone)
        return deployment_pb2.ScheduleRule(recurrence=recurrence)


def _aware(moment: datetime.datetime, name: str) -> datetime.datetime:
    if moment.tzinfo is None:
        raise errors.InvalidArgument.of_field(name, "needs a time zone, e.g. tzinfo=datetime.UTC")
    return moment.astimezone(datetime.UTC)


def one_schedule(
    *,
    cron: str | None,
    interval: float | datetime.timedelta | None,
    rrule: str | None,
    timezone: str,
    schedules: list[Schedule] | None,
) -> list[Schedule] | None:
    """Return the schedules that the shorthands name; None if nothing was said about schedules.

    Raises:
        errors.InvalidArgument: More than one of them was given.
    """
    given = [value for value in (cron, interval, rrule, schedules) if value is not None]
    if len(given) > 1:
        raise errors.InvalidArgument("Give only one of cron, interval, rrule and schedules.")
    if cron is not None:
        return [Cron(cron, timezone=timezone, slug="cron")]
    if interval is not None:
        return [Interval(interval, timezone=timezone, slug="interval")]
    if rrule is not None:
        return [RRule(rrule, timezone=timezone, slug="rrule")]
    if timezone:
        raise errors.InvalidArgument.of_field("timezone", "goes with cron, interval or rrule")
    return schedules
