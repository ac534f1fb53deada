"""`headrace channel ...`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import click
from google.protobuf import json_format
from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import channel_pb2
from headrace.cli import field_values, lookup, moments, output
from headrace.client.values import value_from_proto, value_to_proto

SEVERITIES = ("info", "success", "warning", "error", "critical")
_HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")

Command = Callable[..., Any]


@click.group("channel")
def command() -> None:
    """Keep where people are told what happened: Slack, e-mail and others."""


def channel_by_name(name: str) -> channel_pb2.Channel:
    """Return a channel by its name or its id.

    Raises:
        errors.NotFound: There is none.
    """
    return lookup.client().channels.GetChannel(channel_pb2.GetChannelRequest(channel=name)).channel


def _config_options(of: Command) -> Command:
    for option in (
        click.option("--json", "document", metavar="JSON", help="All values at once; - reads them from stdin."),
        click.option("--prompt", "prompts", multiple=True, metavar="FIELD", help="Asks for a secret, and hides it."),
        click.option("--field-file", "files", multiple=True, metavar="FIELD=FILE", help="From a file; - is stdin."),
        click.option(
            "-f", "--field", "fields", multiple=True, metavar="FIELD=VALUE",
            help="A value of the configuration; for a list, once for each item.",
        ),
    ):  # fmt: skip
        of = option(of)
    return of


def _policy_options(of: Command) -> Command:
    for option in (
        click.option("--most-tries", type=click.IntRange(0, 50), help="Tries before a message is given up; 0 is 12."),
        click.option("--escalate-to", metavar="CHANNEL", help='Whom to tell if nobody acknowledges; "" is nobody.'),
        click.option("--escalate-after", metavar="SPAN", help="How long after it was sent, e.g. 10m."),
        click.option(
            "--passes", type=click.Choice(SEVERITIES), help="What is sent in quiet hours, at least so severe."
        ),
        click.option("--quiet-days", metavar="1,2,...", help="Days on which quiet hours begin; 1 is Monday."),
        click.option("--zone", help="Time zone of the quiet hours, e.g. Europe/Berlin."),
        click.option("--quiet", metavar="HH:MM-HH:MM", help='Quiet hours; "" is none.'),
        click.option("--group-within", metavar="SPAN", help="Gather what belongs together, e.g. 5m; 0s is off."),
        click.option("--most-per-minute", type=click.FloatRange(0, 6000), help="Messages a minute; 0 suits the kind."),
        click.option("--description", help="What it is for."),
    ):
        of = option(of)
    return of


@command.command("kinds")
@click.argument("kind", required=False)
@output.output_option
def list_kinds(kind: str | None, as_json: bool) -> None:
    """List kinds of channels, or the fields of one."""
    kinds = _kinds()
    if kind is None:
        if as_json:
            output.print_json(list(kinds.values()))
            return
        output.print_table(
            "Kinds of channels",
            ["KIND", ("WHAT", {"ratio": 1})],
            [[one.kind, one.description] for one in kinds.values()],
        )
        return
    found = _kind(kind, kinds)
    if as_json:
        output.print_json(found)
        return
    schema = json_format.MessageToDict(found.schema)
    required = schema.get("required", [])
    output.print_table(
        f"Fields of {found.title}",
        ["FIELD", "TYPE", "NEEDED", "SECRET", ("WHAT", {"ratio": 1})],
        [
            [
                name,
                _type(field) or "object",
                "yes" if name in required else "",
                "yes" if any(one.partition(".")[0] == name for one in found.secret_fields) else "",
                " - ".join(part for part in (field.get("title", ""), field.get("description", "")) if part),
            ]
            for name, field in schema["properties"].items()
        ],
    )


@command.command("ls")
@click.option("--kind", "kinds", multiple=True, help="Only channels of this kind; may be repeated.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_channels(kinds: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List channels by name."""
    stub = lookup.client().channels

    def page(token: str, size: int) -> channel_pb2.ListChannelsResponse:
        return stub.ListChannels(channel_pb2.ListChannelsRequest(kinds=kinds, page_size=size, page_token=token))

    channels = list(lookup.pages(page, "channels", limit))
    if as_json:
        output.print_json(channels)
        return
    output.print_table(
        "Channels",
        [("NAME", {"ratio": 1}), "KIND", "PAUSED", "UPDATED", "ID"],
        [
            [one.name, one.kind, "yes" if one.paused else "", output.ago(one.updated_at), one.channel_id]
            for one in channels
        ],
    )


