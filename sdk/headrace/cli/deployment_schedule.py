"""`headrace deployment schedule ...`."""

from __future__ import annotations

import click
from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import deployment_pb2
from headrace.cli import lookup, moments, output, parameters


@click.group("schedule")
def schedule() -> None:
    """See and change the schedules of a deployment."""


@schedule.command("ls")
@click.argument("name")
@output.output_option
def list_schedules(name: str, as_json: bool) -> None:
    """List the schedules of a deployment."""
    found = lookup.deployment(name)
    if as_json:
        output.print_json(list(found.schedules))
        return
    output.print_table(
        f"Schedules of {found.flow_name}/{found.name}",
        [
            # The name by which the other commands take a schedule.
            ("SLUG", {"ratio": 1}),
            ("RULE", {"ratio": 1, "overflow": "fold", "no_wrap": False}),
            "ACTIVE",
            "NEXT",
        ],
        [
            [
                entry.slug,
                rule_words(entry.rule),
                "yes" if entry.active else "no",
                output.moment(entry.next_at) or ("" if entry.active and not found.paused else "paused"),
            ]
            for entry in found.schedules
        ],
    )


def rule_words(rule: deployment_pb2.ScheduleRule) -> str:
    """Return a rule in a few words, with its time zone."""
    kind = rule.WhichOneof("rule")
    if kind == "interval":
        return f"every {output.span(rule.interval.every)} {rule.interval.time_zone or 'UTC'}"
    if kind == "cron":
        return f"cron {rule.cron.expression} {rule.cron.time_zone or 'UTC'}"
    return f"rrule {rule.recurrence.rule} {rule.recurrence.time_zone or 'UTC'}"


@schedule.command("create")
@click.argument("name")
@click.option("--cron", metavar="EXPRESSION", help="A cron expression with 5 fields, or 6 with seconds last.")
@click.option("--interval", metavar="SPAN", help="A fixed interval, e.g. 90s, 15m or 1d.")
@click.option("--rrule", metavar="RULE", help="A recurrence rule of RFC 5545.")
@click.option("--anchor", metavar="TIME", help="One of the times of --interval.")
@click.option(
    "--timezone",
    default="",
    metavar="ZONE",
    help="IANA time zone, also of times without an offset; UTC if not given.",
)
@click.option("--slug", default="", help="A short name, unique in the deployment.")
@click.option(
    "-p", "--param", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter of its runs; may be repeated."
)
@click.option("--starts-at", metavar="TIME", help="No runs before this time.")
@click.option("--ends-at", metavar="TIME", help="No runs from this time on.")
@click.option(
    "--catch-up",
    type=click.Choice(["all", "latest", "skip"]),
    default="all",
    show_default=True,
    help="Which times run that were missed.",
)
@click.option("--max-lateness", metavar="SPAN", help="A run that would be later than this is not started.")
@click.option("--jitter", metavar="SPAN", help="Move each time by a random span up to this.")
@click.option("--calendar", "calendars", multiple=True, metavar="NAME", help="No runs on its days; may be repeated.")
@click.option("--active/--inactive", default=True, show_default=True, help="Whether it makes runs.")
@output.output_option
def create_schedule(
    name: str,
    cron: str | None,
    interval: str | None,
    rrule: str | None,
    anchor: str | None,
    timezone: str,
    slug: str,
    pairs: tuple[str, ...],
    starts_at: str | None,
    ends_at: str | None,
    catch_up: str,
    max_lateness: str | None,
    jitter: str | None,
    calendars: tuple[str, ...],
    active: bool,
    as_json: bool,
) -> None:
    """Add a schedule to a deployment."""
    if sum(rule is not None for rule in (cron, interval, rrule)) != 1:
        raise click.UsageError("Give exactly one of --cron, --interval and --rrule.")
    wanted = deployment_pb2.Schedule(
        slug=slug,
        active=active,
        catch_up=deployment_pb2.CatchUp.Value(f"CATCH_UP_{catch_up.upper()}"),
        calendar_names=calendars,
    )
    for field, text in (("starts_at", starts_at), ("ends_at", ends_at)):
        if text is not None:
            getattr(wanted, field).FromDatetime(moments.parse_moment(text, timezone))
    for field, text in (("maximum_lateness", max_lateness), ("jitter", jitter)):
        if text is not None:
            getattr(wanted, field).FromTimedelta(moments.parse_span(text))
    if cron is not None:
        wanted.rule.cron.expression = cron
        wanted.rule.cron.time_zone = timezone
    elif interval is not None:
        wanted.rule.interval.every.FromTimedelta(moments.parse_span(interval))
        wanted.rule.interval.time_zone = timezone
        if anchor is not None:
            wanted.rule.interval.anchor_at.FromDatetime(moments.parse_moment(anchor, timezone))
    else:
        wanted.rule.recurrence.rule = rrule or ""
        wanted.rule.recurrence.time_zone = timezone
    if pairs:
        wanted.parameters.update(parameters.parse(pairs, None))
    deployment = lookup.deployment(name)
    request = deployment_pb2.CreateScheduleRequest(deployment_id=deployment.deployment_id, schedule=wanted)
    created = lookup.client().deployments.CreateSchedule(request).schedule
    if as_json:
        output.print_json(created)
    else:
        following = output.moment(created.next_at)
        if following:
            what = f"next run {following}"
        elif not created.active:
            what = f"it is paused. Let it begin with: headrace deployment schedule resume {name} {created.slug}"
        elif deployment.paused:
            what = f"its deployment is paused. Let it go on with: headrace deployment resume {name}"
        else:
            what = "it has no times to come."
        output.done(f"Schedule '{created.slug}' created; {what}{'.' if following else ''}")


