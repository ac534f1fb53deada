"""From the wall clocks of time zones to moments, right on both edges of daylight saving time.

Rules speak of wall-clock times ("every day at 2:30"); runs need moments. Two ways to read such a rule:

- *By the wall clock*, for times of the day: each wall-clock time happens once. One that the clock skips in
  spring falls on the first moment after the gap; one that the clock shows twice in autumn is the first.
- *By elapsed time*, for "every hour" and the like: the rule fires whenever the clock shows a time that
  matches. What is skipped does not fire; what is shown twice fires twice. So an hourly rule fires
  every hour, all year round.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Callable, Iterable, Iterator

from headrace_scheduler.rules.faults import Invalid

UTC = datetime.UTC
LocalTimes = Callable[[datetime.datetime], Iterable[datetime.datetime]]
"""Returns the naive wall-clock times of a rule strictly after a naive one, in order, lazily."""

_MOMENT = datetime.timedelta(microseconds=1)
_DAY = datetime.timedelta(days=1)
_LONGEST_GAP = datetime.timedelta(hours=25)


def zone(name: str, field: str = "time_zone") -> datetime.tzinfo:
    """Return the time zone with an IANA name; "" is UTC.

    Raises:
        Invalid: There is none.
    """
    if name in ("", "UTC"):
        return UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid.of_field(
            field, f"{name!r} is not the IANA name of a time zone, such as Europe/Berlin or America/New_York"
        ) from None


def to_moment(local: datetime.datetime, tz: datetime.tzinfo) -> datetime.datetime:
    """Return the moment, in UTC, at which the wall clock of `tz` shows the naive time `local`.

    A time that is skipped becomes the first moment after the gap; of one that comes twice it is the first.
    """
    if tz is UTC:
        return local.replace(tzinfo=UTC)
    moment = local.replace(tzinfo=tz, fold=0).astimezone(UTC)
    if to_local(moment, tz) == local:
        return moment
    # In a gap the two readings of `local` lie on either side of the change.
    other = local.replace(tzinfo=tz, fold=1).astimezone(UTC)
    return _change_between(tz, min(moment, other), max(moment, other))


def to_local(moment: datetime.datetime, tz: datetime.tzinfo) -> datetime.datetime:
    """Return the naive time that the wall clock of `tz` shows at `moment`."""
    return moment.astimezone(tz).replace(tzinfo=None, fold=0)


def by_wall_clock(times: LocalTimes, tz: datetime.tzinfo, after: datetime.datetime) -> Iterator[datetime.datetime]:
    """Yield the moments of a rule that is read by the wall clock, strictly after `after`, each once."""
    start = to_local(after, tz)
    if _offset(after, tz) != _offset(after - _LONGEST_GAP, tz):
        # A time skipped a moment ago may fall on a moment that is still to come.
        start -= _LONGEST_GAP
    last = after
    for local in times(start):
        moment = to_moment(local, tz)
        if moment > last:
            last = moment
            yield moment


def by_elapsed_time(times: LocalTimes, tz: datetime.tzinfo, after: datetime.datetime) -> Iterator[datetime.datetime]:
    """Yield the moments of a rule that is read by elapsed time, strictly after `after`."""
    if tz is UTC:
        for local in times(after.astimezone(UTC).replace(tzinfo=None)):
            yield local.replace(tzinfo=UTC)
        return
    start: datetime.datetime | None = after
    offset = _offset(after, tz)
    local_start = to_local(after, tz)
    while start is not None:
        # Between two changes of the offset the wall clock is a straight line.
        steady_until = start
        start = None
        for local in times(local_start):
            moment = local.replace(tzinfo=UTC) - offset
            change = _first_change(tz, steady_until, moment)
            if change is not None:
                start, offset = change, _offset(change, tz)
                local_start = to_local(change, tz) - _MOMENT
                break
            steady_until = max(steady_until, moment)
            yield moment


def _offset(moment: datetime.datetime, tz: datetime.tzinfo) -> datetime.timedelta:
    return moment.astimezone(tz).utcoffset() or datetime.timedelta()


def _first_change(tz: datetime.tzinfo, after: datetime.datetime, until: datetime.datetime) -> datetime.datetime | None:
    """Return the first moment in (after, until] from which the offset differs from that at `after`."""
    offset = _offset(after, tz)
    low = after
    while low < until:
        high = min(low + _DAY, until)
        if _offset(high, tz) != offset:
            return _change_between(tz, low, high)
        low = high
    return None


def _change_between(tz: datetime.tzinfo, low: datetime.datetime, high: datetime.datetime) -> datetime.datetime:
    """Return the first whole second in (low, high] with another offset than at `low`; there is one."""
    offset = _offset(low, tz)
    low_second, high_second = int(low.timestamp()), -int(-high.timestamp() // 1)
    while high_second - low_second > 1:
        middle = (low_second + high_second) // 2
        if _offset(datetime.datetime.fromtimestamp(middle, UTC), tz) == offset:
            low_second = middle
        else:
            high_second = middle
    return datetime.datetime.fromtimestamp(high_second, UTC)
