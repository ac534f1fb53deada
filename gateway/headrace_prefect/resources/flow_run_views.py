"""What runs look like together: histories, lateness, graphs."""

from __future__ import annotations

import datetime
import math
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace.api.v1 import artifact_pb2, run_insight_pb2, state_pb2
from headrace_prefect.answers import Answer, Refusal, not_found, ok
from headrace_prefect.bodies import fields
from headrace_prefect.bodies.fields import Body, Field, Fields
from headrace_prefect.filters.joins import JOINED, flow_run_filter, task_run_filter
from headrace_prefect.request import Request
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes.states import type_name

_HISTORY: Fields = {
    **JOINED,
    "history_start": Field(fields.moment, required=True),
    "history_end": Field(fields.moment, required=True),
    "history_interval_seconds": Field(fields.seconds, required=True),
}
_MOST_INTERVALS = 500
_MOST_NODES = 10_000
_BEGINNING = datetime.datetime(1970, 1, 2, tzinfo=datetime.UTC)


async def flow_run_history(request: Request) -> Answer:
    """Count flow runs by state over time, by when they were expected to start."""
    body = request.body(_HISTORY)
    count, span = _intervals(body)
    if count == 0:
        return ok([])
    asked = run_insight_pb2.GetFlowRunHistogramRequest(
        filter=await flow_run_filter(request, body),
        span=span,
        moment=run_insight_pb2.RUN_MOMENT_EXPECTED_START,
        bucket_count=count,
    )
    counted = await request.call(request.services.insight.GetFlowRunHistogram, asked)
    return ok([_bucket(bucket) for bucket in counted.buckets])


async def task_run_history(request: Request) -> Answer:
    """Count task runs by state over time, by when they started."""
    body = request.body(_HISTORY)
    count, span = _intervals(body)
    if count == 0:
        return ok([])
    asked = run_insight_pb2.GetTaskRunHistogramRequest(
        filter=await task_run_filter(request, body),
        span=span,
        moment=run_insight_pb2.RUN_MOMENT_STARTED,
        bucket_count=count,
    )
    counted = await request.call(request.services.insight.GetTaskRunHistogram, asked)
    return ok([_bucket(bucket) for bucket in counted.buckets])


def _intervals(body: Body) -> tuple[int, state_pb2.TimeRange]:
    seconds = body["history_interval_seconds"]
    if seconds < 1:
        raise Refusal(422, "History interval must not be less than 1 second.")
    interval = datetime.timedelta(seconds=seconds)
    start, end = body["history_start"], body["history_end"]
    count = min(math.ceil((end - start) / interval), _MOST_INTERVALS) if end > start else 0
    try:
        last = start + count * interval
    except OverflowError:
        raise Refusal(422, "History interval is too long.") from None
    span = state_pb2.TimeRange(until=scalars.to_timestamp(last))
    getattr(span, "from").CopyFrom(scalars.to_timestamp(start))
    return count, span


def _bucket(bucket: run_insight_pb2.RunBucket) -> dict[str, Any]:
    return {
        "interval_start": scalars.moment(bucket, "from"),
        "interval_end": scalars.moment(bucket, "until"),
        "states": [
            {
                "state_type": type_name(each.type),
                "state_name": each.name,
                "count_runs": each.count,
                "sum_estimated_run_time": (scalars.seconds(each, "average_run_time") or 0.0) * each.count,
                "sum_estimated_lateness": (scalars.seconds(each, "average_start_delay") or 0.0) * each.count,
            }
            for each in bucket.counts
        ],
    }


async def average_flow_run_lateness(request: Request) -> Answer:
    """Return how much later than expected flow runs started, on average in seconds; null where none did."""
    body = request.body(JOINED)
    span = state_pb2.TimeRange(until=scalars.to_timestamp(datetime.datetime.now(datetime.UTC)))
    getattr(span, "from").CopyFrom(scalars.to_timestamp(_BEGINNING))
    asked = run_insight_pb2.GetFlowRunLatenessRequest(filter=await flow_run_filter(request, body), span=span)
    found = await request.call(request.services.insight.GetFlowRunLateness, asked)
    return ok(scalars.seconds(found, "average", 0.0) if found.started_count else None)


