"""`headrace work-pool queue ...`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import work_pool_pb2
from headrace.cli import lookup, output


@click.group("queue")
def queue() -> None:
    """See and change the queues of a work pool."""


@queue.command("ls")
@click.argument("pool")
@output.output_option
def list_queues(pool: str, as_json: bool) -> None:
    """List the queues of a work pool by priority."""
    queues = list(_queues(pool))
    if as_json:
        output.print_json(queues)
        return
    output.print_table(
        f"Queues of {pool}",
        ["PRIORITY", ("NAME", {"ratio": 1}), "SLOTS", "PAUSED", "ID"],
        [
            [
                item.priority,
                item.name,
                _slots(item),
                "yes" if item.paused else "",
                item.work_queue_id,
            ]
            for item in queues
        ],
    )


def _queues(pool: str) -> Iterator[work_pool_pb2.WorkQueue]:
    stub = lookup.client().work_pools

    def page(token: str, size: int) -> work_pool_pb2.ListWorkQueuesResponse:
        request = work_pool_pb2.ListWorkQueuesRequest(work_pool_name=pool, page_size=size, page_token=token)
        return stub.ListWorkQueues(request)

    return lookup.pages(page, "work_queues", 0)


def _slots(item: work_pool_pb2.WorkQueue) -> str:
    return f"{item.active_slots}/{item.concurrency_limit if item.HasField('concurrency_limit') else '∞'}"


@queue.command("inspect")
@click.argument("pool")
@click.argument("name")
@output.output_option
def inspect_queue(pool: str, name: str, as_json: bool) -> None:
    """Show one queue."""
    found = next((item for item in _queues(pool) if item.name == name), None)
    if found is None:
        raise errors.NotFound(f"'{pool}' has no queue '{name}'; `headrace work-pool queue ls {pool}` shows them.")
    if as_json:
        output.print_json(found)
        return
    output.print_fields(
        f"Queue {found.name} of {pool}",
        [
            ("id", found.work_queue_id),
            ("description", found.description),
            ("priority", found.priority),
            ("weight", found.weight or None),
            ("slots", _slots(found)),
            ("paused", "yes" if found.paused else ""),
            ("created", output.moment(found.created_at)),
            ("updated", output.moment(found.updated_at)),
        ],
    )


@queue.command("create")
@click.argument("pool")
@click.argument("name")
@click.option("--priority", type=click.IntRange(1), default=None, help="1 is served first.")
@click.option("--weight", type=click.IntRange(0), default=0, help="Its share of the workers; 0 goes by the priority.")
@click.option("--concurrency-limit", type=click.IntRange(0), metavar="N", help="How many runs at once.")
@click.option("--description", default="", help="What it is for.")
@output.output_option
def create_queue(
    pool: str,
    name: str,
    priority: int | None,
    weight: int,
    concurrency_limit: int | None,
    description: str,
    as_json: bool,
) -> None:
    """Add a queue to a work pool."""
    wanted = work_pool_pb2.WorkQueue(
        name=name,
        priority=priority or 0,
        weight=weight,
        concurrency_limit=concurrency_limit,
        description=description,
    )
    request = work_pool_pb2.CreateWorkQueueRequest(work_pool_name=pool, work_queue=wanted)
    created = lookup.client().work_pools.CreateWorkQueue(request).work_queue
    if as_json:
        output.print_json(created)
    else:
        output.done(f"Queue '{name}' created in '{pool}'.")


@queue.command("update")
@click.argument("pool")
@click.argument("name")
@click.option("--priority", type=click.IntRange(1), default=None, help="1 is served first.")
@click.option("--weight", type=click.IntRange(0), help="Its share of the workers; 0 goes by the priority.")
@click.option("--concurrency-limit", type=click.IntRange(0), metavar="N", help="How many runs at once.")
@click.option("--no-concurrency-limit", is_flag=True, help="Any number at once.")
@click.option("--description", help="What it is for.")
@click.option("--pause/--resume", "paused", default=None, help="Claim nothing from it, or again.")
@output.output_option
def update_queue(pool: str, name: str, no_concurrency_limit: bool, as_json: bool, **changes: Any) -> None:
    """Change a queue."""
    given = {field: value for field, value in changes.items() if value is not None}
    paths = list(given)
    if no_concurrency_limit:
        if "concurrency_limit" in given:
            raise click.UsageError("--concurrency-limit and --no-concurrency-limit exclude each other.")
        # Named by the mask and left unset, it is taken away.
        paths.append("concurrency_limit")
    if not paths:
        raise click.UsageError("Nothing to change: see --help.")
    request = work_pool_pb2.UpdateWorkQueueRequest(
        work_pool_name=pool,
        work_queue=work_pool_pb2.WorkQueue(name=name, **given),
        update_mask=FieldMask(paths=paths),
    )
    changed = lookup.client().work_pools.UpdateWorkQueue(request).work_queue
    if as_json:
        output.print_json(changed)
    else:
        output.done(f"Queue '{name}' of '{pool}' changed.")


@queue.command("pause")
@click.argument("pool")
@click.argument("name")
def pause_queue(pool: str, name: str) -> None:
    """Claim nothing from a queue until it is resumed; what runs goes on."""
    _set_paused(pool, name, True)
    output.done(f"Queue '{name}' of '{pool}' is paused.")


@queue.command("resume")
@click.argument("pool")
@click.argument("name")
def resume_queue(pool: str, name: str) -> None:
    """Claim from a queue again."""
    _set_paused(pool, name, False)
    output.done(f"Queue '{name}' of '{pool}' goes on.")


def _set_paused(pool: str, name: str, paused: bool) -> None:
    lookup.client().work_pools.UpdateWorkQueue(
        work_pool_pb2.UpdateWorkQueueRequest(
            work_pool_name=pool,
            work_queue=work_pool_pb2.WorkQueue(name=name, paused=paused),
            update_mask=FieldMask(paths=["paused"]),
        )
    )


@queue.command("delete")
@click.argument("pool")
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete_queue(pool: str, name: str, yes: bool) -> None:
    """Delete a queue."""
    if not yes:
        click.confirm(f"Delete the queue '{name}' of '{pool}'?", abort=True)
    lookup.client().work_pools.DeleteWorkQueue(
        work_pool_pb2.DeleteWorkQueueRequest(work_pool_name=pool, work_queue_name=name)
    )
    output.done(f"Queue '{name}' of '{pool}' deleted.")
