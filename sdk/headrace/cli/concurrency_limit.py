"""`headrace concurrency-limit ...`."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import click

from headrace import errors
from headrace.api.v1 import concurrency_pb2
from headrace.cli import lookup, output

_KINDS = ("tag", "work-pool", "work-queue", "deployment")
"""What stands before a colon in the names of limits that the server goes by."""


@click.group("concurrency-limit")
def command() -> None:
    """Limit how many run at once. NAME is free, or tag:TAG for tasks with a tag."""


@command.command("ls")
@click.option("--name", "name_contains", default="", metavar="TEXT", help="Only limits with this in their name.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_limits(name_contains: str, limit: int, as_json: bool) -> None:
    """List limits by name."""
    stub = lookup.client().concurrency

    def page(token: str, size: int) -> concurrency_pb2.ListConcurrencyLimitsResponse:
        return stub.ListConcurrencyLimits(
            concurrency_pb2.ListConcurrencyLimitsRequest(name_contains=name_contains, page_size=size, page_token=token)
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
            ("limit", str(found.limit)),
            ("taken", str(found.active_slots)),
            ("active", "yes" if found.active else "no"),
            ("slot decay per second", found.slot_decay_per_second or None),
            ("updated", output.moment(found.updated_at)),
        ],
    )
    _print_holders("Held by", found.holders, "UNTIL")
    _print_holders("Awaited by, first in line first", found.waiters, "KEPT UNTIL")


def _print_holders(title: str, holders: Sequence[concurrency_pb2.SlotHolder], until: str) -> None:
    if not holders:
        return
    output.print_table(
        title,
        ["KIND", ("HOLDER", {"ratio": 1}), "SLOTS", "SINCE", until, *(["LEASE"] if holders[0].lease_id else [])],
        [
            [
                holder.holder_kind,
                holder.holder_id,
                holder.slots,
                output.ago(holder.since),
                output.ago(holder.expires_at),
                *([holder.lease_id] if holders[0].lease_id else []),
            ]
            for holder in holders
        ],
    )


@command.command("evict")
@click.argument("name")
@click.argument("holder", required=False)
@click.option("--all", "everybody", is_flag=True, help="Everybody who holds slots of the limit.")
@output.output_option
def evict_holder(name: str, holder: str | None, everybody: bool, as_json: bool) -> None:
    """Take slots of a limit away from HOLDER, a lease or the id of what holds it, as `inspect` shows them.

    The next in line gets them at once. What held them goes on, unless its code asks to be ended.
    """
    if (holder is None) != everybody:
        raise click.UsageError("Give either a holder or --all.")
    stub = lookup.client().concurrency
    holders = stub.GetConcurrencyLimit(concurrency_pb2.GetConcurrencyLimitRequest(name=name)).limit.holders
    chosen = [each for each in holders if everybody or holder in (each.lease_id, each.holder_id)]
    if not chosen and not everybody:
        raise errors.NotFound(f"'{holder}' holds no slot of '{name}'.")
    evicted = []
    for each in chosen:
        request = concurrency_pb2.EvictSlotHolderRequest(name=name, lease_id=each.lease_id)
        try:
            evicted.append(stub.EvictSlotHolder(request).evicted)
        except errors.NotFound:
            output.note(f"{each.holder_kind} {each.holder_id} gave its slots back in this moment.")
    if as_json:
        output.print_json(evicted)
    else:
        output.done(f"Evicted {len(evicted)} of the holders of '{name}'.")


@command.command("set")
@click.argument("name")
@click.argument("limit", type=click.IntRange(0))
@click.option("--slot-decay-per-second", default=0.0, type=click.FloatRange(0), help="Makes it a rate limit.")
@click.option("--active/--inactive", default=None, help="Whether it holds anything back.")
@output.output_option
def set_limit(name: str, limit: int, slot_decay_per_second: float, active: bool | None, as_json: bool) -> None:
    """Create or change a limit. With tag:TAG and 0 no task of the tag may run."""
    kind, separator, rest = name.partition(":")
    if separator and kind not in _KINDS and (alike := difflib.get_close_matches(kind, _KINDS, 1)):
        raise errors.InvalidArgument(f"There are no limits of '{kind}:'; is {alike[0]}:{rest} meant?")
    changed = lookup.client().concurrency.SetConcurrencyLimit(
        concurrency_pb2.SetConcurrencyLimitRequest(
            name=name, limit=limit, active=active, slot_decay_per_second=slot_decay_per_second
        )
    )
    if as_json:
        output.print_json(changed.limit)
    else:
        output.done(f"Limit '{name}' is {limit}.")


@command.command("delete")
@click.argument("name")
def delete_limit(name: str) -> None:
    """Delete a limit."""
    request = concurrency_pb2.DeleteConcurrencyLimitRequest(name=name)
    lookup.client().concurrency.DeleteConcurrencyLimit(request)
    output.done(f"Limit '{name}' deleted.")
