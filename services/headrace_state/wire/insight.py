"""Run insight: what many runs look like together."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from headrace import errors
from headrace.api.v1 import artifact_pb2, flow_run_pb2, run_insight_pb2, state_pb2
from headrace_state.rules.graph import Graph, Node
from headrace_state.rules.insight import Histogram, LastRuns, Lateness, Moment, Sample, Stretch
from headrace_state.rules.rows import Row
from headrace_state.wire import states, values

DEFAULT_SPAN = datetime.timedelta(days=1)

_MOMENTS: dict[int, Moment] = {
    run_insight_pb2.RUN_MOMENT_EXPECTED_START: Moment.EXPECTED_START,
    run_insight_pb2.RUN_MOMENT_STARTED: Moment.STARTED,
    run_insight_pb2.RUN_MOMENT_ENDED: Moment.ENDED,
}


def to_moment(number: int, *, is_task_run: bool = False) -> Moment:
    """Return by which time runs count.

    Raises:
        errors.InvalidArgument: It is none, or not one of task runs.
    """
    if not number:
        return Moment.STARTED if is_task_run else Moment.EXPECTED_START
    moment = _MOMENTS.get(number)
    if moment is None or (is_task_run and moment is Moment.EXPECTED_START):
        raise errors.InvalidArgument.of_field("moment", "must be a time that these runs are listed by")
    return moment


def to_stretch(span: state_pb2.TimeRange, now: datetime.datetime, bucket_count: int) -> Stretch:
    """Return the stretch of time that a span asks for; by default the last day.

    Raises:
        errors.InvalidArgument: It ends before it begins.
    """
    until = values.to_time(span.until, "span.until") if span.HasField("until") else now
    since = values.to_time(getattr(span, "from"), "span.from") if span.HasField("from") else until - DEFAULT_SPAN
    if since >= until:
        raise errors.InvalidArgument.of_field("span", "must begin before it ends")
    return Stretch(since, until, bucket_count)


def buckets(histogram: Histogram, stretch: Stretch) -> list[run_insight_pb2.RunBucket]:
    """Return all buckets of a stretch of time with what was counted."""
    found: list[run_insight_pb2.RunBucket] = []
    for place in range(stretch.bucket_count):
        bucket = run_insight_pb2.RunBucket(until=values.from_time(stretch.start_of(place + 1)))
        values.fill_time(getattr(bucket, "from"), stretch.start_of(place))
        found.append(bucket)
    for count in histogram.counts:
        found[count.bucket].counts.add(
            type=states.type_number(count.state_type),
            name=count.state_name,
            count=count.count,
            average_run_time=values.from_seconds(count.run_seconds),
            average_start_delay=values.from_seconds(count.start_delay_seconds),
        )
    return found


def sample(found: Sample) -> run_insight_pb2.SampleFlowRunsResponse:
    """Return points."""
    return run_insight_pb2.SampleFlowRunsResponse(
        points=map(_point, found.rows), run_count=found.run_count, capped=found.is_capped
    )


def lateness(found: Lateness) -> run_insight_pb2.GetFlowRunLatenessResponse:
    """Return how late runs started."""
    return run_insight_pb2.GetFlowRunLatenessResponse(
        started_count=found.started_count,
        waiting_count=found.waiting_count,
        average=values.from_seconds(found.average),
        median=values.from_seconds(found.median),
        percentile_95=values.from_seconds(found.percentile_95),
        longest=values.from_seconds(found.longest),
        longest_waiting=values.from_seconds(found.longest_waiting),
        capped=found.is_capped,
    )


def last_runs(found: LastRuns, *, is_flow: bool) -> run_insight_pb2.LastFlowRuns:
    """Return the last runs of a flow or a deployment."""
    owner_id = str(found.owner_id)
    return run_insight_pb2.LastFlowRuns(
        flow_id=owner_id if is_flow else "",
        deployment_id="" if is_flow else owner_id,
        runs=map(_point, found.rows),
        next=_point(found.next_row) if found.next_row is not None else None,
    )


def _point(row: Row) -> run_insight_pb2.FlowRunPoint:
    return run_insight_pb2.FlowRunPoint(
        flow_run_id=str(row["flow_run_id"]),
        name=row["name"],
        flow_id=str(row["flow_id"]),
        flow_name=row["flow_name"],
        deployment_id=values.from_id(row["deployment_id"]),
        state_type=states.type_number(row["state_type"]),
        state_name=row["state_name"],
        at=values.from_time(row["at"]),
        run_time=values.from_seconds(row["run_seconds"]),
    )


def graph(
    run: Row, history: Iterable[Row], found: Graph, artifacts: Iterable[Row], run_count: int
) -> run_insight_pb2.GetFlowRunGraphResponse:
    """Return the graph of a flow run, still without a cursor."""
    message = run_insight_pb2.GetFlowRunGraphResponse(
        flow_run_id=str(run["flow_run_id"]),
        started_at=values.from_time(run["started_at"]),
        ended_at=values.from_time(run["ended_at"]),
        run_count=run_count,
        truncated=found.is_truncated,
    )
    states.fill_from_run_row(message.state, run, with_result=False)
    for row in history:
        message.states.add(
            type=states.type_number(row["state_type"]), name=row["state_name"], at=values.from_time(row["occurred_at"])
        )
    for node in found.nodes:
        _fill_node(message.nodes.add(), node)
    for row in artifacts:
        message.artifacts.add(
            artifact_id=str(row["artifact_id"]),
            key=row["key"],
            kind=artifact_pb2.ArtifactKind.Value(f"ARTIFACT_KIND_{row['kind']}"),
            node_id=found.node_of.get(row["task_run_id"], ""),
            created_at=values.from_time(row["created_at"]),
        )
    return message


def _fill_node(message: run_insight_pb2.GraphNode, node: Node) -> None:
    message.node_id = node.node_id
    message.label = node.label
    message.task_key = node.task_key
    message.state_type = states.type_number(node.state_type)
    message.state_name = node.state_name
    if node.started_at is not None:
        values.fill_time(message.started_at, node.started_at)
    if node.ended_at is not None:
        values.fill_time(message.ended_at, node.ended_at)
    if node.child_flow_run_id is not None:
        message.child_flow_run_id = str(node.child_flow_run_id)
    for parent, waits_only in node.parents:
        message.parents.add(node_id=parent, waits_only=waits_only)
    if node.counts is not None:
        message.kind = run_insight_pb2.GRAPH_NODE_KIND_GROUP
        for name in sorted(node.counts):
            message.counts.append(flow_run_pb2.StateCount(type=states.type_number(name), count=node.counts[name]))
    else:
        message.kind = (
            run_insight_pb2.GRAPH_NODE_KIND_SUBFLOW if node.is_subflow else run_insight_pb2.GRAPH_NODE_KIND_TASK_RUN
        )
