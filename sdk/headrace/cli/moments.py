"""Times as people type them."""

from __future__ import annotations

import datetime
import re
import zoneinfo

from headrace import errors

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


def parse_span(text: str) -> datetime.timedelta:
    """Return a span written like `90s`, `1h30m` or `2d`.

    Raises:
        errors.InvalidArgument: It is not written like that.
    """
    if not _SPAN.fullmatch(text):
        raise errors.InvalidArgument(f"'{text}' is not a span like 90s, 15m, 1h30m or 2d.")
    return datetime.timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text)))


def parse_moment(text: str, zone: str = "") -> datetime.datetime:
    """Return a time written as ISO 8601; without an offset it is in the IANA time zone `zone`, or local without one.

    Raises:
        errors.InvalidArgument: It is not written like that, or there is no such zone.
    """
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise errors.InvalidArgument(f"'{text}' is not a time like 2030-01-31T08:00.") from error
    if zone and moment.tzinfo is None:
        try:
            moment = moment.replace(tzinfo=zoneinfo.ZoneInfo(zone))
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
            raise errors.InvalidArgument(f"'{zone}' is not the name of a time zone, such as Europe/Berlin.") from error
    return moment.astimezone(datetime.UTC)
