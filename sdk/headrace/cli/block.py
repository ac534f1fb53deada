"""`headrace block ...`."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import pathlib
import sys
from types import ModuleType
from typing import Any

import click
from google.protobuf import json_format

from headrace import blocks, errors
from headrace.api.v1 import block_pb2
from headrace.blocks.core import Block, block_types, split_path
from headrace.cli import field_values, output
from headrace.cli.lookup import client, pages
from headrace.client.values import value_from_proto, value_to_proto


@click.group("block")
def command() -> None:
    """Keep typed configuration with secrets."""


@command.command("ls")
@click.option("--type", "type_slugs", multiple=True, metavar="TYPE", help="Only blocks of this type; may be repeated.")
@click.option("--name", "name_contains", default="", metavar="TEXT", help="Only blocks with this in their name.")
@click.option("--capability", "capabilities", multiple=True, help="Only blocks that can do this; may be repeated.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_blocks(
    type_slugs: tuple[str, ...], name_contains: str, capabilities: tuple[str, ...], limit: int, as_json: bool
) -> None:
    """List blocks by type and name."""
    stub = client().blocks

    def page(token: str, size: int) -> block_pb2.ListBlocksResponse:
        return stub.ListBlocks(
            block_pb2.ListBlocksRequest(
                type_slugs=type_slugs,
                name_contains=name_contains,
                capabilities=capabilities,
                page_size=size,
                page_token=token,
            )
        )

    found = list(pages(page, "blocks", limit))
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        "Blocks",
        [("BLOCK", {"ratio": 2}), ("SECRETS", {"ratio": 1}), "UPDATED"],
        [
            [
                f"{block.type_slug}/{block.name}",
                ", ".join(pointer.removeprefix("/") for pointer in block.secrets),
                output.ago(block.updated_at),
            ]
            for block in found
        ],
    )


@command.command("create")
@click.argument("path", metavar="TYPE/NAME")
@click.option("-f", "--field", "fields", multiple=True, metavar="FIELD=VALUE", help="A value: JSON, or else a text.")
@click.option("--field-file", "files", multiple=True, metavar="FIELD=FILE", help="A text from a file; - is stdin.")
@click.option("--prompt", "prompts", multiple=True, metavar="FIELD", help="Asks for a secret without showing it.")
@click.option("--json", "document", metavar="JSON", help="All values at once; - reads them from stdin.")
@click.option("--overwrite", is_flag=True, help="Replace a block that is there.")
@output.output_option
def create_block(
    path: str,
    fields: tuple[str, ...],
    files: tuple[str, ...],
    prompts: tuple[str, ...],
    document: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Create a block of a type that is registered or comes with Headrace.

    What is typed after --field stays in the shell's history: --prompt and --field-file are for secrets. A dot in
    FIELD goes into an object.
    """
    type_slug, name = split_path(path)
    data = field_values.document(document)
    for given in fields:
        field, text = field_values.pair(given)
        field_values.put(data, field, field_values.json_or_text(text))
    for given in files:
        field, file = field_values.pair(given)
        field_values.put(data, field, field_values.read(file).rstrip("\n"))
    for field in prompts:
        field_values.put(data, field, click.prompt(field, hide_input=True))
    _ensure_type(type_slug)
    request = block_pb2.SaveBlockRequest(type_slug=type_slug, name=name, overwrite=overwrite)
    request.data.CopyFrom(value_to_proto(data, "data").struct_value)
    saved = client().blocks.SaveBlock(request).block
    if as_json:
        output.print_json(saved)
    else:
        output.done(f"Block '{path}' saved.")


@command.command("inspect")
@click.argument("path", metavar="TYPE/NAME")
@click.option("--show-secrets", is_flag=True, help="Show secrets in the open.")
@output.output_option
def inspect_block(path: str, show_secrets: bool, as_json: bool) -> None:
    """Show a block."""
    type_slug, name = split_path(path)
    request = block_pb2.GetBlockRequest(type_slug=type_slug, name=name, include_secrets=show_secrets)
    response = client().blocks.GetBlock(request)
    if as_json:
        output.print_json(response)
        return
    block = response.block
    output.print_fields(
        f"Block {path}",
        [
            ("id", block.block_id),
            *((field, _shown(value_from_proto(value))) for field, value in sorted(block.data.fields.items())),
            ("refers to", ", ".join(f"{each.type_slug}/{each.name}" for each in response.referenced)),
            ("can", ", ".join(block.schema.capabilities)),
            ("created", output.moment(block.created_at)),
            ("updated", output.moment(block.updated_at)),
        ],
    )


