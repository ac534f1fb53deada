"""How the queues of a pool share what its workers can take.

Weighted queues are served in proportion to their weights over time, whatever waits in them; what one does not
use goes to the others. Strict queues are served in order of priority.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence

from headrace_scheduler.rules.work_pool import QueuePolicy, WorkQueue

_WEIGHT_OF_FIRST = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Quota:
    """How many runs may be claimed from a queue at once."""

    work_queue_id: uuid.UUID
    count: int
    is_spare: bool = False
    """Only for what the quotas before it leave over."""


def weight_of(queue: WorkQueue) -> int:
    """Return the queue's share: as set, else from its priority (the second gets half of what the first gets)."""
    return queue.weight or max(1, _WEIGHT_OF_FIRST // max(queue.priority, 1))


def quotas(
    policy: QueuePolicy, queues: Sequence[WorkQueue], served: Mapping[uuid.UUID, float], count: int
) -> list[Quota]:
    """Return from which queues to claim `count` runs, in the order in which they are to be served.

    Args:
        policy: The pool's.
        queues: The queues that may be served.
        served: What each has had so far, runs divided by weight (see `advance`).
        count: How many runs can be taken, above 0.
    """
    by_priority = sorted(queues, key=lambda queue: (queue.priority, queue.created_at))
    if policy is QueuePolicy.STRICT:
        return [Quota(queue.work_queue_id, count) for queue in by_priority]
    # Whoever is furthest behind goes first; the shares level what all have had by weight.
    ordered = sorted(by_priority, key=lambda queue: served.get(queue.work_queue_id, 0.0))
    shares = _level({queue.work_queue_id: weight_of(queue) for queue in ordered}, served, count)
    # Who has no share comes last and gets what the others leave.
    return [Quota(queue_id, share) for queue_id, share in shares.items() if share > 0] + [
        Quota(queue_id, count, is_spare=True) for queue_id, share in shares.items() if share == 0
    ]


def hungry(offered: Sequence[Quota], claimed: Mapping[uuid.UUID, int]) -> set[uuid.UUID]:
    """Return the queues that took all that they were offered and may have more; the others are empty or full."""
    return {quota.work_queue_id for quota in offered if claimed.get(quota.work_queue_id, 0) >= quota.count}


def advance(
    served: Mapping[uuid.UUID, float],
    queues: Sequence[WorkQueue],
    offered: Sequence[Quota],
    claimed: Mapping[uuid.UUID, int],
) -> dict[uuid.UUID, float]:
    """Return what each queue has had after `claimed` runs of each were claimed on an offer.

    A queue that did not use its offer does not save its turns up: it is put level with the one that is furthest
    behind among those that were served.
    """
    after = {
        queue.work_queue_id: served.get(queue.work_queue_id, 0.0)
        + claimed.get(queue.work_queue_id, 0) / weight_of(queue)
        for queue in queues
    }
    floor = min((after[queue_id] for queue_id, number in claimed.items() if number and queue_id in after), default=0.0)
    wanting = hungry(offered, claimed)
    total = sum(claimed.values())
    # What is spare was reached only if not everything was taken before.
    has_spare = total < sum(quota.count for quota in offered if not quota.is_spare)
    for quota in offered:
        is_empty = quota.work_queue_id not in wanting and (has_spare or not quota.is_spare)
        if is_empty and quota.work_queue_id in after:
            after[quota.work_queue_id] = max(after[quota.work_queue_id], floor)
    # Only differences count, so the numbers are kept small.
    base = min(after.values(), default=0.0)
    return {queue_id: value - base for queue_id, value in after.items()}


def _level(weights: Mapping[uuid.UUID, int], served: Mapping[uuid.UUID, float], count: int) -> dict[uuid.UUID, int]:
    shares = dict.fromkeys(weights, 0)
    level = {queue_id: served.get(queue_id, 0.0) for queue_id in weights}
    for _ in range(count):
        queue_id = min(level, key=lambda candidate: level[candidate] + 1 / weights[candidate], default=None)
        if queue_id is None:
            break
        shares[queue_id] += 1
        level[queue_id] += 1 / weights[queue_id]
    return shares
