"""`headrace event ...`."""

from __future__ import annotations

import json
import sys
import time

import click
from rich.text import Text

from headrace import errors
from headrace.api.v1 import event_pb2
from headrace.cli import lookup, output, watching


@click.group("event")
def command() -> None:
    """See and follow events."""


@command.command("ls")
@click.option("--name", "names", multiple=True, help="Only this name; * at its end matches any rest; may be repeated.")
@click.option("--resource", "resources", multiple=True, help="Only about this resource; may be repeated.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_events(names: tuple[str, ...], resources: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List events, newest first."""
    stub = lookup.client().events
    chosen = event_pb2.EventFilter(names=names, any_resource_ids=resources)

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
@output.output_option
def follow_events(names: tuple[str, ...], as_json: bool) -> None:
    """Print events as they happen, until Ctrl-C; JSON is one event a line."""
    stub = lookup.client().events
    request = event_pb2.FollowEventsRequest(filter=event_pb2.EventFilter(names=names))
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
