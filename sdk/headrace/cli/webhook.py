"""`headrace webhook ...`."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import click
from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import webhook_pb2
from headrace.cli import documents, lookup, moments, output

_PREFIX = "WEBHOOK_AUTHENTICATION_"
_HANDSHAKE_PREFIX = "WEBHOOK_HANDSHAKE_"
_HANDSHAKES = ("none", "slack", "meta", "microsoft-graph", "event-grid", "dropbox")
_WORDS = ("token", "headrace", "github", "stripe", "slack", "none")


@click.group("webhook")
def command() -> None:
    """Take calls of other systems as events."""


@command.command("create")
@click.argument("name")
@click.option("--event", "event_name", default="", help="The event's name, a template; see docs/automations.md.")
@click.option("--resource", default="", help="What the event is about, a template; by default the webhook.")
@click.option("--resource-name", default="", help="The name of what it is about, a template.")
@click.option("--payload", default="", help="Details as JSON, strings are templates; by default the body.")
@click.option("--dedup", default="", help="What names a call, a template: the same name is the same event.")
@click.option(
    "--auth", type=click.Choice(_WORDS), default="token", show_default=True, help="How callers prove who they are."
)
@click.option(
    "--handshake",
    type=click.Choice(_HANDSHAKES),
    default="none",
    show_default=True,
    help="Whose question is answered by which a sender finds out whether it may call.",
)
@click.option("--secret", default="", help="The secret, where the sender chooses it.")
@click.option("--slug", default="", help="The last part of the address; by default one that nobody guesses.")
@click.option("--replay-window", default="5m", show_default=True, help="How old a signed call may be.")
@click.option("--most-per-minute", default=0, type=click.IntRange(0), help="How many calls a minute; 0 is 600.")
@click.option("--most-bytes", default=0, type=click.IntRange(0), help="The largest body; 0 is 256 KiB.")
@click.option(
    "--from-file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path),
    help="A JSON or YAML file with the webhook; options go before it.",
)
@output.output_option
def create_webhook(name: str, path: pathlib.Path | None, secret: str, as_json: bool, **options: Any) -> None:
    """Create a webhook, and show its address and its secret, which is not shown again."""
    wanted = webhook_pb2.Webhook()
    if path is not None:
        documents.fill(wanted, path)
    wanted.name = name
    wanted.slug = options["slug"] or wanted.slug
    if path is None or options["auth"] != "token":
        wanted.authentication = webhook_pb2.WebhookAuthentication.Value(_PREFIX + options["auth"].upper())
    if path is None or options["handshake"] != "none":
        word = options["handshake"].upper().replace("-", "_")
        wanted.handshake = webhook_pb2.WebhookHandshake.Value(_HANDSHAKE_PREFIX + word)
    template = wanted.template
    template.event_name = options["event_name"] or template.event_name
    template.resource_id = options["resource"] or template.resource_id
    template.resource_name = options["resource_name"] or template.resource_name
    template.dedup_key = options["dedup"] or template.dedup_key
    if options["payload"]:
        template.payload.update(_json(options["payload"]))
    if not wanted.HasField("replay_window"):
        wanted.replay_window.FromTimedelta(moments.parse_span(options["replay_window"]))
    wanted.most_per_minute = options["most_per_minute"] or wanted.most_per_minute
    wanted.most_bytes = options["most_bytes"] or wanted.most_bytes
    client = lookup.client()
    created = client.webhooks.CreateWebhook(webhook_pb2.CreateWebhookRequest(webhook=wanted, secret=secret))
    if as_json:
        output.print_json({**output.to_plain(created), "url": _url(created.webhook)})
        return
    output.done(f"Webhook '{created.webhook.name}' created.  id {created.webhook.webhook_id}")
    _show_secret(created.webhook, created.secret)


@command.command("ls")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_webhooks(limit: int, as_json: bool) -> None:
    """List webhooks by name."""
    stub = lookup.client().webhooks

    def page(token: str, size: int) -> webhook_pb2.ListWebhooksResponse:
        return stub.ListWebhooks(webhook_pb2.ListWebhooksRequest(page_size=size, page_token=token))

    webhooks = list(lookup.pages(page, "webhooks", limit))
    if as_json:
        output.print_json(webhooks)
        return
    output.print_table(
        "Webhooks",
        [("NAME", {"ratio": 1}), "AUTHENTICATION", "CALLS", "LAST CALL", "PAUSED", ("ADDRESS", {"ratio": 1})],
        [
            [
                item.name,
                webhook_pb2.WebhookAuthentication.Name(item.authentication).removeprefix(_PREFIX).lower(),
                item.received_count,
                output.ago(item.last_received_at),
                "yes" if item.paused else "no",
                f"/hooks/{item.slug}",
            ]
            for item in webhooks
        ],
    )


@command.command("inspect")
@click.argument("webhook")
def inspect_webhook(webhook: str) -> None:
    """Show one webhook as JSON, by its id or the last part of its address."""
    output.print_json(_found(webhook))


@command.command("update")
@click.argument("webhook")
@click.option(
    "--from-file",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path),
    help="A JSON or YAML file with what is to change.",
)
def update_webhook(webhook: str, path: pathlib.Path) -> None:
    """Change those fields of a webhook that a file names."""
    wanted = webhook_pb2.Webhook()
    paths = documents.fill(wanted, path)
    wanted.webhook_id = _found(webhook).webhook_id
    request = webhook_pb2.UpdateWebhookRequest(webhook=wanted, update_mask=FieldMask(paths=paths))
    changed = lookup.client().webhooks.UpdateWebhook(request).webhook
    output.done(f"Webhook '{changed.name}' changed.")


@command.command("pause")
@click.argument("webhook")
def pause_webhook(webhook: str) -> None:
    """Refuse all calls of a webhook."""
    _set_paused(webhook, True)


@command.command("resume")
@click.argument("webhook")
def resume_webhook(webhook: str) -> None:
    """Take calls of a webhook again."""
    _set_paused(webhook, False)


def _set_paused(webhook: str, paused: bool) -> None:
    found = _found(webhook)
    wanted = webhook_pb2.Webhook(webhook_id=found.webhook_id, paused=paused)
    request = webhook_pb2.UpdateWebhookRequest(webhook=wanted, update_mask=FieldMask(paths=["paused"]))
    lookup.client().webhooks.UpdateWebhook(request)
    output.done(f"Webhook '{found.name}' {'refuses' if paused else 'takes'} calls.")


@command.command("rotate")
@click.argument("webhook")
@click.option("--grace", default="", help="For how long the secret before is still taken, such as 1h; by default not.")
@output.output_option
def rotate_webhook(webhook: str, grace: str, as_json: bool) -> None:
    """Give a webhook another secret, and show it."""
    request = webhook_pb2.RotateWebhookSecretRequest(webhook_id=_found(webhook).webhook_id)
    if grace:
        request.grace.FromTimedelta(moments.parse_span(grace))
    rotated = lookup.client().webhooks.RotateWebhookSecret(request)
    if as_json:
        output.print_json(rotated)
        return
    output.done(f"Webhook '{rotated.webhook.name}' has another secret.")
    _show_secret(rotated.webhook, rotated.secret)


@command.command("delete")
@click.argument("webhook")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete_webhook(webhook: str, yes: bool) -> None:
    """Delete a webhook."""
    found = _found(webhook)
    if not yes:
        click.confirm(f"Delete the webhook '{found.name}'?", abort=True)
    lookup.client().webhooks.DeleteWebhook(webhook_pb2.DeleteWebhookRequest(webhook_id=found.webhook_id))
    output.done("Webhook deleted.")


def _found(webhook: str) -> webhook_pb2.Webhook:
    return lookup.client().webhooks.GetWebhook(webhook_pb2.GetWebhookRequest(webhook=webhook)).webhook


def _url(webhook: webhook_pb2.Webhook) -> str:
    return f"{lookup.client().server.api_url.rstrip('/')}/hooks/{webhook.slug}"


def _show_secret(webhook: webhook_pb2.Webhook, secret: str) -> None:
    output.done(f"Address: {_url(webhook)}")
    if secret:
        output.done(f"Secret:  {secret}")
        output.note("The secret is not shown again.")


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise errors.InvalidArgument(f"the payload is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise errors.InvalidArgument("the payload must be an object of JSON")
    return value
