"""How the parts of the log service are put together."""

from __future__ import annotations

from headrace import errors
from headrace_chassis.addresses import AllowList
from headrace_chassis.egress import Egress
from headrace_chassis.leases import ServiceLease
from headrace_chassis.partitions import PartitionedTable, PartitionKeeper
from headrace_chassis.resolving import is_loopback
from headrace_chassis.secrets import SecretBox
from headrace_chassis.service import Service, ServiceContext
from headrace_log.loops.quotas import QuotaLoop
from headrace_log.loops.retain import RetainLoop
from headrace_log.loops.sinks import SinkLoop
from headrace_log.loops.stretches import StretchLoop
from headrace_log.loops.sweep import SweepLoop
from headrace_log.neighbours.outlets import Outlets
from headrace_log.neighbours.runs import StateDeployments, StateFamilies, StateFinality
from headrace_log.queries.reader import Reader
from headrace_log.queries.settings import SettingsStore
from headrace_log.queries.sinks import Sinks
from headrace_log.queries.store import BatchStore
from headrace_log.queries.stretches import Stretches
from headrace_log.queries.sweep import Sweeper
from headrace_log.queries.tail import OutboxTail
from headrace_log.rules.quotas import Limits
from headrace_log.rules.records import Batch
from headrace_log.servicers.logs import LogServicer
from headrace_log.servicers.settings import LogSettingsServicer
from headrace_log.servicers.sinks import LogSinkServicer
from headrace_log.usecases.following import Follow
from headrace_log.usecases.ingest import Ingest
from headrace_log.usecases.quotas import Quotas

OUTBOX_DAYS = 1
"""The outbox only wakes followers; whoever is further behind reads the records themselves."""

LEASE_SECONDS = 15.0


async def build(context: ServiceContext) -> Service:
    """Return the log service."""
    database, settings, now = context.database, context.settings, context.clock.now
    retention_days = settings.log_retention_days
    server_limits = Limits(settings.log_lines_per_second, settings.log_bytes_per_day)
    tail = OutboxTail(database, context.wakeups)
    stretches = StretchLoop(Stretches(database), tail)
    store = SettingsStore(database)
    quotas = Quotas(store, server_limits, now)

    def stored(batch: Batch) -> None:
        stretches.stored(batch)
        quotas.stored(batch)

    ingest = Ingest(BatchStore(database, context.wakeups), on_stored=stored)
    reader = Reader(database, stretches)
    families = StateFamilies(context.channel)
    follow = Follow(reader, tail, StateFinality(context.channel), families)
    sink_lease = ServiceLease(database, "sinks", context.holder, LEASE_SECONDS)
    kept_sinks = Sinks(database, SecretBox.of_settings(settings), sink_lease)
    # Where nobody but this machine can call the server, whoever calls it reaches private addresses anyway.
    trusts_callers = settings.auth == "off" and is_loopback(settings.host)
    egress = Egress(_allow_list(context), trusts_callers=trusts_callers)
    outlets = Outlets(egress, settings.log_sink_folder, now)
    sinks = SinkLoop(kept_sinks, follow, outlets, sink_lease)

    async def close() -> None:
        await sinks.close()
        await ingest.close()
        try:
            await quotas.keep()
        except errors.Unavailable:
            # What was written in the last seconds is not counted.
            pass
        await outlets.close()
        await tail.close()

    await quotas.keep()
    ingest.start()
    return Service(
        servicers=[
            LogServicer(
                ingest,
                reader,
                tail,
                follow,
                families,
                context.clock,
                quotas,
                most_message_bytes=settings.log_max_message_bytes,
            ),
            LogSettingsServicer(store, quotas, server_limits, retention_days),
            LogSinkServicer(kept_sinks, tail, settings.log_sink_folder is not None, sinks.wake),
        ],
        loops=[
            PartitionKeeper(
                database,
                [
                    PartitionedTable("record", retention_days, keeps_default=True),
                    PartitionedTable("stretch", retention_days, keeps_default=True),
                    PartitionedTable("outbox", OUTBOX_DAYS),
                ],
                clock=context.clock,
            ),
            SweepLoop(Sweeper(database), retention_days),
            stretches,
            QuotaLoop(quotas, ingest, now),
            RetainLoop(
                store,
                StateDeployments(context.channel),
                now,
                lease=ServiceLease(database, "retain", context.holder, LEASE_SECONDS),
            ),
            sinks,
        ],
        readiness=[ingest.check],
        close=close,
        self_validating=frozenset({"headrace.api.v1.LogService"}),
    )


def _allow_list(context: ServiceContext) -> AllowList:
    try:
        return AllowList.of(context.settings.egress_allow)
    except ValueError as error:
        raise errors.InvalidArgument.of_field("HEADRACE_SERVER_EGRESS_ALLOW", str(error)) from None
