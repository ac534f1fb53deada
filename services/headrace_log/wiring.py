"""How the parts of the log service are put together."""

from __future__ import annotations

from headrace_chassis.partitions import PartitionedTable, PartitionKeeper
from headrace_chassis.service import Service, ServiceContext
from headrace_log.loops.stretches import StretchLoop
from headrace_log.loops.sweep import SweepLoop
from headrace_log.neighbours import StateFamilies, StateFinality
from headrace_log.queries.reader import Reader
from headrace_log.queries.store import BatchStore
from headrace_log.queries.stretches import Stretches
from headrace_log.queries.sweep import Sweeper
from headrace_log.queries.tail import OutboxTail
from headrace_log.servicers.logs import LogServicer
from headrace_log.usecases.following import Follow
from headrace_log.usecases.ingest import Ingest

OUTBOX_DAYS = 1
"""The outbox only wakes followers; whoever is further behind reads the records themselves."""


async def build(context: ServiceContext) -> Service:
    """Return the log service."""
    tail = OutboxTail(context.database, context.wakeups)
    stretches = StretchLoop(Stretches(context.database), tail)
    ingest = Ingest(BatchStore(context.database, context.wakeups), on_stored=stretches.stored)
    reader = Reader(context.database, on_slow_search=stretches.want)
    follow = Follow(reader, tail, StateFinality(context.channel))
    retention_days = context.settings.log_retention_days

    async def close() -> None:
        await ingest.close()
        await tail.close()

    ingest.start()
    return Service(
        servicers=[LogServicer(ingest, reader, tail, follow, StateFamilies(context.channel), context.clock)],
        loops=[
            PartitionKeeper(
                context.database,
                [
                    PartitionedTable("record", retention_days),
                    PartitionedTable("stretch", retention_days),
                    PartitionedTable("outbox", OUTBOX_DAYS),
                ],
                clock=context.clock,
            ),
            SweepLoop(Sweeper(context.database), retention_days),
            stretches,
        ],
        readiness=[ingest.check],
        close=close,
        self_validating=frozenset({"headrace.api.v1.LogService"}),
    )
