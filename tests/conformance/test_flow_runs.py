"""Flow runs over gRPC and over HTTP: the same runs, the same fields, the same refusals."""

from __future__ import annotations

import uuid

import grpc.aio
import pytest
from google.protobuf import json_format

from headrace import errors
from headrace.api.v1 import flow_run_pb2, flow_run_pb2_grpc, state_pb2
from headrace.ids import uuid7
from headrace.rpc.status import from_rpc_error
from headrace_harness.builders import a_run
from headrace_harness.stack import Stack


@pytest.fixture
def flow_name() -> str:
    return f"flow {uuid.uuid4().hex}"


async def test_a_run_made_over_grpc_is_found_over_http(stack: Stack, flow_name: str) -> None:
    made = await a_run().of(flow_name).named("first").tagged("a", "b").given(answer=42).build(stack)
    answer = await stack.http.get(f"/v1/flow-runs/{made.flow_run_id}")
    assert answer.status_code == 200
    found = json_format.ParseDict(answer.json()["flow_run"], flow_run_pb2.FlowRun())
    assert found == made


async def test_a_run_made_over_http_is_found_over_grpc(stack: Stack, flow_name: str) -> None:
    answer = await stack.http.post("/v1/flow-runs", json={"flow_name": flow_name, "parameters": {"answer": 42}})
    assert answer.status_code == 200
    made = json_format.ParseDict(answer.json()["flow_run"], flow_run_pb2.FlowRun())
    runs = stack.stub(flow_run_pb2_grpc.FlowRunServiceStub)
    found = await runs.GetFlowRun(flow_run_pb2.GetFlowRunRequest(flow_run_id=made.flow_run_id))
    assert found.flow_run == made
    assert made.state.type == state_pb2.STATE_TYPE_SCHEDULED


async def test_the_same_request_again_makes_no_second_run(stack: Stack, flow_name: str) -> None:
    request = {"flow_name": flow_name, "flow_run_id": str(uuid7())}
    first = (await stack.http.post("/v1/flow-runs", json=request)).json()
    second = (await stack.http.post("/v1/flow-runs", json=request)).json()
    assert (first["created"], second["created"]) == (True, False)
    assert first["flow_run"]["flow_run_id"] == second["flow_run"]["flow_run_id"] == request["flow_run_id"]


async def test_lists_have_the_same_runs_in_the_same_order(stack: Stack, flow_name: str) -> None:
    made = [await a_run().of(flow_name).build(stack) for _ in range(5)]
    runs = stack.stub(flow_run_pb2_grpc.FlowRunServiceStub)
    filtered = flow_run_pb2.FlowRunFilter(flow_names=[flow_name])
    over_grpc, token = [], ""
    while True:
        page = await runs.ListFlowRuns(flow_run_pb2.ListFlowRunsRequest(filter=filtered, page_size=2, page_token=token))
        over_grpc += [run.flow_run_id for run in page.flow_runs]
        token = page.next_page_token
        if not token:
            break
    answer = await stack.http.post("/v1/flow-runs:search", json={"filter": {"flow_names": [flow_name]}})
    over_http = [run["flow_run_id"] for run in answer.json()["flow_runs"]]
    assert over_grpc == over_http == [run.flow_run_id for run in reversed(made)]


async def test_a_run_goes_from_running_to_its_end(stack: Stack, flow_name: str) -> None:
    run = await a_run().of(flow_name).completed().build(stack)
    assert run.state.type == state_pb2.STATE_TYPE_COMPLETED
    answer = await stack.http.get(f"/v1/flow-runs/{run.flow_run_id}/states")
    types = [state["type"] for state in answer.json()["states"]]
    assert types == ["STATE_TYPE_RUNNING", "STATE_TYPE_COMPLETED"]


async def test_a_run_that_is_not_there_is_not_found_on_either_way(stack: Stack) -> None:
    nowhere = str(uuid7())
    runs = stack.stub(flow_run_pb2_grpc.FlowRunServiceStub)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await runs.GetFlowRun(flow_run_pb2.GetFlowRunRequest(flow_run_id=nowhere))
    error = from_rpc_error(caught.value)
    assert isinstance(error, errors.NotFound)
    answer = await stack.http.get(f"/v1/flow-runs/{nowhere}")
    assert answer.status_code == 404
    assert answer.json()["message"] == error.message
    assert answer.json()["details"][0]["reason"] == error.reason


async def test_a_request_that_is_wrong_names_its_fields_on_either_way(stack: Stack) -> None:
    runs = stack.stub(flow_run_pb2_grpc.FlowRunServiceStub)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await runs.CreateFlowRun(flow_run_pb2.CreateFlowRunRequest(flow_name="x", flow_run_id="not an id"))
    error = from_rpc_error(caught.value)
    assert isinstance(error, errors.InvalidArgument)
    assert [violation.field for violation in error.violations] == ["flow_run_id"]
    answer = await stack.http.post("/v1/flow-runs", json={"flow_name": "x", "flow_run_id": "not an id"})
    assert answer.status_code == 400
    fields = [
        violation["field"] for detail in answer.json()["details"] for violation in detail.get("field_violations", ())
    ]
    assert fields == ["flow_run_id"]


async def test_a_workspace_does_not_see_the_runs_of_another(stack: Stack, flow_name: str) -> None:
    handle = f"w{uuid.uuid4().hex}"
    made = await stack.http.post("/v1/workspaces", json={"handle": handle})
    assert made.status_code == 200
    run = await a_run().of(flow_name).build(stack)
    elsewhere = {"headrace-workspace": handle}
    answer = await stack.http.get(f"/v1/flow-runs/{run.flow_run_id}", headers=elsewhere)
    assert answer.status_code == 404
    found = await stack.http.post(
        "/v1/flow-runs:search", json={"filter": {"flow_names": [flow_name]}}, headers=elsewhere
    )
    assert found.json()["flow_runs"] == []
    nowhere = await stack.http.get(f"/v1/flow-runs/{run.flow_run_id}", headers={"headrace-workspace": "nowhere"})
    assert nowhere.status_code == 404
    assert nowhere.json()["details"][0]["reason"] == "WORKSPACE_NOT_FOUND"
