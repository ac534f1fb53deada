"""`headrace work-pool queue ...`."""

from __future__ import annotations

import click
from google.protobuf.field_mask_pb2 import FieldMask

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
    stub = lookup.client().work_pools

    def page(token: str, size: int) -> work_pool_pb2.ListWorkQueuesResponse:
        request = work_pool_pb2.ListWorkQueuesRequest(work_pool_name=pool, page_size=size, page_token=token)
        return stub.ListWorkQueues(request)

    queues = list(lookup.pages(page, "work_queues", 0))
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
                f"{item.active_slots}/{item.concurrency_limit if item.HasField('concurrency_limit') else '∞'}",
                "yes" if item.paused else "",
                item.work_queue_id,
            ]
            for item in queues
        ],
    )


@queue.command("create")
@click.argument("pool")
@click.argument("name")
@click.option("--priority", type=click.IntRange(1), default=None, help="1 is served first.")
@click.option("--concurrency-limit", type=click.IntRange(0), metavar="N", help="How many runs at once.")
@click.option("--description", default="", help="What it is for.")
def create_queue(pool: str, name: str, priority: int | None, concurrency_limit: int | None, description: str) -> None:
    """Add a queue to a work pool."""
    wanted = work_pool_pb2.WorkQueue(
        name=name, priority=priority or 0, concurrency_limit=concurrency_limit, description=description
    )
    lookup.client().work_pools.CreateWorkQueue(
        work_pool_pb2.CreateWorkQueueRequest(work_pool_name=pool, work_queue=wanted)
    )
    output.done(f"Queue '{name}' created in '{pool}'.")


@queue.command("update")
@click.argument("pool")
@click.argument("name")
@click.option("--priority", type=click.IntRange(1), default=None, help="1 is served first.")
@click.option("--concurrency-limit", type=click.IntRange(0), metavar="N", help="How many runs at once.")
@click.option("--pause/--resume", "paused", default=None, help="Claim nothing from it, or again.")
def update_queue(
    pool: str, name: str, priority: int | None, concurrency_limit: int | None, paused: bool | None
) -> None:
    """Change a queue."""
    wanted = work_pool_pb2.WorkQueue(name=name)
    paths = []
    if priority is not None:
        wanted.priority = priority
        paths.append("priority")
    if concurrency_limit is not None:
        wanted.concurrency_limit = concurrency_limit
        paths.append("concurrency_limit")
    if paused is not None:
        wanted.paused = paused
        paths.append("paused")
    if not paths:
        raise click.UsageError("Nothing to change: give --priority, --concurrency-limit, --pause or --resume.")
    lookup.client().work_pools.UpdateWorkQueue(
        work_pool_pb2.UpdateWorkQueueRequest(work_pool_name=pool, work_queue=wanted, update_mask=FieldMask(paths=paths))
    )
    output.done(f"Queue '{name}' of '{pool}' changed.")


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
