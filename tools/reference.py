"""Pages of reference, made from what they are about: the contract, the commands, the settings."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import pathlib
import textwrap
from collections.abc import Iterator

import click
from google.protobuf import descriptor

import headrace_chassis.settings
from headrace.cli.root import root
from headrace.settings import Settings
from headrace_chassis.settings import ServerSettings
from headrace_gateway.contract import Contract, PublicMethod, load_contract

_API_HEAD = """# HTTP and gRPC

Every method is called over gRPC, as `/headrace.api.v1.<Service>/<Method>`, or over HTTP, as stands beside it. Fields
are the same. `http://localhost:4200/docs` of a running server has the same page to try out.

"""
_COMMANDS_HEAD = """# Commands

`headrace COMMAND --help` says the same. Most commands answer with JSON where `-o json` is given.

"""
_SETTINGS_HEAD = """# Settings

Settings are variables of the environment. Those of clients can be kept in profiles, too: `headrace config set`.

"""


def pages() -> dict[str, str]:
    """Return the text of each page, by its path among the pages."""
    return {
        "reference/api.md": _API_HEAD + "\n".join(_api(load_contract())) + "\n",
        "reference/commands.md": _COMMANDS_HEAD + "\n".join(_commands("headrace", root, 2)) + "\n",
        "reference/settings.md": _SETTINGS_HEAD + "\n".join(_settings()) + "\n",
    }


def _api(contract: Contract) -> Iterator[str]:
    messages: dict[str, descriptor.Descriptor] = {}
    for service in sorted({method.service for method in contract.methods}):
        yield f"## {service}"
        yield ""
        yield contract.comments.get(f"headrace.api.v1.{service}", "")
        yield ""
        for method in contract.methods:
            if method.service == service:
                yield from _method(contract, method)
                for message in (method.request, method.response):
                    _gather(message, messages)
    shown = {method.request.full_name for method in contract.methods}
    yield "## Messages"
    yield ""
    for name, message in sorted(messages.items()):
        if name not in shown:
            yield f"### {message.name}"
            yield ""
            yield contract.comments.get(name, "")
            yield ""
            yield from _fields(contract, message)


def _method(contract: Contract, method: PublicMethod) -> Iterator[str]:
    yield f"### {method.name}"
    yield ""
    yield method.comment
    yield ""
    for rule in method.rules:
        yield f"`{rule.verb} {rule.template}`"
        yield ""
    streams = "a stream of " if method.streams else ""
    permission = method.permission.removeprefix("PERMISSION_").lower().replace("_", ":", 1)
    yield f"Answers with {streams}`{method.response.name}`. Permission: `{permission}`."
    yield ""
    yield from _fields(contract, method.request)


def _fields(contract: Contract, message: descriptor.Descriptor) -> Iterator[str]:
    if not message.fields:
        return
    yield "| field | type | |"
    yield "|---|---|---|"
    for field in message.fields:
        comment = _cell(contract.comments.get(f"{message.full_name}.{field.name}", ""))
        yield f"| `{field.name}` | {_type(field)} | {comment} |"
    yield ""


def _type(field: descriptor.FieldDescriptor) -> str:
    kind = field.message_type or field.enum_type
    if kind is not None:
        name = kind.name
    else:
        name = _SCALARS.get(field.type, "string")
    return f"list of `{name}`" if field.is_repeated else f"`{name}`"


_SCALARS = {
    getattr(descriptor.FieldDescriptor, name): name.removeprefix("TYPE_").lower()
    for name in dir(descriptor.FieldDescriptor)
    if name.startswith("TYPE_")
}


def _gather(message: descriptor.Descriptor, found: dict[str, descriptor.Descriptor]) -> None:
    if message.full_name in found or message.file.package != "headrace.api.v1" or message.GetOptions().map_entry:
        return
    found[message.full_name] = message
    for field in message.fields:
        if field.message_type is not None:
            _gather(field.message_type, found)


def _commands(name: str, command: click.Command, depth: int) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    yield f"{'#' * min(depth, 4)} {name}"
    yield ""
    yield _escaped(inspect.cleandoc(command.help or "").replace("\b\n", ""))
    yield ""
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None and not found.hidden:
                yield from _commands(f"{name} {child}", found, depth + 1)
        return
    usage = " ".join((name, *command.collect_usage_pieces(context)))
    yield f"`{usage}`"
    yield ""
    options = [found for found in (each.get_help_record(context) for each in command.params) if found is not None]
    if options:
        yield "| option | |"
        yield "|---|---|"
        for option, text in options:
            yield f"| `{option.replace('|', '/')}` | {_cell(_escaped(text))} |"
        yield ""


def _settings() -> Iterator[str]:
    yield "## Clients, flows and workers"
    yield ""
    yield "| variable | |"
    yield "|---|---|"
    for field in dataclasses.fields(Settings):
        yield f"| `{field.metadata['env']}` | {_cell(_escaped(field.metadata['description']))} |"
    yield ""
    yield "## Servers"
    yield ""
    yield "| variable | default | |"
    yield "|---|---|---|"
    comments = _attribute_comments()
    for name, info in ServerSettings.model_fields.items():
        variable = "HEADRACE_DATABASE_URL" if name == "database_url" else f"HEADRACE_SERVER_{name.upper()}"
        value = info.get_default(call_default_factory=True)
        default = "" if info.is_required() or value in (None, "") else f"`{value}`"
        yield f"| `{variable}` | {_cell(default)} | {_cell(comments.get(name, ''))} |"


def _attribute_comments() -> dict[str, str]:
    """Return what stands below each field of the server's settings."""
    source = pathlib.Path(headrace_chassis.settings.__file__).read_text()
    (body,) = [
        node.body
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == ServerSettings.__name__
    ]
    found = {}
    for field, after in itertools.pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            found[field.target.id] = textwrap.dedent(after.value.value)
    return found


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*").replace("[", "\\[")
