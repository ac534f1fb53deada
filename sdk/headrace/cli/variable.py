"""`headrace variable ...`."""

from __future__ import annotations

import json

import click
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value

from headrace.api.v1 import variable_pb2
from headrace.cli import lookup, output


@click.group("variable")
def command() -> None:
    """Keep named values that flows read."""


@command.command("ls")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_variables(limit: int, as_json: bool) -> None:
    """List variables by name."""
    stub = lookup.client().variables

    def page(token: str, size: int) -> variable_pb2.ListVariablesResponse:
        return stub.ListVariables(variable_pb2.ListVariablesRequest(page_size=size, page_token=token))

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
    return json.dumps(json_format.MessageToDict(value), ensure_ascii=False)


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


@command.command("set")
@click.argument("name")
@click.argument("value")
@click.option("--overwrite", is_flag=True, help="Replace a value that is there.")
@click.option("--tag", "tags", multiple=True, help="A tag; may be repeated.")
def set_variable(name: str, value: str, overwrite: bool, tags: tuple[str, ...]) -> None:
    """Set a variable. VALUE is JSON; anything else is taken as text."""
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = value
    wanted = json_format.ParseDict(parsed, Value())
    lookup.client().variables.SetVariable(
        variable_pb2.SetVariableRequest(name=name, value=wanted, tags=tags, overwrite=overwrite)
    )
    output.done(f"Variable '{name}' set.")


@command.command("unset")
@click.argument("name")
def unset_variable(name: str) -> None:
    """Delete a variable."""
    lookup.client().variables.DeleteVariable(variable_pb2.DeleteVariableRequest(name=name))
    output.done(f"Variable '{name}' deleted.")
