"""`headrace automation ...`."""

from __future__ import annotations

import pathlib

import click
from google.protobuf.field_mask_pb2 import FieldMask

from headrace.api.v1 import automation_pb2
from headrace.cli import documents, filtering, lookup, output


@click.group("automation")
def command() -> None:
    """See automations and what they did."""


@command.command("ls")
@click.option("--built-in", is_flag=True, help="Those that every workspace has from the start.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_automations(built_in: bool, limit: int, as_json: bool) -> None:
    """List automations by name."""
    stub = lookup.client().automations
    owner = "headrace.built-in" if built_in else ""

    def page(token: str, size: int) -> automation_pb2.ListAutomationsResponse:
        return stub.ListAutomations(
            automation_pb2.ListAutomationsRequest(page_size=size, page_token=token, owner_resource_id=owner)
        )

    automations = list(lookup.pages(page, "automations", limit))
    if as_json:
        output.print_json(automations)
        return
    output.print_table(
        "Automations",
        [("NAME", {"ratio": 1}), "ENABLED", "LAST FIRED", "ID"],
        [
            [item.name, "yes" if item.enabled else "no", output.ago(item.last_fired_at), item.automation_id]
            for item in automations
        ],
    )


@command.command("inspect")
@click.argument("automation_id")
def inspect_automation(automation_id: str) -> None:
    """Show one automation as JSON."""
    request = automation_pb2.GetAutomationRequest(automation_id=automation_id)
    output.print_json(lookup.client().automations.GetAutomation(request).automation)


@command.command("create")
@click.option(
    "--from-file", "path", required=True, type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path),
    help="A JSON or YAML file with the automation.",
)  # fmt: skip
@output.output_option
def create_automation(path: pathlib.Path, as_json: bool) -> None:
    """Create an automation."""
    wanted = automation_pb2.Automation(enabled=True)
    documents.fill(wanted, path)
    request = automation_pb2.CreateAutomationRequest(automation=wanted)
    created = lookup.client().automations.CreateAutomation(request).automation
    if as_json:
        output.print_json(created)
        return
    output.done(f"Automation '{created.name}' created.  id {created.automation_id}")


@command.command("update")
@click.argument("automation_id")
@click.option(
    "--from-file", "path", required=True, type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path),
    help="A JSON or YAML file with what is to change.",
)  # fmt: skip
def update_automation(automation_id: str, path: pathlib.Path) -> None:
    """Change those fields of an automation that a file names."""
    wanted = automation_pb2.Automation()
    paths = documents.fill(wanted, path)
    wanted.automation_id = automation_id
    request = automation_pb2.UpdateAutomationRequest(automation=wanted, update_mask=FieldMask(paths=paths))
    changed = lookup.client().automations.UpdateAutomation(request).automation
    output.done(f"Automation '{changed.name}' changed.")


@command.command("test")
@click.argument("automation_id", required=False)
@click.option(
    "--from-file", "path", type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path),
    help="A JSON or YAML file with the automation, in place of one that is stored.",
)  # fmt: skip
@click.option("--since", default="1d", show_default=True, help="From when on: a time, or a span before now.")
@click.option("--until", default="", help="Until when: a time, or a span before now; by default now.")
@output.output_option
def test_automation(
    automation_id: str | None, path: pathlib.Path | None, since: str, until: str, as_json: bool
) -> None:
    """Tell when an automation would have fired on the events of the past; nothing is done."""
    if (automation_id is None) == (path is None):
        raise click.UsageError("Name an automation, or give one with --from-file.")
    request = automation_pb2.TestAutomationRequest(automation_id=automation_id or "")
    if path is not None:
        documents.fill(request.automation, path)
    getattr(request.span, "from").CopyFrom(filtering.moment(since))
    if until:
        request.span.until.CopyFrom(filtering.moment(until))
    told = lookup.client().automations.TestAutomation(request)
    if as_json:
        output.print_json(told)
        return
    if told.firings:
        output.print_table(
            "Firings",
            ["AT", "STATE", ("EVENT", {"ratio": 1}), ("RESOURCE", {"ratio": 1})],
            [
                [
                    output.moment(one.at),
                    one.state,
                    one.event.name,
                    one.event.resource.name or one.event.resource.resource_id,
                ]
                for one in told.firings
            ],
        )
    resolved = f" and resolved {_counted(told.resolved_count, 'time')}" if told.resolved_count else ""
    fired, events = _counted(told.fired_count, "time"), _counted(told.event_count, "event")
    output.done(f"Would have fired {fired}{resolved}, on {events}.")
    if told.capped:
        output.note(f"There are more events: looked at those up to {output.moment(told.complete_until)}.")


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


@command.command("enable")
@click.argument("automation_id")
def enable_automation(automation_id: str) -> None:
    """Let an automation act."""
    _set_enabled(automation_id, True)


@command.command("disable")
@click.argument("automation_id")
def disable_automation(automation_id: str) -> None:
    """Let an automation do nothing."""
    _set_enabled(automation_id, False)


def _set_enabled(automation_id: str, enabled: bool) -> None:
    stub = lookup.client().automations
    found = stub.GetAutomation(automation_pb2.GetAutomationRequest(automation_id=automation_id)).automation
    found.enabled = enabled
    stub.UpdateAutomation(
        automation_pb2.UpdateAutomationRequest(automation=found, update_mask=FieldMask(paths=["enabled"]))
    )
    output.done(f"Automation '{found.name}' is {'enabled' if enabled else 'disabled'}.")


@command.command("deliveries")
@click.argument("automation_id", required=False)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_deliveries(automation_id: str | None, limit: int, as_json: bool) -> None:
    """List what automations did, newest first."""
    stub = lookup.client().automations

    def page(token: str, size: int) -> automation_pb2.ListDeliveriesResponse:
        return stub.ListDeliveries(
            automation_pb2.ListDeliveriesRequest(automation_id=automation_id or "", page_size=size, page_token=token)
        )

    deliveries = list(lookup.pages(page, "deliveries", limit))
    if as_json:
        output.print_json(deliveries)
        return
    output.print_table(
        "Deliveries",
        [("AUTOMATION", {"ratio": 1}), "ACTION", "STATUS", "TRIES", "ANSWER", "CREATED"],
        [
            [
                item.automation_name,
                item.action_kind,
                automation_pb2.DeliveryStatus.Name(item.status).removeprefix("DELIVERY_STATUS_").lower(),
                item.tries,
                item.last_status_code or "",
                output.ago(item.created_at),
            ]
            for item in deliveries
        ],
    )


@command.command("delete")
@click.argument("automation_id")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete_automation(automation_id: str, yes: bool) -> None:
    """Delete an automation."""
    if not yes:
        click.confirm("Delete the automation?", abort=True)
    request = automation_pb2.DeleteAutomationRequest(automation_id=automation_id)
    lookup.client().automations.DeleteAutomation(request)
    output.done("Automation deleted.")
