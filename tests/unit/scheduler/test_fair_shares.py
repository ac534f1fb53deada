"""How queues share what workers can take."""

from __future__ import annotations

import datetime
import random
import uuid
from collections.abc import Sequence

import pytest

from headrace_scheduler.rules import fair_shares
from headrace_scheduler.rules.fair_shares import Quota
from headrace_scheduler.rules.work_pool import QueuePolicy, WorkQueue

NOW = datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC)


def a_queue(number: int, *, priority: int = 1, weight: int = 0) -> WorkQueue:
    return WorkQueue(
        work_queue_id=uuid.UUID(int=number),
        workspace_id=uuid.UUID(int=1),
        work_pool_id=uuid.UUID(int=2),
        work_pool_name="pool",
        name=f"queue-{number}",
        description="",
        priority=priority,
        weight=weight,
        paused=False,
        concurrency_limit=None,
        created_at=NOW,
        updated_at=NOW,
    )


class Pool:
    """Waiting runs by queue, claimed as the state service claims: in the order of the quotas."""

    def __init__(self, policy: QueuePolicy, queues: Sequence[WorkQueue], waiting: Sequence[int]) -> None:
        self.policy = policy
        self.queues = queues
        self.waiting = {queue.work_queue_id: number for queue, number in zip(queues, waiting, strict=True)}
        self.taken = dict.fromkeys(self.waiting, 0)
        self.served: dict[uuid.UUID, float] = {}

    def turn(self, count: int) -> int:
        """Take up to `count` runs as a dispatcher does; return how many there were."""
        offered = fair_shares.quotas(self.policy, self.queues, self.served, count)
        claimed = self._claim(offered, count)
        self.served = fair_shares.advance(self.served, self.queues, offered, claimed)
        left = count - sum(claimed.values())
        hungry = fair_shares.hungry(offered, claimed)
        if left and hungry:
            again = [Quota(queue.work_queue_id, left) for queue in self.queues if queue.work_queue_id in hungry]
            more = self._claim(again, left)
            self.served = fair_shares.advance(self.served, self.queues, again, more)
            left -= sum(more.values())
        return count - left

    def _claim(self, offered: Sequence[Quota], count: int) -> dict[uuid.UUID, int]:
        claimed: dict[uuid.UUID, int] = {}
        for quota in offered:
            number = min(quota.count, self.waiting[quota.work_queue_id], count - sum(claimed.values()))
            claimed[quota.work_queue_id] = number
            self.waiting[quota.work_queue_id] -= number
            self.taken[quota.work_queue_id] += number
        return claimed


@pytest.mark.parametrize("largest", [1, 3, 50])
def test_weighted_queues_are_served_in_proportion_whatever_the_turns_look_like(largest: int) -> None:
    queues = [a_queue(1, weight=60), a_queue(2, weight=30), a_queue(3, weight=10)]
    pool = Pool(QueuePolicy.WEIGHTED, queues, [100_000] * 3)
    chance = random.Random(7)
    total = sum(pool.turn(chance.randint(1, largest)) for _ in range(2000))
    shares = [pool.taken[queue.work_queue_id] / total for queue in queues]
    assert shares == pytest.approx([0.6, 0.3, 0.1], abs=0.02)


def test_weights_follow_from_priorities() -> None:
    weights = [fair_shares.weight_of(a_queue(1, priority=priority)) for priority in (0, 1, 2, 4, 1000)]
    assert weights == [100, 100, 50, 25, 1]
    assert fair_shares.weight_of(a_queue(1, priority=1, weight=7)) == 7


def test_what_one_queue_does_not_use_goes_to_the_others() -> None:
    pool = Pool(QueuePolicy.WEIGHTED, [a_queue(1, weight=99), a_queue(2, weight=1)], [0, 1000])
    assert pool.turn(1) == 1
    assert pool.turn(40) == 40


def test_a_queue_does_not_save_up_turns_while_it_is_empty() -> None:
    first, second = a_queue(1, weight=1), a_queue(2, weight=1)
    pool = Pool(QueuePolicy.WEIGHTED, [first, second], [10_000, 0])
    for _ in range(1000):
        pool.turn(1)
    pool.waiting[second.work_queue_id] = 10_000
    before = dict(pool.taken)
    for _ in range(100):
        pool.turn(1)
    assert pool.taken[first.work_queue_id] - before[first.work_queue_id] == pytest.approx(50, abs=2)


def test_strict_queues_go_by_priority() -> None:
    queues = [a_queue(1, priority=3), a_queue(2, priority=1), a_queue(3, priority=2)]
    pool = Pool(QueuePolicy.STRICT, queues, [5, 5, 5])
    assert pool.turn(7) == 7
    assert [pool.taken[queue.work_queue_id] for queue in queues] == [0, 5, 2]
