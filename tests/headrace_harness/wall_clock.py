"""An oracle for times on wall clocks, which knows nothing of how the product reads them."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterable, Iterator

from dateutil import rrule

UTC = datetime.UTC
MINUTE = datetime.timedelta(minutes=1)
HALF_A_DAY = datetime.timedelta(hours=12)
TWO_HOURS = datetime.timedelta(hours=2)


def shown_at(local: datetime.datetime, zone: zoneinfo.ZoneInfo) -> datetime.datetime:
    """Return the first moment at which the clock of a zone shows `local`, or the first after a gap that skips it.

    Found by looking at the clock minute by minute where it may be about to change.
    """
    guess = local.replace(tzinfo=UTC) - (local.replace(tzinfo=zone).utcoffset() or datetime.timedelta())
    steady = {(guess + shift).astimezone(zone).utcoffset() for shift in (-HALF_A_DAY, HALF_A_DAY)}
    if len(steady) == 1:
        return guess
    moment = guess - TWO_HOURS
    moment = moment.replace(second=local.second, microsecond=local.microsecond)
    while True:
        shown = moment.astimezone(zone).replace(tzinfo=None, fold=0)
        if shown == local:
            return moment
        if shown > local and (moment - MINUTE).astimezone(zone).replace(tzinfo=None, fold=0) < local:
            # Skipped: the minute in which the clock has moved on begins with the change.
            return moment.replace(second=0, microsecond=0)
        moment += MINUTE


def recurring(
    rule: str, first: datetime.datetime, excluded: Iterable[datetime.datetime], zone: zoneinfo.ZoneInfo
) -> Iterator[datetime.datetime]:
    """Yield the moments of a rule that repeats daily or more seldom, each once, without the excluded times."""
    rules = rrule.rruleset()
    rules.rrule(rrule.rrulestr(rule, dtstart=first))  # type: ignore[arg-type]
    for local in excluded:
        rules.exdate(local)
    last = None
    for local in rules:
        moment = shown_at(local, zone)
        if last is None or moment > last:
            last = moment
            yield moment


def daily(
    anchor: datetime.datetime, days: int, zone: zoneinfo.ZoneInfo, start: datetime.datetime
) -> Iterator[datetime.datetime]:
    """Yield the moments after `start` at which the clock of a zone shows the anchor's time, every so many days."""
    local = anchor.astimezone(zone).replace(tzinfo=None)
    while True:
        moment = shown_at(local, zone)
        if moment > start:
            yield moment
        local += datetime.timedelta(days=days)
