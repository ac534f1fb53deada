"""`headrace calendar ...`."""

from __future__ import annotations

import contextlib

import click

from headrace import errors
from headrace.api.v1 import calendar_pb2
from headrace.cli import lookup, output

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@click.group("calendar")
def command() -> None:
    """Keep days on which schedules make no runs."""


@command.command("ls")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_calendars(limit: int, as_json: bool) -> None:
    """List calendars by name."""
    stub = lookup.client().calendars

    def page(token: str, size: int) -> calendar_pb2.ListCalendarsResponse:
        return stub.ListCalendars(calendar_pb2.ListCalendarsRequest(page_size=size, page_token=token))

    found = list(lookup.pages(page, "calendars", limit))
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        "Calendars",
        [("NAME", {"ratio": 1}), ("DAYS", {"ratio": 2}), "ZONE"],
        [[one.name, _days(one), one.time_zone or "UTC"] for one in found],
    )


def _days(calendar: calendar_pb2.Calendar) -> str:
    words = [_DAYS[day - 1] for day in calendar.weekdays] + list(calendar.dates)
    if calendar.blackouts:
        words.append(f"{len(calendar.blackouts)} spans")
    return ", ".join(words)


@command.command("inspect")
@click.argument("name")
@output.output_option
def inspect_calendar(name: str, as_json: bool) -> None:
    """Show one calendar."""
    found = lookup.client().calendars.GetCalendar(calendar_pb2.GetCalendarRequest(name=name)).calendar
    if as_json:
        output.print_json(found)
        return
    output.print_fields(
        f"Calendar {found.name}",
        [
            ("description", found.description),
            ("days", _days(found)),
            ("time zone", found.time_zone or "UTC"),
            *[
                ("span", f"{output.moment(getattr(span, 'from'))} to {output.moment(span.until)}")
                for span in found.blackouts
            ],
            ("updated", output.moment(found.updated_at)),
        ],
    )


@command.command("set")
@click.argument("name")
@click.option("--date", "dates", multiple=True, metavar="DAY", help="2026-12-25, or 12-25 for every year; repeatable.")
@click.option("--weekday", "weekdays", multiple=True, type=click.Choice(_DAYS), help="A day of every week; repeatable.")
@click.option("--timezone", default="", metavar="ZONE", help="IANA time zone of the days; UTC if not given.")
@click.option("--description", default="", help="What it is for.")
@output.output_option
def set_calendar(
    name: str, dates: tuple[str, ...], weekdays: tuple[str, ...], timezone: str, description: str, as_json: bool
) -> None:
    """Create a calendar, or change it to these days; spans of time in it stay."""
    stub = lookup.client().calendars
    wanted = calendar_pb2.Calendar(
        name=name,
        description=description,
        time_zone=timezone,
        dates=dates,
        weekdays=[_DAYS.index(day) + 1 for day in weekdays],
    )
    with contextlib.suppress(errors.NotFound):
        known = stub.GetCalendar(calendar_pb2.GetCalendarRequest(name=name)).calendar
        wanted.blackouts.extend(known.blackouts)
    applied = stub.ApplyCalendar(calendar_pb2.ApplyCalendarRequest(calendar=wanted))
    if as_json:
        output.print_json(applied)
    else:
        done = "created" if applied.created else f"changed; {applied.schedules} schedules follow it"
        output.done(f"Calendar '{name}' {done}.")


@command.command("delete")
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete_calendar(name: str, yes: bool) -> None:
    """Delete a calendar that no schedule names."""
    if not yes:
        click.confirm(f"Delete the calendar '{name}'?", abort=True)
    lookup.client().calendars.DeleteCalendar(calendar_pb2.DeleteCalendarRequest(name=name))
    output.done(f"Calendar '{name}' deleted.")
