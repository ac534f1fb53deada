"""`RunInsightService`."""

from __future__ import annotations

import datetime
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import flow_run_pb2, run_insight_pb2, run_insight_pb2_grpc
from headrace_chassis.caller import Caller, current_caller
from headrace_chassis.clock import Clock
from headrace_chassis.paging import check_key, decode_page_token, encode_page_token, question_digest
from headrace_state.repository.insight import RunInsight
from headrace_state.rules.filters import FlowRunFilter
from headrace_state.rules.graph import build_graph, changed_since
from headrace_state.wire import filters, insight, values

PAYLOADS = "PERMISSION_RUN_PAYLOADS_VIEW"
ARTIFACTS = "PERMISSION_ARTIFACTS_VIEW"
DEFAULT_BUCKETS = 60
DEFAULT_POINTS = 500
DEFAULT_LAST_RUNS = 12
DEFAULT_NODES = 1_000

TASK_RUNS_READ = 100_000
"""Task runs of a flow run that a graph is made of; of more, only the first ones."""

COMMIT_SECONDS = 5.0
"""What was written so long before a graph was read may have been committed after it."""

Context = grpc.aio.ServicerContext[Any, Any]


class RunInsightServicer(run_insight_pb2_grpc.RunInsightServiceServicer):
    """Sums many runs up."""

    def __init__(self, runs: RunInsight, clock: Clock) -> None:
        self._runs = runs
        self._clock = clock

    async def GetFlowRunHistogram(
        self, request: run_insight_pb2.GetFlowRunHistogramRequest, context: Context
    ) -> run_insight_pb2.GetFlowRunHistogramResponse:
        """Count flow runs by time and state."""
        caller = current_caller()
        moment = insight.to_moment(request.moment)
        stretch = insight.to_stretch(request.span, self._clock.now(), request.bucket_count or DEFAULT_BUCKETS)
        found = await self._runs.count_flow_runs(caller.workspace_id, _chosen(request.filter, caller), moment, stretch)
        return run_insight_pb2.GetFlowRunHistogramResponse(
            buckets=insight.buckets(found, stretch),
            capped=found.complete_from is not None,
            complete_from=values.from_time(found.complete_from),
        )

    async def GetTaskRunHistogram(
        self, request: run_insight_pb2.GetTaskRunHistogramRequest, context: Context
    ) -> run_insight_pb2.GetTaskRunHistogramResponse:
        """Count task runs by time and state."""
        workspace_id = current_caller().workspace_id
        moment = insight.to_moment(request.moment, is_task_run=True)
        stretch = insight.to_stretch(request.span, self._clock.now(), request.bucket_count or DEFAULT_BUCKETS)
        chosen = filters.to_task_run_filter(request.filter)
        found = await self._runs.count_task_runs(workspace_id, chosen, moment, stretch)
        return run_insight_pb2.GetTaskRunHistogramResponse(
            buckets=insight.buckets(found, stretch),
            capped=found.complete_from is not None,
            complete_from=values.from_time(found.complete_from),
        )

    async def SampleFlowRuns(
        self, request: run_insight_pb2.SampleFlowRunsRequest, context: Context
    ) -> run_insight_pb2.SampleFlowRunsResponse:
        """Return points of run time over time."""
        caller = current_caller()
        most = max(request.max_points or DEFAULT_POINTS, 2)
        moment = insight.to_moment(request.moment)
        # Two points of each bucket: the longest and the shortest.
        stretch = insight.to_stretch(request.span, self._clock.now(), most // 2)
        chosen = _chosen(request.filter, caller)
        return insight.sample(await self._runs.sample_flow_runs(caller.workspace_id, chosen, moment, stretch, most))

    async def GetFlowRunLateness(
        self, request: run_insight_pb2.GetFlowRunLatenessRequest, context: Context
    ) -> run_insight_pb2.GetFlowRunLatenessResponse:
        """Tell how late flow runs started."""
        caller = current_caller()
        stretch = insight.to_stretch(request.span, self._clock.now(), 1)
        chosen = _chosen(request.filter, caller)
        return insight.lateness(await self._runs.measure_lateness(caller.workspace_id, chosen, stretch))

    async def GetLastFlowRuns(
        self, request: run_insight_pb2.GetLastFlowRunsRequest, context: Context
    ) -> run_insight_pb2.GetLastFlowRunsResponse:
        """Return the last flow runs of each of some flows or deployments."""
        flow_ids = values.to_ids(request.flow_ids, "flow_ids")
        deployment_ids = values.to_ids(request.deployment_ids, "deployment_ids")
        found = await self._runs.list_last(
            current_caller().workspace_id, flow_ids, deployment_ids, request.run_count or DEFAULT_LAST_RUNS
        )
        return run_insight_pb2.GetLastFlowRunsResponse(
            owners=[insight.last_runs(owner, is_flow=place < len(flow_ids)) for place, owner in enumerate(found)]
        )

    async def GetFlowRunGraph(
        self, request: run_insight_pb2.GetFlowRunGraphRequest, context: Context
    ) -> run_insight_pb2.GetFlowRunGraphResponse:
        """Return a flow run as a graph."""
        caller = current_caller()
        workspace_id = caller.workspace_id
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        most = request.max_nodes or DEFAULT_NODES
        expanded = frozenset(request.expanded_task_keys)
        question = question_digest(workspace_id, flow_run_id, str(most), *sorted(expanded))
        since = _since(request.since, question)
        rows = await self._runs.load_graph(workspace_id, flow_run_id, TASK_RUNS_READ)
        if rows is None:
            raise errors.NotFound(f"there is no flow run {flow_run_id}")
        found = build_graph(rows.task_runs, rows.subflows, most, expanded)
        shown = changed_since(found, since) if since is not None else found
        artifacts = rows.artifacts if caller.may(ARTIFACTS) else ()
        response = insight.graph(rows.run, rows.states, shown, artifacts, len(rows.task_runs) + len(rows.subflows))
        read_at: datetime.datetime = rows.run["now"]
        response.cursor = encode_page_token((read_at - datetime.timedelta(seconds=COMMIT_SECONDS),), question)
        return response


def _since(cursor: str, question: bytes) -> datetime.datetime | None:
    try:
        key = decode_page_token(cursor, question)
        if key is None:
            return None
        check_key(key, (datetime.datetime,))
    except errors.InvalidArgument:
        raise errors.InvalidArgument.of_field("since", "must be a cursor of the same graph") from None
    [since] = key
    return since if isinstance(since, datetime.datetime) else None


def _chosen(message: flow_run_pb2.FlowRunFilter, caller: Caller) -> FlowRunFilter:
    chosen = filters.to_flow_run_filter(message)
    if chosen.looks_at_parameters:
        # Whoever may not see parameters must not find them out by counting either.
        caller.require(PAYLOADS)
    return chosen
