"""`headrace notification-policy ...`."""

from __future__ import annotations

from typing import Any

import click
from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import channel_pb2, state_pb2
from headrace.api.v1 import notification_policy_pb2 as pb
from headrace.cli import lookup, output

_STATE_TYPE, _SEVERITY = "STATE_TYPE_", "SEVERITY_"
_TYPES = tuple(word.removeprefix(_STATE_TYPE) for word, number in state_pb2.StateType.items() if number)
_SEVERITIES = tuple(word.removeprefix(_SEVERITY).lower() for word, number in channel_pb2.Severity.items() if number)


@click.group("notification-policy")
def command() -> None:
    """Tell channels when runs enter states."""


def _form(function: Any) -> Any:
    for option in reversed(
        [
            click.option("--name", help="The name that people read; by default made of the rest."),
            click.option("--tag", "tags", multiple=True, help="With this tag; may be repeated: any of them."),
            click.option("--flow", "flow_ids", multiple=True, help="Of this flow, by its id; may be repeated."),
            click.option(
                "--deployment", "deployment_ids", multiple=True, help="Of this deployment, by its id; may be repeated."
            ),
            click.option(
                "--state", "states", multiple=True,
                help="A type of states (FAILED) or a name (Late); may be repeated. Types and names must both fit.",
            ),
            click.option("--channel", "channels", multiple=True, help="Who is told, by name or id; may be repeated."),
            click.option("--subject", help="The subject, a template; by default what happened."),
            click.option("--body", help="The text, a template; by default the last error and log lines."),
            click.option("--severity", type=click.Choice(_SEVERITIES), help="How much it matters."),
        ]
    ):  # fmt: skip
        function = option(function)
    return function


@command.command("create")
@_form
@output.output_option
def create_policy(as_json: bool, **form: Any) -> None:
    """If a run with these tags enters one of these states, tell these channels."""
    policy, _ = _filled(form)
    request = pb.CreateNotificationPolicyRequest(notification_policy=policy)
    created = lookup.client().notification_policies.CreateNotificationPolicy(request).notification_policy
    if as_json:
        output.print_json(created)
        return
    output.done(f"Notification policy '{created.name}' created.  id {created.notification_policy_id}")


@command.command("update")
@click.argument("policy_id")
@_form
def update_policy(policy_id: str, **form: Any) -> None:
    """Change what is given; the rest stays."""
    policy, paths = _filled(form)
    policy.notification_policy_id = policy_id
    _update(policy, paths, "changed")


@command.command("ls")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_policies(limit: int, as_json: bool) -> None:
    """List notification policies by name."""
    stub = lookup.client().notification_policies

    def page(token: str, size: int) -> pb.ListNotificationPoliciesResponse:
        return stub.ListNotificationPolicies(pb.ListNotificationPoliciesRequest(page_size=size, page_token=token))

    policies = list(lookup.pages(page, "notification_policies", limit))
    if as_json:
        output.print_json(policies)
        return
    output.print_table(
        "Notification policies",
        [("NAME", {"ratio": 1}), "TAGS", "STATES", "CHANNELS", "PAUSED", "LAST TOLD", "ID"],
        [
            [
                item.name,
                ", ".join(item.tags),
                ", ".join([*map(_type_name, item.state_types), *item.state_names]),
                len(item.channel_ids),
                "yes" if item.paused else "no",
                output.ago(item.last_fired_at),
                item.notification_policy_id,
            ]
            for item in policies
        ],
    )


@command.command("inspect")
@click.argument("policy_id")
def inspect_policy(policy_id: str) -> None:
    """Show one notification policy as JSON."""
    request = pb.GetNotificationPolicyRequest(notification_policy_id=policy_id)
    output.print_json(lookup.client().notification_policies.GetNotificationPolicy(request).notification_policy)


@command.command("pause")
@click.argument("policy_id")
def pause_policy(policy_id: str) -> None:
    """Tell nobody for a while."""
    _update(pb.NotificationPolicy(notification_policy_id=policy_id, paused=True), ["paused"], "paused")


@command.command("resume")
@click.argument("policy_id")
def resume_policy(policy_id: str) -> None:
    """Tell the channels again."""
    _update(pb.NotificationPolicy(notification_policy_id=policy_id), ["paused"], "resumed")


@command.command("delete")
@click.argument("policy_id")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete_policy(policy_id: str, yes: bool) -> None:
    """Delete a notification policy."""
    if not yes:
        click.confirm("Delete the notification policy?", abort=True)
    request = pb.DeleteNotificationPolicyRequest(notification_policy_id=policy_id)
    lookup.client().notification_policies.DeleteNotificationPolicy(request)
    output.done("Notification policy deleted.")


def _update(policy: pb.NotificationPolicy, paths: list[str], word: str) -> None:
    request = pb.UpdateNotificationPolicyRequest(notification_policy=policy, update_mask=FieldMask(paths=paths))
    changed = lookup.client().notification_policies.UpdateNotificationPolicy(request).notification_policy
    output.done(f"Notification policy '{changed.name}' {word}.")


def _filled(form: dict[str, Any]) -> tuple[pb.NotificationPolicy, list[str]]:
    """Return the policy of a form, and which of its fields were given."""
    types = [word for word in form["states"] if word in _TYPES]
    values: dict[str, Any] = {
        "name": form["name"],
        "tags": list(form["tags"]),
        "flow_ids": list(form["flow_ids"]),
        "deployment_ids": list(form["deployment_ids"]),
        "state_types": [state_pb2.StateType.Value(_STATE_TYPE + word) for word in types],
        "state_names": [word for word in form["states"] if word not in types],
        "channel_ids": [_channel_id(channel) for channel in form["channels"]],
        "subject": form["subject"],
        "body": form["body"],
    }
    if form["severity"]:
        values["severity"] = channel_pb2.Severity.Value(_SEVERITY + form["severity"].upper())
    paths = [name for name, value in values.items() if value not in (None, [])]
    if form["states"]:
        paths = list(dict.fromkeys([*paths, "state_types", "state_names"]))
    if not paths:
        raise errors.InvalidArgument("Give at least one option that says what to change.")
    return pb.NotificationPolicy(**{name: value for name, value in values.items() if value is not None}), paths


def _channel_id(named: str) -> str:
    request = channel_pb2.GetChannelRequest(channel=named)
    return lookup.client().channels.GetChannel(request).channel.channel_id


def _type_name(number: int) -> str:
    return state_pb2.StateType.Name(state_pb2.StateType.ValueType(number)).removeprefix(_STATE_TYPE)
