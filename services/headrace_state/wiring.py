"""What the state service is made of."""

from __future__ import annotations

from headrace_chassis.outbox import Outbox
from headrace_chassis.outbox_servicer import OutboxServicer
from headrace_chassis.service import Service, ServiceContext
from headrace_state.queries.flow_run_reads import PostgresFlowRunReads
from headrace_state.queries.flow_runs import PostgresFlowRuns
from headrace_state.queries.flows import PostgresFlows
from headrace_state.queries.task_run_reads import PostgresTaskRunReads
from headrace_state.servicers.feed import Feed
from headrace_state.servicers.flow_runs import FlowRunServicer
from headrace_state.servicers.flows import FlowServicer
from headrace_state.servicers.task_runs import TaskRunServicer
from headrace_state.servicers.watching import Watching


async def build(context: ServiceContext) -> Service:
    """Return the service, ready to be served."""
    database, wakeups = context.database, context.wakeups
    outbox = Outbox(database, wakeups)
    flow_runs = PostgresFlowRuns(database, outbox, wakeups)
    flow_run_reads = PostgresFlowRunReads(database)
    task_run_reads = PostgresTaskRunReads(database)
    feed = Feed(database, wakeups)
    watching = Watching(feed, flow_run_reads, task_run_reads)
    return Service(
        servicers=(
            FlowServicer(PostgresFlows(database)),
            FlowRunServicer(flow_runs, flow_run_reads, watching),
            TaskRunServicer(task_run_reads, flow_run_reads),
            OutboxServicer(database, wakeups),
        ),
        close=feed.close,
    )
