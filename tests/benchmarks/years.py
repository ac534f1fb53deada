"""Ten simulated years of random schedules in many zones, against oracles that read clocks in another way.

    python -m tests.benchmarks.years --schedules 300

Prints a line for each kind; ends with 1 if a schedule differs, after showing it.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import random
import sys
import zoneinfo
from collections.abc import Iterator

from headrace_harness import wall_clock
from headrace_scheduler.rules import cron, interval, recurrence
from headrace_scheduler.rules.cron import CronRule
from headrace_scheduler.rules.interval import IntervalRule
from headrace_scheduler.rules.recurrence import RecurrenceRule
from unit.scheduler.test_cron import Oracle

UTC = datetime.UTC
START = datetime.datetime(2020, 1, 1, tzinfo=UTC)
END = datetime.datetime(2030, 1, 1, tzinfo=UTC)
ZONES = (
    *("UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Santiago", "America/St_Johns"),
    *("Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "Pacific/Chatham", "Asia/Kolkata", "Asia/Tehran"),
)
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

Pair = tuple[str, Iterator[datetime.datetime], Iterator[datetime.datetime]]


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description="Compare ten years of random schedules with oracles.")
    parser.add_argument("--schedules", type=int, default=300, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)
    failed = False
    for kind, make in (("cron", _cron), ("recurrence", _recurrence), ("interval", _interval)):
        compared = 0
        for _ in range(chosen.schedules):
            words, actual, expected = make(chance)
            for ours, theirs in itertools.zip_longest(_until_end(actual), _until_end(expected)):
                if ours != theirs:
                    print(f"{kind} {words}: {ours} where the oracle says {theirs}")
                    failed = True
                    break
                compared += 1
        print(f"{kind}: {chosen.schedules} schedules, {compared} times compared", flush=True)
    sys.exit(1 if failed else 0)


def _until_end(moments: Iterator[datetime.datetime]) -> Iterator[datetime.datetime]:
    return itertools.takewhile(lambda moment: moment <= END, moments)


def _cron(chance: random.Random) -> Pair:
    minute = chance.choice(["0", "30", "*/15", "5,35", "59"])
    hour = chance.choice(["*", "*/3", "2", "1-3", "0,2,23", "12"])
    day = chance.choice(["*", "*", "1", "L", "13,28", "1-7"])
    month = chance.choice(["*", "*", "3,10,11", "APR-OCT"])
    weekday = chance.choice(["*", "*", "SUN", "1-5", "0#2", "5L"])
    expression, zone, day_or = f"{minute} {hour} {day} {month} {weekday}", chance.choice(ZONES), chance.random() < 0.5
    expected = Oracle(expression, zone, day_or).moments(START, END)
    return f"{expression!r} {zone} {day_or}", cron.moments(CronRule(expression, zone, day_or), START), expected


def _recurrence(chance: random.Random) -> Pair:
    parts = [f"FREQ={chance.choice(['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'])}"]
    if chance.random() < 0.5:
        parts.append(f"INTERVAL={chance.randint(1, 4)}")
    if chance.random() < 0.5:
        parts.append(f"BYDAY={','.join(chance.sample(DAYS, 2))}")
    if chance.random() < 0.7:
        parts.append(f"BYHOUR={','.join(map(str, sorted(chance.sample(range(24), 3))))}")
    if chance.random() < 0.5:
        parts.append("BYMINUTE=0,30")
    text, zone = ";".join(parts), chance.choice(ZONES)
    first = datetime.datetime(2019, chance.randint(1, 12), chance.randint(1, 28), 2, 30)  # noqa: DTZ001
    excluded = [first + datetime.timedelta(days=chance.randint(0, 4000)) for _ in range(50)]
    lines = [
        f"DTSTART:{first:%Y%m%dT%H%M%S}",
        f"RRULE:{text}",
        f"EXDATE:{','.join(f'{moment:%Y%m%dT%H%M%S}' for moment in excluded)}",
    ]
    rule = RecurrenceRule("\n".join(lines), zone)
    oracle = wall_clock.recurring(text, first, excluded, zoneinfo.ZoneInfo(zone))
    expected = itertools.dropwhile(lambda moment: moment <= START, oracle)
    return f"{text} {zone}", recurrence.moments(rule, START), expected


def _interval(chance: random.Random) -> Pair:
    zone, days = chance.choice(ZONES), chance.choice([1, 1, 2, 7, 30])
    anchor = datetime.datetime(2019, 1, 1, tzinfo=UTC) + chance.randint(0, 500_000) * datetime.timedelta(minutes=1)
    rule = IntervalRule(datetime.timedelta(days=days), anchor, zone)
    expected = wall_clock.daily(anchor, days, zoneinfo.ZoneInfo(zone), START)
    return f"every {days} d from {anchor} {zone}", interval.moments(rule, START), expected


if __name__ == "__main__":
    main()
