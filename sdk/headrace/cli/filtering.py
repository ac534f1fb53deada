"""Options that say which flow runs a command is about."""

from __future__ import annotations

import contextlib
import datetime
import functools
import json
from collections.abc import Callable
from typing import Any, TypeVar

import click
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace.api.v1 import flow_run_pb2, state_pb2
from headrace.cli import lookup
from headrace.cli.moments import parse_moment, parse_span
from headrace.client.values import value_to_proto

R = TypeVar("R")

STATE_TYPES = [name.removeprefix("STATE_TYPE_") for name in state_pb2.StateType.keys()[1:]]
"""Names of the state types."""

_TIMES = ("created", "expected", "started", "ended")
_FIELDS = {"expected": "expected_start"}
_WHEN = "A time like 2030-01-31T08:00, or a span like 2h for as long ago."

_OPTIONS = (
    click.option("--flow-name", "flow_names", multiple=True, help="Only runs of this flow; may be repeated."),
    click.option("--state", "state_names", multiple=True, help="Only runs in a state of this name, e.g. Late."),
    click.option(
        "--state-type",
        "types",
        multiple=True,
        type=click.Choice(STATE_TYPES, case_sensitive=False),
        help="Only this type of state; may be repeated.",
    ),
    click.option("--tag", "tags", multiple=True, help="Only runs with this tag; may be repeated."),
    click.option("--any-tag", "any_tags", multiple=True, help="Only runs with any of these tags; may be repeated."),
    click.option("--without-tag", "without_tags", multiple=True, help="Only runs without this tag; may be repeated."),
    click.option("--deployment", metavar="FLOW/NAME", help="Only runs of this deployment."),
    click.option("--work-pool", "work_pools", multiple=True, help="Only runs of this work pool; may be repeated."),
    click.option("--work-queue", "work_queues", multiple=True, help="Only runs of this work queue; may be repeated."),
    click.option("--worker", "workers", multiple=True, help="Only runs that this worker ran; may be repeated."),
    click.option("--name", "names", multiple=True, help="Only runs of this name; may be repeated."),
    click.option("--name-contains", metavar="TEXT", help="Only runs with this in their name."),
    click.option("--text", metavar="TEXT", help="Only runs with this in their name, flow's name or state's message."),
    click.option("--label", "labels", multiple=True, metavar="KEY[=VALUE]", help="Only runs with this label."),
    click.option(
        "--parameter",
        "parameters",
        multiple=True,
        metavar="PATH[=VALUE]",
        help="Only runs with this parameter; a path like source.table leads into it.",
    ),
    click.option("--created-by", "creators", multiple=True, help="Only runs that somebody of this name made."),
    click.option("--idempotency-key", "keys", multiple=True, help="Only the run with this key."),
    click.option("--parent", metavar="RUN", help="Only subflows of this flow run."),
    click.option("--root", metavar="RUN", help="Only runs of the tree below this flow run."),
    *(
        click.option(
            f"--{time}-{side}", f"{time}_{side}", metavar="WHEN", help=f"Only runs {words} {side} then. {_WHEN}"
        )
        for time, words in (
            ("created", "created"),
            ("expected", "expected to start"),
            ("started", "started"),
            ("ended", "ended"),
        )
        for side in ("after", "before")
    ),
    click.option("--longer-than", metavar="SPAN", help="Only runs that took at least this long, like 90s or 1h30m."),
    click.option("--shorter-than", metavar="SPAN", help="Only runs that took at most this long."),
    click.option("--tried-at-least", type=click.IntRange(0), help="Only runs that were started at least this often."),
    click.option(
        "--scheduled/--not-scheduled", "auto", default=None, help="Only runs that a schedule made, or others."
    ),
)