@command.command("inspect")
@click.argument("name")
@output.output_option
def inspect_channel(name: str, as_json: bool) -> None:
    """Show a channel, without its secrets."""
    found = channel_by_name(name)
    if as_json:
        output.print_json(found)
        return
    output.print_fields(
        f"Channel {found.name}",
        [
            ("id", found.channel_id),
            ("kind", found.kind),
            ("description", found.description),
            ("paused", "yes" if found.paused else ""),
            *((field, _shown(value_from_proto(value))) for field, value in sorted(found.config.fields.items())),
            *_policy_fields(found.policy),
            ("nothing is sent before", output.moment(found.held_until)),
            ("created", output.moment(found.created_at)),
            ("updated", output.moment(found.updated_at)),
        ],
    )


def _policy_fields(policy: channel_pb2.ChannelPolicy) -> list[tuple[str, str]]:
    fields = []
    if policy.most_per_minute:
        fields.append(("messages a minute", f"{policy.most_per_minute:g}"))
    if policy.HasField("group_within"):
        fields.append(("gathers within", output.span(policy.group_within)))
    if policy.HasField("quiet_hours"):
        quiet = policy.quiet_hours
        days = f", days {','.join(map(str, quiet.days))}" if quiet.days else ""
        passes = channel_pb2.Severity.Name(quiet.passes).removeprefix("SEVERITY_").lower()
        fields.append(("quiet", f"{quiet.begins_at}-{quiet.ends_at} {quiet.zone}{days}; {passes} passes"))
    if policy.HasField("escalation"):
        after = output.span(policy.escalation.after)
        fields.append(("escalates", f"after {after} to {policy.escalation.channel_id}"))
    if policy.most_tries:
        fields.append(("tries", str(policy.most_tries)))
    return fields


@command.command("create")
@click.argument("name")
@click.option("--kind", required=True, help="What kind: see `headrace channel kinds`.")
@_config_options
@_policy_options
@output.output_option
def create_channel(
    name: str,
    kind: str,
    document: str | None,
    prompts: tuple[str, ...],
    files: tuple[str, ...],
    fields: tuple[str, ...],
    as_json: bool,
    **policy: Any,
) -> None:
    """Create a channel.

    What is typed after --field stays in the shell's history: --prompt and --field-file are for secrets. A dot in
    FIELD goes into an object. `headrace channel kinds KIND` shows the fields.
    """
    wanted = channel_pb2.Channel(name=name, kind=kind, description=policy.pop("description") or "")
    _set_config(wanted, kind, field_values.document(document), prompts, files, fields)
    _set_policy(wanted.policy, policy)
    created = lookup.client().channels.CreateChannel(channel_pb2.CreateChannelRequest(channel=wanted)).channel
    if as_json:
        output.print_json(created)
    else:
        output.done(f"Channel '{name}' created.  id {created.channel_id}")
        output.note(f"Try it: headrace channel test '{name}'")


