"""`headrace api-key ...`: what programs prove with who they are."""

from __future__ import annotations

import datetime

import click
from google.protobuf.duration_pb2 import Duration

from headrace.api.v1 import api_key_pb2 as pb
from headrace.cli import lookup, members, output
from headrace.cli.moments import parse_span


@click.group("api-key")
def command() -> None:
    """Keep API keys, one's own and those of service accounts."""


@command.command("ls")
@click.option("--service-account", metavar="HANDLE", help="Keys of this service account.")
@click.option("--all", "everybody", is_flag=True, help="Keys of the workspace and of its service accounts.")
@click.option("--dead", is_flag=True, help="Also those that were revoked or have expired.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_keys(service_account: str | None, everybody: bool, dead: bool, limit: int, as_json: bool) -> None:
    """List keys, newest first; their texts are not kept."""
    stub, principal_id = lookup.client().api_keys, members.principal(None, service_account)

    def page(token: str, size: int) -> pb.ListApiKeysResponse:
        return stub.ListApiKeys(
            pb.ListApiKeysRequest(
                principal_id=principal_id, everybody=everybody, include_dead=dead, page_size=size, page_token=token
            )
        )

    keys = list(lookup.pages(page, "api_keys", limit))
    if as_json:
        output.print_json(keys)
        return
    output.print_table(
        "API keys",
        ["ID", "NAME", "OF", "MADE", "USED", "ENDS"],
        [
            [
                key.api_key_id,
                key.name,
                key.holder,
                output.ago(key.created_at),
                output.ago(key.last_used_at),
                output.moment(key.expires_at) if key.HasField("expires_at") else "never",
            ]
            for key in keys
        ],
    )


@command.command("create")
@click.argument("name")
@click.option("--service-account", metavar="HANDLE", help="For this service account; otherwise for yourself.")
@click.option("--lifetime", metavar="SPAN", help="After this long it stops to work, for example 90d.")
@click.option("--only-here", is_flag=True, help="It works in this workspace only.")
@click.option("--permission", "words", multiple=True, help="It can do no more than this; may be repeated.")
@output.output_option
def create_key(
    name: str,
    service_account: str | None,
    lifetime: str | None,
    only_here: bool,
    words: tuple[str, ...],
    as_json: bool,
) -> None:
    """Create a key, and show its text once."""
    request = pb.CreateApiKeyRequest(
        name=name,
        principal_id=members.principal(None, service_account),
        lifetime=_duration(lifetime),
        only_here=only_here,
        permissions=members.permissions(words),
    )
    _show(lookup.client().api_keys.CreateApiKey(request), as_json)


@command.command("rotate")
@click.argument("api_key_id")
@click.option("--overlap", default="1h", show_default=True, metavar="SPAN", help="How long the old key works on.")
@click.option("--lifetime", metavar="SPAN", help="After this long the new key stops to work.")
@output.output_option
def rotate_key(api_key_id: str, overlap: str, lifetime: str | None, as_json: bool) -> None:
    """Create a key in place of another, and show its text once."""
    request = pb.RotateApiKeyRequest(api_key_id=api_key_id, overlap=_duration(overlap), lifetime=_duration(lifetime))
    _show(lookup.client().api_keys.RotateApiKey(request), as_json)


@command.command("revoke")
@click.argument("api_key_id")
def revoke_key(api_key_id: str) -> None:
    """Make a key useless at once."""
    lookup.client().api_keys.RevokeApiKey(pb.RevokeApiKeyRequest(api_key_id=api_key_id))
    output.done(f"Key {api_key_id} revoked.")


def _show(made: pb.CreateApiKeyResponse | pb.RotateApiKeyResponse, as_json: bool) -> None:
    if as_json:
        output.print_json(made)
        return
    output.note(f"Key {made.api_key.api_key_id} of {made.api_key.holder}; this is shown only now:")
    click.echo(made.key)


def _duration(span: str | None) -> Duration | None:
    if span is None:
        return None
    length: datetime.timedelta = parse_span(span)
    made = Duration()
    made.FromTimedelta(length)
    return made