@command.command("delete")
@click.argument("path", metavar="TYPE/NAME")
def delete_block(path: str) -> None:
    """Delete a block that no other refers to."""
    type_slug, name = split_path(path)
    client().blocks.DeleteBlock(block_pb2.DeleteBlockRequest(type_slug=type_slug, name=name))
    output.done(f"Block '{path}' deleted.")


@command.command("register")
@click.option("-m", "--module", "modules", multiple=True, metavar="MODULE", help="Types of this module.")
@click.option("--file", "files", multiple=True, type=click.Path(exists=True, dir_okay=False), help="Types of a file.")
@output.output_option
def register_blocks(modules: tuple[str, ...], files: tuple[str, ...], as_json: bool) -> None:
    """Tell the server of types of blocks; without options, of those that come with Headrace."""
    found: list[type[Block]] = []
    for module in modules:
        found += _types_of(_imported(module))
    for file in files:
        found += _types_of(_executed(pathlib.Path(file)))
    if not modules and not files:
        found += blocks.BUILT_IN
    if not found:
        raise errors.NotFound("There are no types of blocks in there: subclasses of headrace.blocks.Block.")
    registered = [client().blocks.RegisterBlockType(each.block_registration()).block_type for each in found]
    if as_json:
        output.print_json(registered)
    else:
        output.done(f"Registered {', '.join(each.slug for each in registered)}.")


@command.group("type")
def types() -> None:
    """See and delete types of blocks."""


@types.command("ls")
@click.option("--text", default="", help="Only types with this in their slug or name.")
@click.option("--capability", "capabilities", multiple=True, help="Only types that can do this; may be repeated.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_types(text: str, capabilities: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List types of blocks by slug."""
    stub = client().blocks

    def page(token: str, size: int) -> block_pb2.ListBlockTypesResponse:
        return stub.ListBlockTypes(
            block_pb2.ListBlockTypesRequest(text=text, capabilities=capabilities, page_size=size, page_token=token)
        )

    found = list(pages(page, "block_types", limit))
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        "Block types",
        ["TYPE", ("DESCRIPTION", {"ratio": 1}), "UPDATED"],
        [[each.slug, each.description.partition("\n")[0], output.ago(each.updated_at)] for each in found],
    )


@types.command("inspect")
@click.argument("slug", metavar="TYPE")
@output.output_option
def inspect_type(slug: str, as_json: bool) -> None:
    """Show a type with its fields."""
    found = client().blocks.GetBlockType(block_pb2.GetBlockTypeRequest(slug=slug)).block_type
    if as_json:
        output.print_json(found)
        return
    schema = json_format.MessageToDict(found.schema.fields)
    required = set(schema.get("required", ()))
    output.print_fields(
        f"Block type {found.slug}",
        [("name", found.name), ("description", found.description), ("can", ", ".join(found.schema.capabilities))],
    )
    secret = {path.partition(".")[0] for path in found.schema.secret_fields}
    output.print_table(
        "Fields",
        ["FIELD", "NEEDED", "SECRET", ("DESCRIPTION", {"ratio": 1})],
        [
            [name, "yes" if name in required else "", "yes" if name in secret else "", field.get("description", "")]
            for name, field in schema.get("properties", {}).items()
        ],
    )


@types.command("delete")
@click.argument("slug", metavar="TYPE")
def delete_type(slug: str) -> None:
    """Delete a type of which there are no blocks."""
    client().blocks.DeleteBlockType(block_pb2.DeleteBlockTypeRequest(slug=slug))
    output.done(f"Block type '{slug}' deleted.")


def _ensure_type(slug: str) -> None:
    stub = client().blocks
    try:
        stub.GetBlockType(block_pb2.GetBlockTypeRequest(slug=slug))
    except errors.NotFound:
        known = next((each for each in block_types() if each.block_type_slug == slug), None)
        if known is None:
            raise errors.NotFound(
                f"There is no block type '{slug}'; `headrace block register --file FILE` tells the server of yours."
            ) from None
        stub.RegisterBlockType(known.block_registration())


def _types_of(module: ModuleType) -> list[type[Block]]:
    return [
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, Block)
        and each is not Block
        and not inspect.isabstract(each)
        and each.__module__ == module.__name__
    ]


def _imported(name: str) -> ModuleType:
    sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise errors.InvalidArgument(f"The module '{name}' cannot be imported: {error}") from error
    finally:
        sys.path.remove("")


def _executed(path: pathlib.Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise errors.InvalidArgument(f"'{path}' is no Python file.")
    module = importlib.util.module_from_spec(spec)
    # Where annotations are texts, pydantic looks them up by the module's name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
