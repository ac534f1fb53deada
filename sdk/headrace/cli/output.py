"""What commands print: tables for people, JSON for programs, errors with the way out; and their exit codes."""

from __future__ import annotations

import datetime
import enum
import functools
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from headrace import errors
from headrace.api.v1 import state_pb2

R = TypeVar("R")


class ExitCode(enum.IntEnum):
    """What a command ends with."""

    OK = 0
    FAILED = 1
    """The command could not do it."""
    USAGE = 2
    """The arguments are wrong."""
    NOT_FOUND = 3
    """There is no such thing."""
    UNREACHABLE = 4
    """The server does not answer."""
    REFUSED = 5
    """The server refuses it: rights, or the state of things."""
    RUN_NOT_COMPLETED = 6
    """The run that was watched did not end as COMPLETED."""
    INTERRUPTED = 130


STATE_STYLES = {
    state_pb2.STATE_TYPE_SCHEDULED: "yellow",
    state_pb2.STATE_TYPE_PENDING: "bright_yellow",
    state_pb2.STATE_TYPE_RUNNING: "blue",
    state_pb2.STATE_TYPE_PAUSED: "magenta",
    state_pb2.STATE_TYPE_CANCELLING: "bright_black",
    state_pb2.STATE_TYPE_CANCELLED: "bright_black",
    state_pb2.STATE_TYPE_COMPLETED: "green",
    state_pb2.STATE_TYPE_FAILED: "red",
    state_pb2.STATE_TYPE_CRASHED: "bright_red",
}

_NARROWEST = 8

_WIDEST = 10_000
"""Columns of what is no terminal: programs and files take lines as they are."""


def _console(*, is_error: bool) -> Console:
    stream = sys.stderr if is_error else sys.stdout
    # Who sets COLUMNS knows how wide the reader is.
    is_bounded = stream.isatty() or "COLUMNS" in os.environ
    return Console(stderr=is_error, highlight=False, width=None if is_bounded else _WIDEST)


console = _console(is_error=False)
"""Standard output."""
complaints = _console(is_error=True)
"""Standard error."""


def choose_profile(name: str) -> None:
    """Let this process take its settings from a profile."""
    os.environ["HEADRACE_PROFILE"] = name