@command.command("update")
@click.argument("name")
@click.option("--name", "new_name", metavar="NAME", help="Another name.")
@click.option("--pause/--resume", "paused", default=None, help="Send nothing, or send again.")
@_config_options
@_policy_options
@output.output_option
def update_channel(
    name: str,
    new_name: str | None,
    paused: bool | None,
    document: str | None,
    prompts: tuple[str, ...],
    files: tuple[str, ...],
    fields: tuple[str, ...],
    as_json: bool,
    **policy: Any,
) -> None:
    """Change what is given of a channel. Its secrets stay, unless they would go to another receiver."""
    found = channel_by_name(name)
    paths = []
    if new_name is not None:
        found.name = new_name
        paths.append("name")
    if paused is not None:
        found.paused = paused
        paths.append("paused")
    if (description := policy.pop("description")) is not None:
        found.description = description
        paths.append("description")
    if document is not None or prompts or files or fields:
        before = json_format.MessageToDict(found.config)
        data = field_values.document(document) if document is not None else output.whole_numbers(before)
        _set_config(found, found.kind, data, prompts, files, fields)
        paths.append("config")
    if _set_policy(found.policy, policy):
        paths.append("policy")
    if not paths:
        raise click.UsageError("Give something to change.")
    request = channel_pb2.UpdateChannelRequest(channel=found, update_mask=FieldMask(paths=paths))
    changed = lookup.client().channels.UpdateChannel(request).channel
    if as_json:
        output.print_json(changed)
    else:
        output.done(f"Channel '{changed.name}' changed.")


@command.command("delete")
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete_channel(name: str, yes: bool) -> None:
    """Delete a channel; what waits for it is given up."""
    found = channel_by_name(name)
    if not yes:
        click.confirm(f"Delete the channel '{found.name}'?", abort=True)
    lookup.client().channels.DeleteChannel(channel_pb2.DeleteChannelRequest(channel_id=found.channel_id))
    output.done(f"Channel '{found.name}' deleted.")


@command.command("test")
@click.argument("name")
@output.output_option
def test_channel(name: str, as_json: bool) -> None:
    """Send a test message to a channel and show what was answered."""
    found = channel_by_name(name)
    request = channel_pb2.TestChannelRequest(channel_id=found.channel_id)
    told = lookup.client().channels.TestChannel(request)
    if as_json:
        output.print_json(told)
    elif told.delivered:
        output.done(f"Channel '{found.name}' took the message in {output.span(told.took)}.")
    if not told.delivered:
        status = f" ({told.status_code})" if told.status_code else ""
        raise errors.FailedPrecondition(
            f"Channel '{found.name}' did not take the message{status}: {told.answer}", reason="CHANNEL_TEST_FAILED"
        )


@command.command("send")
@click.argument("name")
@click.argument("subject")
@click.option("--body", default="", help="The text; - reads it from stdin.")
@click.option("--severity", type=click.Choice(SEVERITIES), default="info", show_default=True)
@click.option("--link", default="", help="Where there is more to see.")
@click.option("--fact", "facts", multiple=True, metavar="NAME=VALUE", help="Goes with it; may be repeated.")
@click.option("--key", default="", help="A message whose key is known is not sent again.")
@click.option("--group", default="", help="Messages of one group are gathered, where the channel gathers.")
@output.output_option
def send_message(
    name: str,
    subject: str,
    body: str,
    severity: str,
    link: str,
    facts: Iterable[str],
    key: str,
    group: str,
    as_json: bool,
) -> None:
    """Queue a message for a channel."""
    found = channel_by_name(name)
    message = channel_pb2.Message(
        subject=subject,
        body=field_values.read("-") if body == "-" else body,
        severity=channel_pb2.Severity.Value(f"SEVERITY_{severity.upper()}"),
        link=link,
        facts=[channel_pb2.Fact(name=fact, value=value) for fact, value in map(field_values.pair, facts)],
    )
    request = channel_pb2.SendMessageRequest(
        channel_id=found.channel_id, message=message, dedup_key=key, group_key=group
    )
    response = lookup.client().channels.SendMessage(request)
    if as_json:
        output.print_json(response)
    else:
        what = "queued" if response.queued else "was queued before"
        output.done(f"The message {what}.  delivery {response.channel_delivery_id}")


def _kinds() -> dict[str, channel_pb2.ChannelKind]:
    response = lookup.client().channels.GetChannelKinds(channel_pb2.GetChannelKindsRequest())
    return {kind.kind: kind for kind in response.kinds}


def _kind(kind: str, kinds: dict[str, channel_pb2.ChannelKind]) -> channel_pb2.ChannelKind:
    if kind not in kinds:
        raise click.UsageError(f"There are no channels of the kind '{kind}'; there are {', '.join(sorted(kinds))}.")
    return kinds[kind]


