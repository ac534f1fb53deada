"""Queues of a pool that make room for one another.

Here several queues may share a priority, and take turns. Prefect's clients know one queue for each: one that takes the
priority of another goes before it, and before all that came behind that one without a gap.
"""

from __future__ import annotations

from headrace.api.v1 import work_pool_pb2
from headrace_prefect.filters import deployments as filters
from headrace_prefect.request import Request


async def make_room(request: Request, queue: work_pool_pb2.WorkQueue) -> None:
    """Move the other queues of a pool back, as far as they have to for one to be alone at its priority."""
    found = await filters.queues_of(request, queue.work_pool_name)
    for name, priority in moved(queue, found).items():
        message = work_pool_pb2.UpdateWorkQueueRequest(
            work_pool_name=queue.work_pool_name, work_queue=work_pool_pb2.WorkQueue(name=name, priority=priority)
        )
        message.update_mask.paths.append("priority")
        await request.call(request.services.work_pools.UpdateWorkQueue, message)


def moved(queue: work_pool_pb2.WorkQueue, found: list[work_pool_pb2.WorkQueue]) -> dict[str, int]:
    """Return the new priorities, by name, of queues that one displaces."""
    behind = [each for each in found if each.name != queue.name and each.priority >= queue.priority]
    new: dict[str, int] = {}
    last = queue.priority
    for other in sorted(behind, key=lambda each: each.priority):
        if other.priority > last:
            break
        last += 1
        new[other.name] = last
    # The last one first, so that none stands beside another meanwhile.
    return dict(reversed(new.items()))
