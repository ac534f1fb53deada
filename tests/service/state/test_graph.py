"""Flow runs as graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import pytest

from headrace.api.v1 import artifact_pb2, artifact_pb2_grpc, run_insight_pb2, run_insight_pb2_grpc, task_run_pb2
from headrace_harness.recording import a_frame, a_life, a_transition, attempt_of, record
from headrace_harness.services import RunningService
from headrace_harness.state import COMPLETED, FAILED, PENDING, RUNNING, StateClient, new_id

if TYPE_CHECKING:
    Insight = run_insight_pb2_grpc.RunInsightServiceAsyncStub
RESULT, WAIT = task_run_pb2.TASK_INPUT_KIND_TASK_RUN, task_run_pb2.TASK_INPUT_KIND_WAIT_FOR


@pytest.fixture
def insight(service: RunningService) -> Insight:
    """The service that draws graphs."""
    stub: Any = run_insight_pb2_grpc.RunInsightServiceStub(service.channel)
    return stub  # type: ignore[no-any-return]


def a_task(
    task_run_id: str, key: str, *parents: tuple[str, task_run_pb2.TaskInputKind.ValueType], last: int = COMPLETED,
    child: str = "",
) -> list[task_run_pb2.TaskRunTransition]:  # fmt: skip
    """Return the life of a task run that takes something from others."""
    life = a_life(task_run_id, last)
    life[0].spec.CopyFrom(
        task_run_pb2.TaskRunSpec(
            task_key=f"flows.{key}",
            dynamic_key=task_run_id,
            name=f"{key}-0",
            child_flow_run_id=child,
            inputs=[task_run_pb2.TaskInput(parameter="x", kind=kind, source=source) for source, kind in parents],
        )
    )
    return life


async def test_a_graph_shows_task_runs_subflows_edges_states_and_artifacts(
    insight: Insight, state: StateClient, service: RunningService
) -> None:
    created = await state.running_run()
    attempt, run_id = attempt_of(created), created.flow_run.flow_run_id
    extract, load, report, call = (new_id() for _ in range(4))
    called = (await state.running_run(name="called", parent_flow_run_id=run_id, parent_task_run_id=call)).flow_run
    beside = (await state.running_run(name="beside", parent_flow_run_id=run_id)).flow_run
    await record(state, a_frame([attempt], [
        *a_task(extract, "extract"),
        *a_task(call, "call", child=called.flow_run_id),
        *a_task(load, "load", (extract, RESULT), (extract, WAIT), last=FAILED),
        *a_task(report, "report", (load, WAIT), (called.flow_run_id, task_run_pb2.TASK_INPUT_KIND_FLOW_RUN),
                ("n", task_run_pb2.TASK_INPUT_KIND_PARAMETER)),
    ]))  # fmt: skip
    artifacts = artifact_pb2_grpc.ArtifactServiceStub(service.channel)
    for owner in (load, ""):
        await artifacts.CreateArtifact(
            artifact_pb2.CreateArtifactRequest(
                artifact=artifact_pb2.Artifact(key=f"of-{owner[:1]}", markdown="m", flow_run_id=run_id,
                                               task_run_id=owner)
            )
        )  # fmt: skip
    graph = await insight.GetFlowRunGraph(run_insight_pb2.GetFlowRunGraphRequest(flow_run_id=run_id))
    assert (graph.flow_run_id, graph.state.type, graph.run_count, graph.truncated) == (run_id, RUNNING, 5, False)
    assert [each.name for each in graph.states] == ["Running"]
    nodes = {node.node_id: node for node in graph.nodes}
    assert set(nodes) == {extract, call, load, report, beside.flow_run_id}
    kinds = {node_id: run_insight_pb2.GraphNodeKind.Name(node.kind)[16:] for node_id, node in nodes.items()}
    assert kinds == {
        extract: "TASK_RUN", load: "TASK_RUN", report: "TASK_RUN", call: "SUBFLOW", beside.flow_run_id: "SUBFLOW",
    }  # fmt: skip
    edges = {node_id: {edge.node_id: edge.waits_only for edge in node.parents} for node_id, node in nodes.items()}
    assert edges[load] == {extract: False}
    assert edges[report] == {load: True, call: False}
    assert edges[extract] == {}
    assert (nodes[load].state_name, nodes[load].label, nodes[load].task_key) == ("Failed", "load-0", "flows.load")
    assert nodes[load].ended_at.seconds - nodes[load].started_at.seconds == 2
    assert nodes[call].child_flow_run_id == called.flow_run_id
    assert {(each.key, each.node_id) for each in graph.artifacts} == {(f"of-{load[:1]}", load), ("of-", "")}


async def test_a_big_graph_is_cut_into_groups(insight: Insight, state: StateClient) -> None:
    created = await state.running_run()
    attempt, run_id = attempt_of(created), created.flow_run.flow_run_id
    first, *mapped, last = (new_id() for _ in range(22))
    await record(state, a_frame([attempt], [
        *a_task(first, "first"),
        *(step for place, each in enumerate(mapped)
          for step in a_task(each, "mapped", (first, RESULT), last=FAILED if place == 3 else COMPLETED)),
        *a_task(last, "last", *((each, RESULT) for each in mapped)),
    ]))  # fmt: skip
    request = run_insight_pb2.GetFlowRunGraphRequest(flow_run_id=run_id, max_nodes=10)
    graph = await insight.GetFlowRunGraph(request)
    assert [node.node_id for node in graph.nodes] == [first, "group:flows.mapped", last]
    assert graph.run_count == 22
    group = graph.nodes[1]
    assert group.kind == run_insight_pb2.GRAPH_NODE_KIND_GROUP
    assert (group.label, group.state_type) == ("mapped", FAILED)
    assert {count.type: count.count for count in group.counts} == {COMPLETED: 19, FAILED: 1}
    assert [edge.node_id for edge in group.parents] == [first]
    assert [edge.node_id for edge in graph.nodes[2].parents] == ["group:flows.mapped"]
    assert group.ended_at.seconds
    request.expanded_task_keys.append("flows.mapped")
    cut = await insight.GetFlowRunGraph(request)
    assert len(cut.nodes) == 10
    assert cut.truncated
    request.max_nodes = 22
    whole = await insight.GetFlowRunGraph(request)
    assert len(whole.nodes) == 22
    assert not whole.truncated


async def test_a_graph_goes_on_from_its_cursor(insight: Insight, state: StateClient) -> None:
    created = await state.running_run()
    attempt, run_id = attempt_of(created), created.flow_run.flow_run_id
    await record(state, a_frame([attempt], a_task(new_id(), "a")))
    request = run_insight_pb2.GetFlowRunGraphRequest(flow_run_id=run_id)
    graph = await insight.GetFlowRunGraph(request)
    second = new_id()
    await record(state, a_frame([attempt], [a_transition(second, PENDING, 1)], sequence=2))
    request.since = graph.cursor
    more = await insight.GetFlowRunGraph(request)
    assert second in {node.node_id for node in more.nodes}
    assert more.run_count == 2
    request.max_nodes = 5
    for wrong in (request, run_insight_pb2.GetFlowRunGraphRequest(flow_run_id=run_id, since="x")):
        with pytest.raises(grpc.aio.AioRpcError, match="since") as caught:
            await insight.GetFlowRunGraph(wrong)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await insight.GetFlowRunGraph(run_insight_pb2.GetFlowRunGraphRequest(flow_run_id=new_id()))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