def _set_config(
    channel: channel_pb2.Channel,
    kind: str,
    data: dict[str, Any],
    prompts: Iterable[str],
    files: Iterable[str],
    fields: Iterable[str],
) -> None:
    properties = json_format.MessageToDict(_kind(kind, _kinds()).schema)["properties"]
    lists: dict[str, list[Any]] = {}
    for given in fields:
        field, text = field_values.pair(given)
        kind_of = _type(properties.get(field.partition(".")[0], {}))
        if kind_of == "array" and not text.startswith("["):
            lists.setdefault(field, []).append(text)
        else:
            is_text = kind_of == "string" or "." in field
            field_values.put(data, field, text if is_text else field_values.json_or_text(text))
    for field, items in lists.items():
        field_values.put(data, field, items)
    for given in files:
        field, file = field_values.pair(given)
        field_values.put(data, field, field_values.read(file).rstrip("\n"))
    for field in prompts:
        field_values.put(data, field, click.prompt(field, hide_input=True))
    channel.config.CopyFrom(value_to_proto(data, "config").struct_value)


def _type(field: dict[str, Any]) -> str:
    """Return the type of a field of a schema; of several, the first that says something."""
    choices = [field, *field.get("anyOf", [])]
    return next((str(one["type"]) for one in choices if one.get("type") not in (None, "null")), "")


def _set_policy(policy: channel_pb2.ChannelPolicy, given: dict[str, Any]) -> bool:
    """Put what is given into a policy, and return whether anything was."""
    if all(value is None for value in given.values()):
        return False
    if given["most_per_minute"] is not None:
        policy.most_per_minute = given["most_per_minute"]
    if given["most_tries"] is not None:
        policy.most_tries = given["most_tries"]
    if given["group_within"] is not None:
        span = moments.parse_span(given["group_within"])
        policy.ClearField("group_within")
        if span:
            policy.group_within.FromTimedelta(span)
    _set_quiet_hours(policy, given)
    _set_escalation(policy, given)
    return True


def _set_quiet_hours(policy: channel_pb2.ChannelPolicy, given: dict[str, Any]) -> None:
    hours = given["quiet"]
    if hours == "":
        policy.ClearField("quiet_hours")
    elif hours is not None:
        if not _HOURS.fullmatch(hours):
            raise click.BadParameter(f"'{hours}' is not like 22:00-07:00", param_hint="--quiet")
        policy.quiet_hours.begins_at, _, policy.quiet_hours.ends_at = hours.partition("-")
    further = {name: given[name] for name in ("zone", "quiet_days", "passes") if given[name] is not None}
    if further and not policy.HasField("quiet_hours"):
        raise click.UsageError("Give --quiet with --zone, --quiet-days and --passes.")
    if "zone" in further:
        policy.quiet_hours.zone = further["zone"]
    if "quiet_days" in further:
        try:
            days = [int(day) for day in further["quiet_days"].split(",") if day]
        except ValueError:
            raise click.BadParameter("must be numbers from 1 to 7, as 1,2,3", param_hint="--quiet-days") from None
        policy.quiet_hours.days[:] = days
    if "passes" in further:
        policy.quiet_hours.passes = channel_pb2.Severity.Value(f"SEVERITY_{further['passes'].upper()}")


def _set_escalation(policy: channel_pb2.ChannelPolicy, given: dict[str, Any]) -> None:
    to, after = given["escalate_to"], given["escalate_after"]
    if to == "":
        policy.ClearField("escalation")
    elif to is not None:
        policy.escalation.channel_id = channel_by_name(to).channel_id
    if after is not None:
        if not policy.HasField("escalation"):
            raise click.UsageError("Give --escalate-to with --escalate-after.")
        policy.escalation.after.FromTimedelta(moments.parse_span(after))
    elif policy.HasField("escalation") and not policy.escalation.HasField("after"):
        raise click.UsageError("Give --escalate-after with --escalate-to.")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else str(value)
