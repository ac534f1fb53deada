"""A deployment that is described by options of `headrace deploy`, in place of a project file."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

import click

from headrace.cli import moments, parameters
from headrace.deployments.definition import Strategy
from headrace.deployments.project_file import ProjectFile, WrongProjectFile
from headrace.steps.templating import Path

R = TypeVar("R")

_OPTIONS = {
    "name": "--name",
    "entrypoint": "ENTRYPOINT",
    "description": "--description",
    "version": "--version",
    "tags": "--tag",
    "labels": "--label",
    "parameters": "--param",
    "schedules": "schedule",
    "concurrency_limit": "--concurrency-limit",
    "work_pool": "--pool",
}
"""What gives each key of a deployment."""


class DescribedProject(ProjectFile):
    """One deployment, and the steps of the project file where there is one. Errors name options.

    Args:
        path: Where the project file is or would be.
        section: The deployment, as it would stand in the file.
        base: The file.
    """

    def __init__(self, path: pathlib.Path, section: Mapping[str, Any], base: ProjectFile | None) -> None:
        content = {**(base.content if base is not None else {}), "deployments": [section]}
        super().__init__(path.absolute(), content, {})
        self._base = base

    def error(self, path: Path, message: str) -> WrongProjectFile:
        """Return the error for what stands at a path."""
        if path[:1] != ("deployments",) and self._base is not None:
            return self._base.error(path, message)
        key = str(path[2]) if len(path) > 2 else ""
        if key == "schedules" and path[-1] in ("cron", "interval", "rrule", "timezone", "anchor"):
            return WrongProjectFile(f"--{path[-1]}: {message}")
        return WrongProjectFile(f"{_OPTIONS[key]}: {message}" if key in _OPTIONS else message)


def describing_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options of one deployment, as the argument `described`: what was given, as in the file."""

    @click.option("-p", "--pool", metavar="NAME", help="The work pool whose workers run it.")
    @click.option("-q", "--work-queue", metavar="NAME", help="The queue of the pool; its default one if not given.")
    @click.option("--cron", "crons", multiple=True, metavar="EXPRESSION", help="When it runs; may be repeated.")
    @click.option("--interval", "intervals", multiple=True, metavar="SPAN", help="How often it runs, e.g. 90s or 1d.")
    @click.option("--rrule", "rrules", multiple=True, metavar="RULE", help="When it runs, by RFC 5545.")
    @click.option("--timezone", metavar="ZONE", help="IANA time zone of the schedules; UTC if not given.")
    @click.option("--anchor", metavar="TIME", help="One of the times of --interval.")
    @click.option("--param", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
    @click.option("--params", "document", metavar="JSON", help="Parameters as a JSON object; - reads standard input.")
    @click.option("--job-variable", "variables", multiple=True, metavar="NAME=VALUE", help="A job variable.")
    @click.option("--tag", "tags", multiple=True, metavar="WORD", help="A tag; may be repeated.")
    @click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="A label; may be repeated.")
    @click.option("--description", metavar="TEXT", help="What it does; the flow's own description if not given.")
    @click.option("--version", metavar="TEXT", help="As you name it; the flow's own if not given.")
    @click.option("--concurrency-limit", type=click.IntRange(0), metavar="N", help="How many runs at once.")
    @click.option("--collision-strategy", type=click.Choice(get_args(Strategy)), help="What happens to more.")
    @click.option("--paused/--not-paused", default=None, help="Whether its schedules make no runs.")
    @click.option("--enforce-parameter-schema/--no-enforce-parameter-schema", default=None, help="Check parameters.")
    @functools.wraps(command)
    def with_description(
        *arguments: Any,
        pool: str | None,
        work_queue: str | None,
        crons: tuple[str, ...],
        intervals: tuple[str, ...],
        rrules: tuple[str, ...],
        timezone: str | None,
        anchor: str | None,
        pairs: tuple[str, ...],
        document: str | None,
        variables: tuple[str, ...],
        tags: tuple[str, ...],
        labels: tuple[str, ...],
        description: str | None,
        version: str | None,
        concurrency_limit: int | None,
        collision_strategy: str | None,
        paused: bool | None,
        enforce_parameter_schema: bool | None,
        **keywords: Any,
    ) -> R:
        rules: list[tuple[str, str | float]] = [("cron", text) for text in crons]
        rules += [("rrule", text) for text in rrules]
        rules += [("interval", moments.parse_span(text).total_seconds()) for text in intervals]
        if collision_strategy is not None and concurrency_limit is None:
            raise click.UsageError("--collision-strategy goes with --concurrency-limit.")
        if anchor is not None and not intervals:
            raise click.UsageError("--anchor goes with --interval.")
        if timezone is not None and not rules:
            raise click.UsageError("--timezone goes with --cron, --interval or --rrule.")
        limit = {"limit": concurrency_limit, "strategy": collision_strategy or "enqueue"}
        pool_section = {
            "name": pool,
            "work_queue": work_queue,
            "job_variables": parameters.parse(variables, None, option="--job-variable"),
        }
        described = {
            "schedules": [_schedule(kind, rule, timezone, anchor) for kind, rule in rules],
            "parameters": parameters.parse(pairs, document),
            "tags": list(tags),
            "labels": parameters.parse(labels, None),
            "description": description,
            "version": version,
            "concurrency_limit": limit if concurrency_limit is not None else None,
            "paused": paused,
            "enforce_parameter_schema": enforce_parameter_schema,
            "work_pool": _given(pool_section),
        }
        return command(*arguments, described=_given(described), **keywords)

    return with_description


def _schedule(kind: str, rule: str | float, timezone: str | None, anchor: str | None) -> dict[str, Any]:
    return _given({kind: rule, "timezone": timezone, "anchor": anchor if kind == "interval" else None})


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None and value not in ([], {})}
