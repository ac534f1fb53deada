"""What the state service is made of."""

from __future__ import annotations

from headrace_chassis.census import Census
from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_chassis.outbox import Outbox
from headrace_chassis.outbox_servicer import OutboxServicer
from headrace_chassis.partitions import PartitionedTable, PartitionKeeper
from headrace_chassis.secrets import SecretBox
from headrace_chassis.service import Service, ServiceContext
from headrace_chassis.settings import ServerSettings
from headrace_chassis.telemetry import span_follower
from headrace_state.loops.background import BackgroundUpkeep
from headrace_state.loops.bulk import BulkRunner
from headrace_state.loops.deadlines import CancellationEscalation, PauseExpiry
from headrace_state.loops.overdue import Overdue
from headrace_state.loops.reaper import LeaseReaper
from headrace_state.loops.retention import RetentionSweeper
from headrace_state.loops.starts import StartTimeouts
from headrace_state.loops.sweeps import KeyedLimitSweep
from headrace_state.neighbours.scheduler import SchedulerClient
from headrace_state.queries import census
from headrace_state.queries.artifacts import PostgresArtifacts
from headrace_state.queries.assets import PostgresAssets
from headrace_state.queries.background import PostgresBackgroundTasks
from headrace_state.queries.blocks import PostgresBlocks
from headrace_state.queries.bulk import PostgresBulkOperations
from headrace_state.queries.claims import PostgresClaims
from headrace_state.queries.descriptions import PostgresDescriptions
from headrace_state.queries.floors import Floors
from headrace_state.queries.flow_run_reads import PostgresFlowRunReads
from headrace_state.queries.flow_runs import PostgresFlowRuns
from headrace_state.queries.flows import PostgresFlows
from headrace_state.queries.imports import PostgresImports
from headrace_state.queries.insight import PostgresRunInsight
from headrace_state.queries.leases import PostgresLeases
from headrace_state.queries.limits import PostgresLimits
from headrace_state.queries.notes import PostgresRunNotes
from headrace_state.queries.recording import PostgresRecording
from headrace_state.queries.retention import PostgresRetention
from headrace_state.queries.run_inputs import PostgresRunInputs
from headrace_state.queries.slots import PostgresSlots
from headrace_state.queries.starts import PostgresStarts
from headrace_state.queries.task_run_reads import PostgresTaskRunReads
from headrace_state.queries.upkeep import PostgresUpkeep
from headrace_state.queries.variables import PostgresVariables
from headrace_state.repository.flow_runs import FlowRuns
from headrace_state.repository.limits import Limits
from headrace_state.rules.retention import FOR_EVER
from headrace_state.servicers.artifacts import ArtifactServicer
from headrace_state.servicers.assets import AssetServicer
from headrace_state.servicers.background import BackgroundTaskServicer
from headrace_state.servicers.blocks import BlockServicer
from headrace_state.servicers.bulk import BulkOperationServicer
from headrace_state.servicers.concurrency import ConcurrencyServicer
from headrace_state.servicers.feed import Feed
from headrace_state.servicers.flow_runs import FlowRunServicer
from headrace_state.servicers.flows import FlowServicer
from headrace_state.servicers.imports import RunImportServicer
from headrace_state.servicers.insight import RunInsightServicer
from headrace_state.servicers.internal import StateInternalServicer
from headrace_state.servicers.notes import RunNoteServicer
from headrace_state.servicers.own_attempts import OwnAttempts
from headrace_state.servicers.own_runs import OwnRuns
from headrace_state.servicers.record import RecordServicer
from headrace_state.servicers.retention import RetentionServicer
from headrace_state.servicers.run_inputs import RunInputServicer
from headrace_state.servicers.task_runs import TaskRunServicer
from headrace_state.servicers.variables import VariableServicer
from headrace_state.servicers.watching import Watching
from headrace_state.usecases.recording import Recorder


