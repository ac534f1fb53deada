"""`headrace log ...`."""

from __future__ import annotations

from collections.abc import Mapping

import click

from headrace import errors
from headrace.api.v1 import log_settings_pb2, log_sink_pb2
from headrace.cli import lookup, output

_KINDS: Mapping[str, log_sink_pb2.LogSinkKind.ValueType] = {
    "webhook": log_sink_pb2.LOG_SINK_KIND_WEBHOOK,
    "otlp": log_sink_pb2.LOG_SINK_KIND_OTLP,
    "file": log_sink_pb2.LOG_SINK_KIND_FILE,
}
_KIND_NAMES = {kind: name for name, kind in _KINDS.items()}
_LEVELS = {"all": 0, "debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


@click.group("log")
def command() -> None:
    """Limit, keep and send on what runs log. The lines themselves: headrace flow-run logs."""


@command.group("sink")
def sink() -> None:
    """Send log lines on to other systems, as they are written."""


@sink.command("ls")
@output.output_option
def list_sinks(as_json: bool) -> None:
    """List sinks with how far they are."""
    stub = lookup.client().log_sinks

    def page(token: str, size: int) -> log_sink_pb2.ListLogSinksResponse:
        return stub.ListLogSinks(log_sink_pb2.ListLogSinksRequest(page_size=size, page_token=token))

    found = list(lookup.pages(page, "log_sinks", 0))
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        "Log sinks",
        ["NAME", "KIND", ("WHERE TO", {"ratio": 1}), "SENT", "LAST", ("TROUBLE", {"ratio": 1})],
        [
            [
                one.name,
                _KIND_NAMES.get(one.kind, "") + (" (paused)" if one.is_paused else ""),
                one.url,
                one.sent_records,
                output.ago(one.sent_at),
                one.last_error,
            ]
            for one in found
        ],
    )


@sink.command("set")
@click.argument("name")
@click.option("--kind", type=click.Choice(list(_KINDS)), required=True, help="What it is.")
@click.option("--url", default="", help="Where to; an OTLP collector without the path /v1/logs.")
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="Goes with each request; repeatable.")
@click.option("--level", type=click.Choice(list(_LEVELS)), default="all", help="Only lines at this level or above.")
@click.option("--pause", is_flag=True, help="Send nothing for now; what is written in between is sent later.")
@output.output_option
def set_sink(name: str, kind: str, url: str, headers: tuple[str, ...], level: str, pause: bool, as_json: bool) -> None:
    """Make a sink, or change the one of that name; a header without a value stays as it is."""
    pairs = dict(header.partition("=")[::2] for header in headers)
    if any(not key for key in pairs):
        raise click.UsageError("--header is NAME=VALUE.")
    made = (
        lookup.client()
        .log_sinks.SetLogSink(
            log_sink_pb2.SetLogSinkRequest(
                log_sink=log_sink_pb2.LogSink(
                    name=name,
                    kind=_KINDS[kind],
                    url=url,
                    headers=pairs,
                    level_at_least=_LEVELS[level],
                    is_paused=pause,
                )
            )
        )
        .log_sink
    )
    if as_json:
        output.print_json(made)
    else:
        output.note(f"Log sink {made.name} is {'paused' if made.is_paused else 'set'}.")


@sink.command("rm")
@click.argument("name")
def remove_sink(name: str) -> None:
    """Delete a sink."""
    lookup.client().log_sinks.DeleteLogSink(log_sink_pb2.DeleteLogSinkRequest(name=name))
    output.note(f"Deleted log sink {name}.")


@command.command("settings")
@output.output_option
def show_settings(as_json: bool) -> None:
    """Show limits, what was written today, and for how long logs are kept."""
    told = lookup.client().log_settings.GetLogSettings(log_settings_pb2.GetLogSettingsRequest())
    if as_json:
        output.print_json(told)
        return
    output.print_fields(
        "Logs",
        [
            ("lines a second", told.limits.lines_per_second or "no limit"),
            ("bytes a day", told.limits.bytes_per_day or "no limit"),
            ("lines today (UTC)", told.records_today),
            ("bytes today (UTC)", told.bytes_today),
            *[(_about(rule), f"{rule.days} days") for rule in told.retention_rules],
            ("all else is kept", f"{told.server_retention_days} days" if told.server_retention_days else "for ever"),
        ],
    )


def _about(rule: log_settings_pb2.LogRetentionRule) -> str:
    level = next((name for name, number in _LEVELS.items() if number == rule.level_at_most), str(rule.level_at_most))
    words = "all levels" if rule.level_at_most == 0 else f"{level} and below"
    return f"{words} of {rule.deployment_id or 'all runs'}"


@command.command("limit")
@click.option("--lines-per-second", type=click.IntRange(0), help="0 is no limit.")
@click.option("--bytes-per-day", type=click.IntRange(0), help="0 is no limit.")
def set_limits(lines_per_second: int | None, bytes_per_day: int | None) -> None:
    """Limit what the workspace logs; what is not given stays as it is."""
    stub = lookup.client().log_settings
    limits = stub.GetLogSettings(log_settings_pb2.GetLogSettingsRequest()).limits
    if lines_per_second is not None:
        limits.lines_per_second = lines_per_second
    if bytes_per_day is not None:
        limits.bytes_per_day = bytes_per_day
    stub.SetLogLimits(log_settings_pb2.SetLogLimitsRequest(limits=limits))
    output.note("The limits hold within some seconds.")


@command.command("keep")
@click.option("--days", type=click.IntRange(0), required=True, help="For how long; 0 deletes the rule.")
@click.option("--level", type=click.Choice(list(_LEVELS)), default="all", help="Only lines at this level or below.")
@click.option("--deployment", metavar="NAME", help="Only lines of its runs: flow/deployment, or its id.")
def keep(days: int, level: str, deployment: str | None) -> None:
    """Say for how long log lines are kept, by level and by deployment."""
    stub = lookup.client().log_settings
    deployment_id = lookup.deployment(deployment).deployment_id if deployment else ""
    if days == 0:
        try:
            stub.DeleteLogRetentionRule(
                log_settings_pb2.DeleteLogRetentionRuleRequest(
                    deployment_id=deployment_id, level_at_most=_LEVELS[level]
                )
            )
        except errors.NotFound:
            output.note("There is no such rule.")
            return
        output.note("Deleted the rule.")
        return
    rule = log_settings_pb2.LogRetentionRule(deployment_id=deployment_id, level_at_most=_LEVELS[level], days=days)
    stub.SetLogRetentionRule(log_settings_pb2.SetLogRetentionRuleRequest(retention_rule=rule))
    output.note(f"Kept for {days} days: {_about(rule)}.")
