"""Named calendars: days and spans at which schedules make no runs."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Iterable

from headrace_scheduler.rules import timeline
from headrace_scheduler.rules.faults import Fault, Invalid

_YEARLY = re.compile(r"(\d\d)-(\d\d)")
_ANY_LEAP_YEAR = 2000
_DAY = datetime.timedelta(days=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Blackout:
    """A span without runs, from inclusive to exclusive; None is open."""

    from_at: datetime.datetime | None
    until_at: datetime.datetime | None

    def covers(self, moment: datetime.datetime) -> bool:
        """Return whether `moment` lies in it."""
        return (self.from_at is None or self.from_at <= moment) and (self.until_at is None or moment < self.until_at)


@dataclasses.dataclass(frozen=True, slots=True)
class Calendar:
    """Times at which schedules make no runs."""

    name: str
    description: str = ""
    time_zone: str = ""
    dates: tuple[str, ...] = ()
    """`2026-12-25`, or `12-25` for that day of every year."""
    weekdays: tuple[int, ...] = ()
    """1 is Monday."""
    blackouts: tuple[Blackout, ...] = ()

    def covering(self, moment: datetime.datetime) -> Blackout | None:
        """Return the day or span of it that `moment` lies in, None if it lies in none."""
        for blackout in self.blackouts:
            if blackout.covers(moment):
                return blackout
        if not self.dates and not self.weekdays:
            return None
        tz = timeline.zone(self.time_zone)
        day = timeline.to_local(moment, tz).date()
        if day.isoweekday() not in self.weekdays and not {f"{day:%Y-%m-%d}", f"{day:%m-%d}"}.intersection(self.dates):
            return None
        midnight = datetime.datetime.combine(day, datetime.time())
        return Blackout(timeline.to_moment(midnight, tz), timeline.to_moment(midnight + _DAY, tz))


def check(calendar: Calendar) -> None:
    """Return if a calendar can be understood.

    Raises:
        Invalid: It cannot.
    """
    faults: list[Fault] = []
    try:
        timeline.zone(calendar.time_zone)
    except Invalid as error:
        faults.extend(error.faults)
    for place, text in enumerate(calendar.dates):
        if not _is_date(text):
            faults.append(Fault(f"dates[{place}]", f"{text!r} is no day: write 2026-12-25, or 12-25 for every year"))
    faults.extend(blackout_faults(calendar.blackouts))
    if set(calendar.weekdays) >= set(range(1, 8)):
        faults.append(Fault("weekdays", "must leave a day of the week"))
    if faults:
        raise Invalid(faults)


def blackout_faults(blackouts: Iterable[Blackout]) -> list[Fault]:
    """Return what is wrong with blackouts."""
    faults = []
    for number, blackout in enumerate(blackouts):
        if blackout.from_at is None and blackout.until_at is None:
            faults.append(Fault(f"blackouts[{number}]", "needs a beginning or an end"))
        elif blackout.from_at is not None and blackout.until_at is not None and blackout.until_at <= blackout.from_at:
            faults.append(Fault(f"blackouts[{number}].until", "must be after from"))
    return faults


def _is_date(text: str) -> bool:
    found = _YEARLY.fullmatch(text)
    try:
        if found is not None:
            datetime.date(_ANY_LEAP_YEAR, int(found[1]), int(found[2]))
        else:
            return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
    return True