async def build(context: ServiceContext) -> Service:
    """Return the service, ready to be served."""
    database, wakeups = context.database, context.wakeups
    outbox = Outbox(database, wakeups)
    floors = Floors()
    flow_runs = PostgresFlowRuns(database, outbox, wakeups, floors)
    flow_run_reads = PostgresFlowRunReads(database)
    task_run_reads = PostgresTaskRunReads(database)
    own = OwnRuns(flow_run_reads)
    scheduler = SchedulerClient(lambda: context.channel("scheduler"))
    limits = PostgresLimits(database, outbox, wakeups)
    leases = PostgresLeases(database)
    feed = Feed(database, wakeups)
    background = PostgresBackgroundTasks(database, outbox, wakeups)
    bulk_operations = PostgresBulkOperations(database, outbox, wakeups)
    bulk_runner = BulkRunner(
        bulk_operations,
        flow_runs,
        flow_run_reads,
        lease=ServiceLease(database, BulkRunner.name, context.holder),
    )
    retention = PostgresRetention(database, keeps_history=context.settings.history_retention_days is None)
    kept = kept_by_default(context.settings)
    sweeper = RetentionSweeper(
        retention,
        context.clock,
        {kind: days for kind, (days, _) in kept.items()},
        lease=ServiceLease(database, RetentionSweeper.name, context.holder),
    )
    recorder = Recorder(PostgresRecording(database, outbox, wakeups), follow=span_follower)

    async def close() -> None:
        await recorder.close()
        await feed.close()

    return Service(
        servicers=(
            FlowServicer(PostgresFlows(database), scheduler),
            FlowRunServicer(flow_runs, flow_run_reads, Watching(feed, flow_run_reads, task_run_reads), own, scheduler),
            TaskRunServicer(task_run_reads, flow_run_reads, own),
            RecordServicer(recorder, leases, feed, OwnAttempts(own, background)),
            RunInputServicer(flow_runs, PostgresRunInputs(database, wakeups), own),
            StateInternalServicer(
                flow_runs,
                flow_run_reads,
                PostgresDescriptions(database),
                PostgresClaims(database, outbox, wakeups, floors),
                leases,
                limits,
                own,
            ),
            ConcurrencyServicer(limits, PostgresSlots(database, outbox, wakeups)),
            ArtifactServicer(PostgresArtifacts(database), own),
            AssetServicer(PostgresAssets(database), own),
            VariableServicer(PostgresVariables(database)),
            BlockServicer(PostgresBlocks(database), SecretBox.of_settings(context.settings)),
            RunInsightServicer(PostgresRunInsight(database), context.clock),
            RunImportServicer(PostgresImports(database)),
            RunNoteServicer(PostgresRunNotes(database), own),
            BulkOperationServicer(bulk_operations, flow_run_reads, bulk_runner.wake, wakeups),
            RetentionServicer(retention, kept, sweeper.wake),
            BackgroundTaskServicer(background, task_run_reads, feed, wakeups, own),
            OutboxServicer(database, wakeups),
        ),
        loops=(
            *_loops(context, flow_runs, limits, outbox),
            BackgroundUpkeep(
                background, context.clock, lease=ServiceLease(database, BackgroundUpkeep.name, context.holder)
            ),
            bulk_runner,
            sweeper,
            Census(
                database, census.STATEMENT, census.GAUGES, lease=ServiceLease(database, Census.name, context.holder)
            ),
        ),
        close=close,
        # Frames are checked by columns, which is a hundred times faster than by rules for each field.
        self_validating=frozenset({"headrace.api.v1.RecordService"}),
    )


def _loops(context: ServiceContext, flow_runs: FlowRuns, limits: Limits, outbox: Outbox) -> tuple[Loop, ...]:
    database, settings = context.database, context.settings
    upkeep = PostgresUpkeep(database, outbox, context.wakeups)

    def lease(name: str) -> ServiceLease:
        return ServiceLease(database, name, context.holder)

    return (
        LeaseReaper(upkeep, flow_runs, limits, context.clock, lease=lease(LeaseReaper.name)),
        Overdue(upkeep, flow_runs, lease=lease(Overdue.name)),
        KeyedLimitSweep(limits, lease=lease(KeyedLimitSweep.name)),
        StartTimeouts(PostgresStarts(database), flow_runs, lease=lease(StartTimeouts.name)),
        PauseExpiry(upkeep, flow_runs, lease=lease(PauseExpiry.name)),
        CancellationEscalation(upkeep, flow_runs, lease=lease(CancellationEscalation.name)),
        PartitionKeeper(
            database,
            (
                PartitionedTable("transition", settings.history_retention_days),
                PartitionedTable("outbox", settings.outbox_retention_days),
            ),
            clock=context.clock,
        ),
    )


def kept_by_default(settings: ServerSettings) -> dict[str, tuple[float, str]]:
    """Return for how many days what is kept where no rule of a workspace says so, and by which setting; by kind."""
    figures = {
        "FLOW_RUN": "flow_run_retention_days",
        "BACKGROUND_TASK_RUN": "background_task_run_retention_days",
        "ARTIFACT": "artifact_retention_days",
        "TRANSITION": "history_retention_days",
        "LOG_RECORD": "log_retention_days",
        "EVENT": "history_retention_days",
        "OUTBOX": "outbox_retention_days",
    }
    kept: dict[str, tuple[float, str]] = {}
    for kind, name in figures.items():
        days: float | None = getattr(settings, name)
        kept[kind] = (FOR_EVER if days is None else float(days), f"HEADRACE_SERVER_{name.upper()}")
    return kept
