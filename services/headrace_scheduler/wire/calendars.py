"""Calendars to and from the wire."""

from __future__ import annotations

import datetime

from headrace.api.v1 import calendar_pb2 as pb
from headrace_scheduler.rules.calendar import Calendar
from headrace_scheduler.wire import values
from headrace_scheduler.wire.schedules import from_blackout, to_blackouts


def to_calendar(message: pb.Calendar) -> Calendar:
    """Return the calendar that a user gives.

    Raises:
        errors.InvalidArgument: A time cannot be read.
    """
    return Calendar(
        name=message.name,
        description=message.description,
        time_zone=message.time_zone,
        dates=tuple(dict.fromkeys(message.dates)),
        weekdays=tuple(sorted(set(message.weekdays))),
        blackouts=to_blackouts(message.blackouts),
    )


def from_calendar(calendar: Calendar, created_at: datetime.datetime, updated_at: datetime.datetime) -> pb.Calendar:
    """Return a calendar as a message."""
    return pb.Calendar(
        name=calendar.name,
        description=calendar.description,
        time_zone=calendar.time_zone,
        dates=calendar.dates,
        weekdays=calendar.weekdays,
        blackouts=[from_blackout(blackout) for blackout in calendar.blackouts],
        created_at=values.from_time(created_at),
        updated_at=values.from_time(updated_at),
    )
