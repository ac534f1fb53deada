"""`headrace server retention` and `headrace server sizes`: what is kept for how long, and how much room it takes."""

from __future__ import annotations

import click

from headrace import errors
from headrace.api.v1 import retention_pb2
from headrace.cli import lookup, output

_DECIDED = ("flow-run", "background-task-run", "artifact")
"""Kinds that workspaces decide on."""
_FOR_EVER = "for ever"

_WHICH = (
    click.option("--deployment", metavar="FLOW/NAME", help="Only flow runs of this deployment."),
    click.option("--tag", help="Only flow runs with this tag."),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def retention() -> None:
    """See and set for how long what is over is kept, on the server that is running."""


@retention.command("show")
@output.output_option
def show(as_json: bool) -> None:
    """Show what holds for each kind."""
    rules = lookup.client().retention.GetRetentionRules(retention_pb2.GetRetentionRulesRequest()).rules
    if as_json:
        output.print_json(list(rules))
        return
    output.print_table(
        "Retention",
        ["WHAT", ("OF", {"ratio": 1}), "KEPT", ("BY", {"ratio": 2})],
        [[_kind(rule.kind), _subject(rule), _days(rule), rule.setting or "a rule of the workspace"] for rule in rules],
    )


@retention.command("set")
@click.argument("kind", type=click.Choice(_DECIDED))
@click.argument("days")
@_WHICH[0]
@_WHICH[1]
@output.output_option
def set_rule(kind: str, days: str, deployment: str | None, tag: str | None, as_json: bool) -> None:
    """Keep a kind for so many DAYS, or `forever`.

    A rule for a deployment goes before those for tags, and these before the one for all. Of several tags, the longest
    time counts.
    """
    rule = retention_pb2.RetentionRule(kind=_number(kind))
    if deployment is not None and tag is not None:
        raise click.UsageError("A rule is for a deployment or for a tag, not for both.")
    if deployment is not None:
        rule.deployment_id = lookup.deployment(deployment).deployment_id
    if tag is not None:
        rule.tag = tag
    if days != "forever":
        try:
            rule.keep_days = float(days)
        except ValueError as error:
            raise errors.InvalidArgument(f"'{days}' is neither a number of days nor `forever`.") from error
    stored = lookup.client().retention.SetRetentionRule(retention_pb2.SetRetentionRuleRequest(rule=rule)).rule
    if as_json:
        output.print_json(stored)
    else:
        output.done(f"{_kind(stored.kind).capitalize()}{_of(stored)} are kept {_days(stored)}.")


@retention.command("unset")
@click.argument("kind", type=click.Choice(_DECIDED))
@_WHICH[0]
@_WHICH[1]
def unset_rule(kind: str, deployment: str | None, tag: str | None) -> None:
    """Delete a rule, so that what is more general holds again."""
    request = retention_pb2.DeleteRetentionRuleRequest(kind=_number(kind))
    if deployment is not None:
        request.deployment_id = lookup.deployment(deployment).deployment_id
    if tag is not None:
        request.tag = tag
    lookup.client().retention.DeleteRetentionRule(request)
    output.done("The rule is gone.")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def sizes(limit: int, as_json: bool) -> None:
    """Show how many rows each table of the server has and how much room it takes, the largest first."""
    found = lookup.client().retention.GetTableSizes(retention_pb2.GetTableSizesRequest())
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        f"Tables: {_bytes(found.database_bytes)} in all",
        [("TABLE", {"ratio": 1}), "ROWS", "SIZE", "INDEXES", "GOES AS"],
        [
            [
                f"{size.service}.{size.table}",
                f"{size.row_count:,}",
                _bytes(size.data_bytes),
                _bytes(size.index_bytes),
                _kind(size.kind) if size.kind else "",
            ]
            for size in (found.tables[:limit] if limit else found.tables)
        ],
    )


def _number(kind: str) -> retention_pb2.RetentionKind.ValueType:
    return retention_pb2.RetentionKind.Value(f"RETENTION_KIND_{kind.replace('-', '_').upper()}")


def _kind(number: retention_pb2.RetentionKind.ValueType) -> str:
    kind = retention_pb2.RetentionKind.Name(number).removeprefix("RETENTION_KIND_").replace("_", " ").lower()
    return f"{kind} entries" if kind == "outbox" else f"{kind}s"


def _subject(rule: retention_pb2.RetentionRule) -> str:
    return f"tag {rule.tag}" if rule.tag else f"deployment {rule.deployment_id}" if rule.deployment_id else "all"


def _of(rule: retention_pb2.RetentionRule) -> str:
    subject = _subject(rule)
    return "" if subject == "all" else f" of {subject}"


def _days(rule: retention_pb2.RetentionRule) -> str:
    return f"{rule.keep_days:g} days" if rule.HasField("keep_days") else _FOR_EVER


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
