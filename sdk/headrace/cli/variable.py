"""`headrace variable ...`."""

from __future__ import annotations

import json
from typing import TextIO

import click
from google.protobuf.struct_pb2 import Value

from headrace.api.v1 import variable_pb2
from headrace.cli import lookup, output
from headrace.client.values import value_from_proto, value_to_proto


@click.group("variable")
def command() -> None:
    """Keep named values that flows read."""


@command.command("ls")
@click.option("--name", "name_contains", default="", metavar="TEXT", help="Only variables with this in their name.")
@click.option("--tag", "tags_all", multiple=True, help="Only variables with this tag; may be repeated.")
@click.option("--any-tag", "tags_any", multiple=True, help="Only variables with one of these tags; may be repeated.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_variables(
    name_contains: str, tags_all: tuple[str, ...], tags_any: tuple[str, ...], limit: int, as_json: bool
) -> None:
    """List variables by name."""
    stub = lookup.client().variables

    def page(token: str, size: int) -> variable_pb2.ListVariablesResponse:
        return stub.ListVariables(
            variable_pb2.ListVariablesRequest(
                name_contains=name_contains, tags_all=tags_all, tags_any=tags_any, page_size=size, page_token=token
            )
        )

    variables = list(lookup.pages(page, "variables", limit))
    if as_json:
        output.print_json(variables)
        return
    output.print_table(
        "Variables",
        ["NAME", ("VALUE", {"ratio": 1}), "TAGS", "UPDATED"],
        [[item.name, _text(item.value), ", ".join(item.tags), output.ago(item.updated_at)] for item in variables],
    )


def _text(value: Value) -> str:
    return json.dumps(value_from_proto(value), ensure_ascii=False)


@command.command("get")
@click.argument("name")
@output.output_option
def get_variable(name: str, as_json: bool) -> None:
    """Show the value of a variable."""
    found = lookup.client().variables.GetVariable(variable_pb2.GetVariableRequest(name=name)).variable
    if as_json:
        output.print_json(found)
    else:
        output.console.print(_text(found.value), markup=False, soft_wrap=True)


@command.command("inspect")
@click.argument("name")
@output.output_option
def inspect_variable(name: str, as_json: bool) -> None:
    """Show a variable with its tags and times."""
    found = lookup.client().variables.GetVariable(variable_pb2.GetVariableRequest(name=name)).variable
    if as_json:
        output.print_json(found)
        return
    output.print_fields(
        f"Variable {found.name}",
        [
            ("id", found.variable_id),
            ("value", _text(found.value)),
            ("tags", ", ".join(found.tags)),
            ("created", output.moment(found.created_at)),
            ("updated", output.moment(found.updated_at)),
        ],
    )


@command.command("set")
@click.argument("name")
@click.argument("value", required=False)
@click.option("--file", type=click.File(encoding="utf-8"), help="Take the value from a file; - is stdin.")
@click.option("--overwrite", is_flag=True, help="Replace a value that is there.")
@click.option("--tag", "tags", multiple=True, help="A tag; may be repeated.")
@output.output_option
def set_variable(
    name: str, value: str | None, file: TextIO | None, overwrite: bool, tags: tuple[str, ...], as_json: bool
) -> None:
    """Set a variable. VALUE is JSON; anything else is taken as text."""
    if (value is None) == (file is None):
        raise click.UsageError("Give either a value or --file.")
    text = value if file is None else file.read()
    try:
        parsed = json.loads(text or "")
    except ValueError:
        parsed = text
    kept = (
        lookup.client()
        .variables.SetVariable(
            variable_pb2.SetVariableRequest(name=name, value=value_to_proto(parsed), tags=tags, overwrite=overwrite)
        )
        .variable
    )
    if as_json:
        output.print_json(kept)
    else:
        output.done(f"Variable '{name}' set.")


@command.command("unset")
@click.argument("name")
def unset_variable(name: str) -> None:
    """Delete a variable."""
    lookup.client().variables.DeleteVariable(variable_pb2.DeleteVariableRequest(name=name))
    output.done(f"Variable '{name}' deleted.")