async def read_flow_run_graph(request: Request) -> Answer:
    """Return the task runs and subflows of a flow run with what they depend on."""
    graph = await _graph(request)
    since = _since(request)
    nodes = [node for node in graph.nodes if not _ended_before(node, since)]
    known = {node.node_id for node in nodes}
    children: dict[str, list[str]] = {}
    for node in nodes:
        for edge in node.parents:
            children.setdefault(edge.node_id, []).append(node.node_id)
    made: dict[str, list[dict[str, Any]]] = {}
    for artifact in graph.artifacts:
        made.setdefault(artifact.node_id, []).append(_artifact(artifact))
    return ok(
        {
            "start_time": scalars.moment(graph, "started_at"),
            "end_time": scalars.moment(graph, "ended_at"),
            "root_node_ids": [
                node.node_id for node in nodes if not any(edge.node_id in known for edge in node.parents)
            ],
            "nodes": [
                [node.node_id, _node(node, children.get(node.node_id, []), made.get(node.node_id, []), graph)]
                for node in nodes
            ],
            "artifacts": made.get("", []),
            "states": [
                {
                    "id": scalars.id_of(graph.flow_run_id, str(place)),
                    "timestamp": scalars.of_timestamp(state.at),
                    "type": type_name(state.type),
                    "name": state.name,
                }
                for place, state in enumerate(graph.states)
            ],
        }
    )


async def read_task_run_dependencies(request: Request) -> Answer:
    """Return the task runs of a flow run with those that they took results of."""
    graph = await _graph(request)
    return ok(
        [
            {
                "id": node.node_id,
                "name": node.label,
                "upstream_dependencies": [{"input_type": "task_run", "id": edge.node_id} for edge in node.parents],
                "state": None,
                "expected_start_time": scalars.moment(node, "started_at"),
                "start_time": scalars.moment(node, "started_at"),
                "end_time": scalars.moment(node, "ended_at"),
                "total_run_time": _span(node),
                "estimated_run_time": _span(node),
                "untrackable_result": False,
            }
            for node in graph.nodes
        ]
    )


async def _graph(request: Request) -> run_insight_pb2.GetFlowRunGraphResponse:
    asked = run_insight_pb2.GetFlowRunGraphRequest(flow_run_id=request.path["id"], max_nodes=_MOST_NODES)
    try:
        graph = await request.call(request.services.insight.GetFlowRunGraph, asked)
    except errors.NotFound:
        raise not_found("Flow run") from None
    if graph.run_count > _MOST_NODES:
        # What stands for many task runs at once has no form in Prefect's graphs.
        raise Refusal(400, f"The graph of flow run {graph.flow_run_id} has more than {_MOST_NODES} nodes.")
    return graph


def _node(
    node: run_insight_pb2.GraphNode,
    children: list[str],
    made: list[dict[str, Any]],
    graph: run_insight_pb2.GetFlowRunGraphResponse,
) -> dict[str, Any]:
    is_subflow = node.kind == run_insight_pb2.GRAPH_NODE_KIND_SUBFLOW and bool(node.child_flow_run_id)
    return {
        "kind": "flow-run" if is_subflow else "task-run",
        "id": node.child_flow_run_id if is_subflow else node.node_id,
        "label": node.label,
        "state_type": type_name(node.state_type),
        "start_time": scalars.moment(node, "started_at") or scalars.moment(graph, "started_at"),
        "end_time": scalars.moment(node, "ended_at"),
        "parents": [{"id": edge.node_id} for edge in node.parents],
        "children": [{"id": child} for child in children],
        "encapsulating": [],
        "artifacts": made,
    }


def _artifact(artifact: run_insight_pb2.GraphArtifact) -> dict[str, Any]:
    return {
        "id": artifact.artifact_id,
        "created": scalars.of_timestamp(artifact.created_at),
        "key": artifact.key or None,
        "type": artifact_pb2.ArtifactKind.Name(artifact.kind).removeprefix("ARTIFACT_KIND_").lower(),
        "is_latest": True,
        "data": None,
    }


def _since(request: Request) -> datetime.datetime | None:
    if "since" not in request.query:
        return None
    return fields.parse({"since": Field(fields.moment)}, request.query, "query")["since"]  # type: ignore[no-any-return]


def _ended_before(node: run_insight_pb2.GraphNode, since: datetime.datetime | None) -> bool:
    return since is not None and node.HasField("ended_at") and _seconds(node.ended_at) < since.timestamp()


def _span(node: run_insight_pb2.GraphNode) -> float:
    if not (node.HasField("started_at") and node.HasField("ended_at")):
        return 0.0
    return max(0.0, _seconds(node.ended_at) - _seconds(node.started_at))


def _seconds(stamp: Timestamp) -> float:
    return stamp.seconds + stamp.nanos / 1e9


ROUTES = (
    Route("POST", "/flow_runs/history", flow_run_history, only_asks=True),
    Route("POST", "/flow_runs/lateness", average_flow_run_lateness, only_asks=True),
    Route("GET", "/flow_runs/{id:uuid}/graph", read_task_run_dependencies),
    Route("GET", "/flow_runs/{id:uuid}/graph-v2", read_flow_run_graph),
    Route("POST", "/task_runs/history", task_run_history, only_asks=True),
)
