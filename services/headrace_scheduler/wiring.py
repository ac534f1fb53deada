"""What the scheduler is made of."""

from __future__ import annotations

from headrace_chassis.census import Census
from headrace_chassis.leases import ServiceLease
from headrace_chassis.outbox_servicer import OutboxServicer
from headrace_chassis.partitions import PartitionedTable, PartitionKeeper
from headrace_chassis.service import Service, ServiceContext
from headrace_scheduler.loops.backfills import BackfillLoop
from headrace_scheduler.loops.schedules import ErrandLoop, MaterialiseLoop
from headrace_scheduler.loops.service_levels import ForgetViolationsLoop, ServiceLevelLoop
from headrace_scheduler.loops.workers import (
    BeatLoop,
    CancelLoop,
    DueLoop,
    DuePollLoop,
    ExpireLoop,
    ForgetLoop,
    ReclaimLoop,
    RenewLoop,
)
from headrace_scheduler.neighbours.state import StateClient
from headrace_scheduler.neighbours.state_changes import StateChanges
from headrace_scheduler.queries import census
from headrace_scheduler.queries.unit import SqlStore
from headrace_scheduler.servicers.backfills import BackfillServicer
from headrace_scheduler.servicers.calendars import CalendarServicer
from headrace_scheduler.servicers.deployments import DeploymentServicer
from headrace_scheduler.servicers.explanations import ExplanationServicer
from headrace_scheduler.servicers.service_levels import ServiceLevelServicer
from headrace_scheduler.servicers.work_pools import WorkPoolServicer
from headrace_scheduler.servicers.workers import WorkerServicer
from headrace_scheduler.usecases.dispatch.hub import Hub
from headrace_scheduler.usecases.errands import ErrandRunner
from headrace_scheduler.usecases.workbench import Workbench


async def build(context: ServiceContext) -> Service:
    """Return the service, ready to be served."""
    database, wakeups, clock = context.database, context.wakeups, context.clock
    channel = context.channel("state")
    store = SqlStore(database, wakeups)
    state = StateClient(channel)
    errands = ErrandRunner(store, state)
    bench = Workbench(store, state, errands)
    hub = Hub(bench, clock.monotonic, clock.now)

    def lease(name: str) -> ServiceLease:
        return ServiceLease(database, name, context.holder)

    return Service(
        servicers=(
            DeploymentServicer(bench),
            WorkPoolServicer(bench),
            WorkerServicer(hub),
            ExplanationServicer(bench),
            CalendarServicer(bench),
            BackfillServicer(bench),
            ServiceLevelServicer(bench),
            OutboxServicer(database, wakeups),
        ),
        loops=(
            MaterialiseLoop(bench, wakeups, lease(MaterialiseLoop.name)),
            ErrandLoop(errands, wakeups),
            ServiceLevelLoop(bench, wakeups, lease(ServiceLevelLoop.name)),
            ForgetViolationsLoop(bench, wakeups, lease(ForgetViolationsLoop.name)),
            BackfillLoop(bench, wakeups, lease(BackfillLoop.name)),
            DueLoop(hub, wakeups),
            DuePollLoop(hub, wakeups),
            RenewLoop(hub, wakeups),
            BeatLoop(hub, wakeups),
            ReclaimLoop(hub, wakeups),
            ExpireLoop(bench, wakeups),
            ForgetLoop(bench, wakeups, lease(ForgetLoop.name)),
            CancelLoop(hub, StateChanges(channel)),
            Census(database, census.STATEMENT, census.GAUGES, lease=lease(Census.name)),
            PartitionKeeper(
                database, (PartitionedTable("outbox", context.settings.outbox_retention_days),), clock=clock
            ),
        ),
        close=hub.close,
    )
