"""`headrace delivery ...`."""

from __future__ import annotations

import click

from headrace.api.v1 import channel_pb2, delivery_pb2
from headrace.cli import lookup, output
from headrace.cli.channel import channel_by_name

_STATUSES = ("pending", "delivered", "dead", "grouped")


@click.group("delivery")
def command() -> None:
    """See what was sent to channels, send it again, acknowledge it."""


@command.command("ls")
@click.option("--channel", metavar="NAME", help="Only those to this channel.")
@click.option("--status", "statuses", multiple=True, type=click.Choice(_STATUSES), help="Only these; may be repeated.")
@click.option("--flow-run", default="", metavar="ID", help="Only those about this flow run.")
@click.option("--automation", default="", metavar="ID", help="Only those of this automation.")
@click.option("--open", "is_open", is_flag=True, help="Only those that nobody acknowledged.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_deliveries(
    channel: str | None,
    statuses: tuple[str, ...],
    flow_run: str,
    automation: str,
    is_open: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List deliveries to channels, newest first."""
    stub = lookup.client().channel_deliveries
    request = delivery_pb2.ListChannelDeliveriesRequest(
        channel_id=channel_by_name(channel).channel_id if channel is not None else "",
        statuses=[
            delivery_pb2.ChannelDeliveryStatus.Value(f"CHANNEL_DELIVERY_STATUS_{one.upper()}") for one in statuses
        ],
        flow_run_id=flow_run,
        automation_id=automation,
    )
    if is_open:
        request.acknowledged = False

    def page(token: str, size: int) -> delivery_pb2.ListChannelDeliveriesResponse:
        request.page_size, request.page_token = size, token
        return stub.ListChannelDeliveries(request)

    found = list(lookup.pages(page, "deliveries", limit))
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        "Deliveries",
        # Of 80 columns an id takes half; when it was is in the id's order, and in what inspect shows.
        [("SUBJECT", {"ratio": 2}), ("CHANNEL", {"ratio": 1}), "STATUS", "ID"],
        [
            [
                one.message.subject,
                one.channel_name,
                _status(one),
                one.channel_delivery_id,
            ]
            for one in found
        ],
    )


@command.command("inspect")
@click.argument("delivery_id")
@output.output_option
def inspect_delivery(delivery_id: str, as_json: bool) -> None:
    """Show a delivery, and what was answered to its tries."""
    request = delivery_pb2.GetChannelDeliveryRequest(channel_delivery_id=delivery_id)
    response = lookup.client().channel_deliveries.GetChannelDelivery(request)
    if as_json:
        output.print_json(response)
        return
    one = response.delivery
    output.print_fields(
        one.message.subject,
        [
            ("id", one.channel_delivery_id),
            ("channel", f"{one.channel_name} ({one.channel_kind})"),
            ("status", _status(one)),
            ("severity", channel_pb2.Severity.Name(one.message.severity).removeprefix("SEVERITY_").lower()),
            *((fact.name, fact.value) for fact in one.message.facts),
            ("link", one.message.link),
            ("next try", output.moment(one.next_try_at)),
            ("created", output.moment(one.created_at)),
            ("ended", output.moment(one.ended_at)),
            ("stands for", f"{one.grouped} messages" if one.grouped > 1 else ""),
            ("sent as a part of", one.digest_id),
            ("acknowledged", _acknowledged(one)),
            ("escalates", output.moment(one.escalates_at)),
            ("escalated to", one.escalated_to_id),
            ("nobody acknowledged", one.escalation_of_id),
        ],
    )
    output.print_table(
        "Tries",
        ["TRY", "WHEN", "TOOK", "STATUS", ("ANSWER", {"ratio": 1})],
        [
            [each.number, output.moment(each.ended_at), output.span(each.took), each.status_code or "", each.answer]
            for each in response.tries
        ],
    )


@command.command("resend")
@click.argument("delivery_id")
def resend_delivery(delivery_id: str) -> None:
    """Send a delivery again, as a rule one that was given up."""
    request = delivery_pb2.ResendChannelDeliveryRequest(channel_delivery_id=delivery_id)
    one = lookup.client().channel_deliveries.ResendChannelDelivery(request).delivery
    output.done(f"'{one.message.subject}' is queued again for channel '{one.channel_name}'.")


@command.command("ack")
@click.argument("delivery_id")
def acknowledge_delivery(delivery_id: str) -> None:
    """Say that someone looks after it: it does not escalate."""
    request = delivery_pb2.AcknowledgeChannelDeliveryRequest(channel_delivery_id=delivery_id)
    one = lookup.client().channel_deliveries.AcknowledgeChannelDelivery(request).delivery
    output.done(f"'{one.message.subject}' is {_acknowledged(one)}.")


def _status(one: delivery_pb2.ChannelDelivery) -> str:
    name = delivery_pb2.ChannelDeliveryStatus.Name(one.status)
    return name.removeprefix("CHANNEL_DELIVERY_STATUS_").lower()


def _acknowledged(one: delivery_pb2.ChannelDelivery) -> str:
    if not one.HasField("acknowledged_at"):
        return ""
    return f"acknowledged by {one.acknowledged_by}, {output.moment(one.acknowledged_at)}"