@schedule.command("preview")
@click.argument("name")
@click.argument("schedule_id")
@click.option("--count", default=10, show_default=True, type=click.IntRange(1, 1000), help="How many times.")
@output.output_option
def preview_schedule(name: str, schedule_id: str, count: int, as_json: bool) -> None:
    """Show the next times of a schedule."""
    request = deployment_pb2.PreviewScheduleRequest(schedule_id=_find(name, schedule_id).schedule_id, count=count)
    times = lookup.client().deployments.PreviewSchedule(request).times
    if as_json:
        output.print_json([moment.ToJsonString() for moment in times])
        return
    for moment in times:
        output.console.print(output.moment(moment))


@schedule.command("pause")
@click.argument("name")
@click.argument("schedule_id")
def pause_schedule(name: str, schedule_id: str) -> None:
    """Let a schedule make no more runs."""
    _set_active(name, schedule_id, False)


@schedule.command("resume")
@click.argument("name")
@click.argument("schedule_id")
def resume_schedule(name: str, schedule_id: str) -> None:
    """Let a schedule make runs again."""
    _set_active(name, schedule_id, True)


@schedule.command("delete")
@click.argument("name")
@click.argument("schedule_id")
def delete_schedule(name: str, schedule_id: str) -> None:
    """Delete a schedule and the runs that it made and that did not start."""
    found = _find(name, schedule_id)
    lookup.client().deployments.DeleteSchedule(deployment_pb2.DeleteScheduleRequest(schedule_id=found.schedule_id))
    output.done(f"Schedule '{found.slug}' deleted.")


@schedule.command("clear")
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def clear_schedules(name: str, yes: bool) -> None:
    """Delete all schedules of a deployment, and the runs that they made and that did not start."""
    found = lookup.deployment(name)
    if not found.schedules:
        output.note(f"'{name}' has no schedules.")
        return
    slugs = ", ".join(entry.slug for entry in found.schedules)
    if not yes:
        click.confirm(f"Delete {slugs} of '{found.flow_name}/{found.name}'?", abort=True)
    for entry in found.schedules:
        lookup.client().deployments.DeleteSchedule(deployment_pb2.DeleteScheduleRequest(schedule_id=entry.schedule_id))
    output.done(f"{slugs} deleted.")


def _find(name: str, schedule_id: str) -> deployment_pb2.Schedule:
    for entry in lookup.deployment(name).schedules:
        if schedule_id in (entry.schedule_id, entry.slug):
            return entry
    raise errors.NotFound(f"'{name}' has no schedule '{schedule_id}'.")


def _set_active(name: str, schedule_id: str, active: bool) -> None:
    found = _find(name, schedule_id)
    found.active = active
    lookup.client().deployments.UpdateSchedule(
        deployment_pb2.UpdateScheduleRequest(schedule=found, update_mask=FieldMask(paths=["active"]))
    )
    output.done(f"Schedule '{found.slug}' is {'active' if active else 'paused'}.")