def output_option(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the option `-o table|json`, as the argument `as_json`."""

    @click.option(
        "-o",
        "--output",
        "output_format",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="For people or for programs.",
    )
    @functools.wraps(command)
    def with_format(*arguments: Any, output_format: str, **keywords: Any) -> R:
        return command(*arguments, as_json=output_format == "json", **keywords)

    return with_format


def to_plain(message: Message) -> dict[str, Any]:
    """Return a message as plain JSON values, with the names of the HTTP API."""
    plain: dict[str, Any] = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    whole: dict[str, Any] = whole_numbers(plain)
    return whole


def to_plain_set(message: Message) -> dict[str, Any]:
    """Return what is set of a message as plain JSON values, with the names of the HTTP API."""
    plain: dict[str, Any] = whole_numbers(json_format.MessageToDict(message, preserving_proto_field_name=True))
    return plain


def whole_numbers(value: Any) -> Any:
    """Return plain values with numbers like 4.0, as which protobuf keeps all numbers of parameters, written as 4."""
    if isinstance(value, dict):
        return {key: whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def print_json(value: Any) -> None:
    """Print messages, or anything made of plain values, as JSON."""
    sys.stdout.write(json.dumps(_plain(value), indent=2, ensure_ascii=False, default=str) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return to_plain(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def print_table(
    title: str, columns: Sequence[str | tuple[str, Mapping[str, Any]]], rows: Iterable[Sequence[Any]]
) -> None:
    """Print a table that stays readable at 80 columns.

    Args:
        title: Above the table.
        columns: Headings; a pair gives further arguments of `rich.table.Table.add_column`. Columns with a `ratio` give
            way, in proportion, where the table would be wider than the terminal; all others, such as ids, are whole.
        rows: The cells: text, or anything that Rich can show.
    """
    headings = [column if isinstance(column, tuple) else (column, {}) for column in columns]
    cells = [["" if cell is None else cell if isinstance(cell, Text) else str(cell) for cell in row] for row in rows]
    widths = [
        max([cell_len(heading), *(cell_len(str(row[position])) for row in cells)])
        for position, (heading, _options) in enumerate(headings)
    ]
    excess = sum(widths) + 2 * (len(widths) - 1) - console.width
    flexible = {position for position, (_heading, options) in enumerate(headings) if "ratio" in options}
    while excess > 0 and (widest := max(flexible, key=lambda position: widths[position], default=None)) is not None:
        if widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
        excess -= 1
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for position, (heading, options) in enumerate(headings):
        given = {name: value for name, value in options.items() if name != "ratio"}
        table.add_column(heading, **{"overflow": "ellipsis", "no_wrap": True, "width": widths[position], **given})
    for row in cells:
        table.add_row(*row)
    console.print(table)
    if table.row_count == 0:
        console.print("  nothing here", style="dim")


def print_fields(title: str, fields: Iterable[tuple[str, Any]]) -> None:
    """Print names and values of one thing; empty values are left out."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields:
        if value is None or value in ("", [], {}):
            continue
        shown = (
            value if isinstance(value, Text) else json.dumps(value, default=str) if isinstance(value, dict) else value
        )
        table.add_row(name, shown if isinstance(shown, Text) else str(shown))
    console.print(table)


def note(text: str) -> None:
    """Tell something beside the result, on standard error."""
    complaints.print(text, style="dim", markup=False, soft_wrap=True)


def done(text: str) -> None:
    """Tell that something was done."""
    console.print(Text(text, style="green"), soft_wrap=True)


def show_error(error: errors.HeadraceError) -> None:
    """Print what went wrong, and each wrong field."""
    complaints.print(Text.assemble(("Error: ", "bold red"), str(error)), soft_wrap=True)


def exit_code_of(error: errors.HeadraceError) -> ExitCode:
    """Return the exit code that an error ends a command with."""
    match error:
        case errors.NotFound():
            return ExitCode.NOT_FOUND
        case errors.InvalidArgument():
            return ExitCode.USAGE
        case errors.Unavailable() | errors.DeadlineExceeded():
            return ExitCode.UNREACHABLE
        case (
            errors.PermissionDenied() | errors.Unauthenticated() | errors.FailedPrecondition() | errors.AlreadyExists()
        ):
            return ExitCode.REFUSED
        case _:
            return ExitCode.FAILED


def state_text(state: state_pb2.State) -> Text:
    """Return the name of a state in its colour."""
    return Text(state.name or "-", style=STATE_STYLES.get(state.type, ""))


def moment(timestamp: Timestamp | None) -> str:
    """Return a time in the reader's zone, which it names, to the second; empty if it is unset."""
    if timestamp is None or (timestamp.seconds == 0 and timestamp.nanos == 0):
        return ""
    local = timestamp.ToDatetime(datetime.UTC).astimezone()
    return local.strftime("%Y-%m-%d %H:%M:%S %Z")


def ago(timestamp: Timestamp | None) -> str:
    """Return how long ago a time was, or in how long it will be, in one unit."""
    if timestamp is None or timestamp.seconds == 0:
        return ""
    seconds = datetime.datetime.now(datetime.UTC).timestamp() - timestamp.seconds - timestamp.nanos / 1e9
    text = span(abs(seconds))
    return f"{text} ago" if seconds >= 0 else f"in {text}"


def span(value: Duration | float | None) -> str:
    """Return a span of time in the unit that fits."""
    if value is None:
        return ""
    seconds = value.ToTimedelta().total_seconds() if isinstance(value, Duration) else value
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return _two_units(seconds, 60, "m", 1, "s")
    if seconds < 86400:
        return _two_units(seconds, 3600, "h", 60, "m")
    return _two_units(seconds, 86400, "d", 3600, "h")


def _two_units(seconds: float, large: int, large_name: str, small: int, small_name: str) -> str:
    rest = int(seconds % large // small)
    return f"{int(seconds // large)}{large_name}" + (f" {rest}{small_name}" if rest else "")
