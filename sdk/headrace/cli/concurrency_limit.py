"""`headrace concurrency-limit ...`."""

from __future__ import annotations

import click

from headrace.api.v1 import concurrency_pb2
from headrace.cli import lookup, output


@click.group("concurrency-limit")
def command() -> None:
    """Limit how many run at once. NAME is free, or tag:TAG for tasks with a tag."""


@command.command("ls")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_limits(limit: int, as_json: bool) -> None:
    """List limits by name."""
    stub = lookup.client().concurrency

    def page(token: str, size: int) -> concurrency_pb2.ListConcurrencyLimitsResponse:
        return stub.ListConcurrencyLimits(
            concurrency_pb2.ListConcurrencyLimitsRequest(page_size=size, page_token=token)
        )

    limits = list(lookup.pages(page, "limits", limit))
    if as_json:
        output.print_json(limits)
        return
    output.print_table(
        "Concurrency limits",
        [("NAME", {"ratio": 1}), "TAKEN", "LIMIT", "ACTIVE", "DECAY/S"],
        [
            [item.name, item.active_slots, item.limit, "yes" if item.active else "no", item.slot_decay_per_second or ""]
            for item in limits
        ],
    )


@command.command("inspect")
@click.argument("name")
@output.output_option
def inspect_limit(name: str, as_json: bool) -> None:
    """Show a limit with who holds its slots and who waits."""
    request = concurrency_pb2.GetConcurrencyLimitRequest(name=name)
    found = lookup.client().concurrency.GetConcurrencyLimit(request).limit
    if as_json:
        output.print_json(found)
        return
    output.print_fields(
        f"Limit {found.name}",
        [
            ("limit", found.limit),
            ("taken", found.active_slots),
            ("active", "yes" if found.active else "no"),
            *[("held by", f"{holder.holder_kind} {holder.holder_id}") for holder in found.holders],
            *[("awaited by", f"{holder.holder_kind} {holder.holder_id}") for holder in found.waiters],
        ],
    )


@command.command("set")
@click.argument("name")
@click.argument("limit", type=click.IntRange(0))
@click.option("--slot-decay-per-second", default=0.0, type=click.FloatRange(0), help="Makes it a rate limit.")
@click.option("--active/--inactive", default=None, help="Whether it holds anything back.")
def set_limit(name: str, limit: int, slot_decay_per_second: float, active: bool | None) -> None:
    """Create or change a limit."""
    lookup.client().concurrency.SetConcurrencyLimit(
        concurrency_pb2.SetConcurrencyLimitRequest(
            name=name, limit=limit, active=active, slot_decay_per_second=slot_decay_per_second
        )
    )
    output.done(f"Limit '{name}' is {limit}.")


@command.command("delete")
@click.argument("name")
def delete_limit(name: str) -> None:
    """Delete a limit."""
    request = concurrency_pb2.DeleteConcurrencyLimitRequest(name=name)
    lookup.client().concurrency.DeleteConcurrencyLimit(request)
    output.done(f"Limit '{name}' deleted.")
