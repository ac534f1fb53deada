"""What the state service is made of."""

from __future__ import annotations

from headrace_chassis.outbox import Outbox
from headrace_chassis.outbox_servicer import OutboxServicer
from headrace_chassis.service import Service, ServiceContext
from headrace_state.queries.claims import PostgresClaims
from headrace_state.queries.flow_run_reads import PostgresFlowRunReads
from headrace_state.queries.flow_runs import PostgresFlowRuns
from headrace_state.queries.flows import PostgresFlows
from headrace_state.queries.leases import PostgresLeases
from headrace_state.queries.limits import PostgresLimits
from headrace_state.queries.recording import PostgresRecording
from headrace_state.queries.task_run_reads import PostgresTaskRunReads
from headrace_state.servicers.feed import Feed
from headrace_state.servicers.flow_runs import FlowRunServicer
from headrace_state.servicers.flows import FlowServicer
from headrace_state.servicers.internal import StateInternalServicer
from headrace_state.servicers.record import RecordServicer
from headrace_state.servicers.task_runs import TaskRunServicer
from headrace_state.servicers.watching import Watching
from headrace_state.usecases.recording import Recorder


async def build(context: ServiceContext) -> Service:
    """Return the service, ready to be served."""
    database, wakeups = context.database, context.wakeups
    outbox = Outbox(database, wakeups)
    flow_runs = PostgresFlowRuns(database, outbox, wakeups)
    flow_run_reads = PostgresFlowRunReads(database)
    task_run_reads = PostgresTaskRunReads(database)
    feed = Feed(database, wakeups)
    watching = Watching(feed, flow_run_reads, task_run_reads)
    recorder = Recorder(PostgresRecording(database, outbox))
    leases = PostgresLeases(database)

    async def close() -> None:
        await recorder.close()
        await feed.close()

    return Service(
        servicers=(
            FlowServicer(PostgresFlows(database)),
            FlowRunServicer(flow_runs, flow_run_reads, watching),
            TaskRunServicer(task_run_reads, flow_run_reads),
            RecordServicer(recorder, leases, feed),
            StateInternalServicer(
                flow_runs,
                PostgresClaims(database, outbox, wakeups),
                leases,
                PostgresLimits(database, outbox, wakeups),
            ),
            OutboxServicer(database, wakeups),
        ),
        close=close,
        # Frames are checked by columns, which is a hundred times faster than by rules for each field.
        self_validating=frozenset({"headrace.api.v1.RecordService"}),
    )
