"""`headrace event ...`."""

from __future__ import annotations

import json
import sys
import time

import click
from rich.text import Text

from headrace import errors
from headrace.api.v1 import event_pb2
from headrace.cli import filtering, lookup, output, watching
from headrace.ids import uuid7


@click.group("event")
def command() -> None:
    """See and follow events."""


@command.command("emit")
@click.argument("name")
@click.option("--resource", required=True, help="The id of what it happened to.")
@click.option("--resource-name", default="", help="The name of what it happened to.")
@click.option("--related", multiple=True, help="What else it concerns, as ROLE=ID or ID; may be repeated.")
@click.option("--payload", default="", help="Details as JSON.")
@click.option("--follows", default="", help="The id of the event that it follows.")
@output.output_option
def emit_event(
    name: str,
    resource: str,
    resource_name: str,
    related: tuple[str, ...],
    payload: str,
    follows: str,
    as_json: bool,
) -> None:
    """Emit an event."""
    event = event_pb2.Event(
        event_id=str(uuid7()),
        name=name,
        resource=event_pb2.EventResource(resource_id=resource, name=resource_name),
        follows_event_id=follows,
    )
    for one in related:
        role, found, resource_id = one.partition("=")
        event.related.add(resource_id=resource_id if found else role, role=role if found else "")
    if payload:
        try:
            event.payload.update(json.loads(payload))
        except (ValueError, TypeError, AttributeError) as error:
            raise errors.InvalidArgument(f"the payload is not an object of JSON: {error}") from error
    lookup.client().events.EmitEvents(event_pb2.EmitEventsRequest(events=[event]))
    if as_json:
        output.print_json(event)
        return
    output.done(f"Event emitted.  id {event.event_id}")


@command.command("count")
@click.option("--by", type=click.Choice(("name", "resource", "related")), default="name", show_default=True)
@click.option("--name", "names", multiple=True, help="Only this name; * at its end matches any rest; may be repeated.")
@click.option("--resource", "resources", multiple=True, help="Only about this resource; may be repeated.")
@click.option("--since", default="1d", show_default=True, help="From when on: a time, or a span before now.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 200), help="How many values at most.")
@output.output_option
def count_events(
    by: str, names: tuple[str, ...], resources: tuple[str, ...], since: str, limit: int, as_json: bool
) -> None:
    """Count events by what they have in common."""
    request = event_pb2.CountEventsRequest(
        filter=event_pb2.EventFilter(names=names, any_resource_ids=resources),
        facet=event_pb2.EventFacet.Value(f"EVENT_FACET_{by.upper()}"),
        most_values=limit,
    )
    getattr(request.filter.occurred, "from").CopyFrom(filtering.moment(since))
    counted = lookup.client().events.CountEvents(request)
    if as_json:
        output.print_json(counted)
        return
    rows = [[one.value, one.count] for one in counted.counts]
    output.print_table(f"{counted.total} events", [(by.upper(), {"ratio": 1}), "COUNT"], rows)
    if counted.capped:
        output.note("There are older events: only the newest were counted.")


@command.command("ls")
@click.option("--name", "names", multiple=True, help="Only this name; * at its end matches any rest; may be repeated.")
@click.option("--resource", "resources", multiple=True, help="Only about this resource; may be repeated.")
@click.option("--since", default="", help="From when on: a time, or a span before now.")
@click.option("--text", default="", help="With these words in them.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_events(
    names: tuple[str, ...], resources: tuple[str, ...], since: str, text: str, limit: int, as_json: bool
) -> None:
    """List events, newest first."""
    stub = lookup.client().events
    chosen = event_pb2.EventFilter(names=names, any_resource_ids=resources, text=text)
    if since:
        getattr(chosen.occurred, "from").CopyFrom(filtering.moment(since))

    def page(token: str, size: int) -> event_pb2.ListEventsResponse:
        return stub.ListEvents(event_pb2.ListEventsRequest(filter=chosen, page_size=size, page_token=token))

    events = list(lookup.pages(page, "events", limit))
    if as_json:
        output.print_json(events)
        return
    output.print_table(
        "Events",
        ["OCCURRED", ("NAME", {"ratio": 1, "overflow": "fold", "no_wrap": False}), ("RESOURCE", {"ratio": 1})],
        [
            [output.moment(event.occurred_at), event.name, event.resource.name or event.resource.resource_id]
            for event in events
        ],
    )


@command.command("follow")
@click.option("--name", "names", multiple=True, help="Only this name; * at its end matches any rest; may be repeated.")
@click.option("--resource", "resources", multiple=True, help="Only about this resource; may be repeated.")
@output.output_option
def follow_events(names: tuple[str, ...], resources: tuple[str, ...], as_json: bool) -> None:
    """Print events as they happen, until Ctrl-C; JSON is one event a line."""
    stub = lookup.client().events
    request = event_pb2.FollowEventsRequest(filter=event_pb2.EventFilter(names=names, any_resource_ids=resources))
    while True:
        try:
            for response in stub.FollowEvents(request):
                request.follow_token = response.follow_token or request.follow_token
                for event in response.events:
                    _show(event, as_json)
        except errors.Unavailable as error:
            output.note(f"{error} Trying again.")
        time.sleep(watching.RETRY_SECONDS)


def _show(event: event_pb2.Event, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(output.to_plain(event), ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return
    line = Text.assemble((output.moment(event.occurred_at), "dim"), " ", (event.name, "bold"), " ")
    line.append(event.resource.name or event.resource.resource_id)
    output.console.print(line, soft_wrap=True)


command.add_command(follow_events, "stream")