def flow_run_filter_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command all options of a filter of flow runs, as the argument `chosen`, the filter."""

    @functools.wraps(command)
    def with_filter(*arguments: Any, **keywords: Any) -> R:
        names = {name for name in keywords if name in _NAMES}
        options = {name: keywords.pop(name) for name in names}
        return command(*arguments, chosen=_filter(**options), **keywords)

    decorated: Callable[..., R] = with_filter
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def _filter(**options: Any) -> flow_run_pb2.FlowRunFilter:
    deployment, parent, root = options["deployment"], options["parent"], options["root"]
    chosen = flow_run_pb2.FlowRunFilter(
        flow_names=options["flow_names"],
        state_names=options["state_names"],
        state_types=[state_pb2.StateType.Value(f"STATE_TYPE_{name.upper()}") for name in options["types"]],
        tags_all=options["tags"],
        tags_any=options["any_tags"],
        tags_none=options["without_tags"],
        deployment_ids=[lookup.deployment(deployment).deployment_id] if deployment else [],
        work_pool_names=options["work_pools"],
        work_queue_names=options["work_queues"],
        worker_names=options["workers"],
        names=options["names"],
        name_contains=options["name_contains"] or "",
        text=options["text"] or "",
        creator_names=options["creators"],
        idempotency_keys=options["keys"],
        parent_flow_run_ids=[lookup.flow_run(parent).flow_run_id] if parent else [],
        root_flow_run_ids=[lookup.flow_run(root).flow_run_id] if root else [],
        run_count_at_least=options["tried_at_least"],
        auto_scheduled=options["auto"],
    )
    for pair in options["labels"]:
        key, separator, value = pair.partition("=")
        if separator:
            chosen.labels.fields[key].CopyFrom(value_to_proto(plain_value(value), "label"))
        else:
            chosen.label_keys.append(key)
    for pair in options["parameters"]:
        path, separator, value = pair.partition("=")
        condition = chosen.parameter_conditions.add(path=path.split("."))
        if separator:
            condition.equals.CopyFrom(value_to_proto(plain_value(value), "parameter"))
        else:
            condition.exists = True
    for time in _TIMES:
        span = getattr(chosen, _FIELDS.get(time, time))
        if after := options[f"{time}_after"]:
            getattr(span, "from").CopyFrom(moment(after))
        if before := options[f"{time}_before"]:
            span.until.CopyFrom(moment(before))
    if longer := options["longer_than"]:
        chosen.run_time_at_least.FromTimedelta(parse_span(longer))
    if shorter := options["shorter_than"]:
        chosen.run_time_at_most.FromTimedelta(parse_span(shorter))
    return chosen


def plain_value(text: str) -> Any:
    """Return a value as people type it: what is JSON as such, anything else as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


_DAYS = {"today": 0, "yesterday": 1}


def moment(text: str) -> Timestamp:
    """Return a time as people type it: a time, a span for as long ago, or a day's name for its beginning.

    Raises:
        errors.InvalidArgument: It is none of them.
    """
    stamp = Timestamp()
    stamp.FromDatetime(_at(text.strip()))
    return stamp


def _at(text: str) -> datetime.datetime:
    now = datetime.datetime.now().astimezone()
    if text == "now":
        return now.astimezone(datetime.UTC)
    if text in _DAYS:
        day = now.date() - datetime.timedelta(days=_DAYS[text])
        return datetime.datetime.combine(day, datetime.time()).astimezone(datetime.UTC)
    with contextlib.suppress(errors.InvalidArgument):
        return now.astimezone(datetime.UTC) - parse_span(text)
    with contextlib.suppress(errors.InvalidArgument):
        return parse_moment(text)
    raise errors.InvalidArgument(
        f"'{text}' is no time: give one like 2030-01-31T08:00 or 2030-01-31, a span like 2h or 1d for as long ago,"
        " or now, today or yesterday."
    )


def _names() -> frozenset[str]:
    @click.command()
    def probe() -> None:
        """Hold the options, to be asked for their names."""

    for option in _OPTIONS:
        option(probe)
    return frozenset(str(parameter.name) for parameter in probe.params)


_NAMES = _names()
