"""What sums up, changes and keeps many runs: the same over gRPC and over HTTP, in every topology."""

from __future__ import annotations

import uuid

import pytest
from google.protobuf import json_format

from headrace.api.v1 import run_insight_pb2, run_insight_pb2_grpc
from headrace_harness.builders import a_run
from headrace_harness.stack import Stack
from headrace_harness.waiting import eventually


@pytest.fixture
def flow_name() -> str:
    return f"flow {uuid.uuid4().hex}"


async def test_runs_are_summed_up_over_http(stack: Stack, flow_name: str) -> None:
    made = [await a_run().of(flow_name).build(stack) for _ in range(3)]
    body = {"filter": {"flow_names": [flow_name]}, "bucket_count": 4, "span": {"until": "2100-01-01T00:00:00Z"}}
    body["span"] = {"from": "2000-01-01T00:00:00Z", **body["span"]}  # type: ignore[dict-item]
    histogram = (await stack.http.post("/v1/flow-runs:histogram", json=body)).json()
    counts = [count for bucket in histogram["buckets"] for count in bucket["counts"]]
    assert [(count["type"], count["count"]) for count in counts] == [("STATE_TYPE_SCHEDULED", "3")]
    last = (await stack.http.post("/v1/flow-runs:last", json={"flow_ids": [made[0].flow_id]})).json()
    assert last["owners"][0]["next"]["flow_name"] == flow_name
    for route in ("sample", "lateness"):
        answer = await stack.http.post(f"/v1/flow-runs:{route}", json={"filter": {"flow_names": [flow_name]}})
        assert answer.status_code == 200, route

    graph = await stack.http.get(f"/v1/flow-runs/{made[0].flow_run_id}/graph")
    over_http = json_format.ParseDict(graph.json(), run_insight_pb2.GetFlowRunGraphResponse())
    insight = stack.stub(run_insight_pb2_grpc.RunInsightServiceStub)
    over_grpc = await insight.GetFlowRunGraph(run_insight_pb2.GetFlowRunGraphRequest(flow_run_id=made[0].flow_run_id))
    over_http.cursor = over_grpc.cursor
    assert over_http == over_grpc


async def test_runs_are_changed_in_bulk_over_http(stack: Stack, flow_name: str) -> None:
    made = await a_run().of(flow_name).build(stack)
    request = {"filter": {"flow_names": [flow_name]}, "action": {"cancel": {"reason": "enough"}}}
    counted = (await stack.http.post("/v1/bulk-operations", json={**request, "dry_run": True})).json()
    assert counted["bulk_operation"]["run_count"] == "1"
    started = (await stack.http.post("/v1/bulk-operations", json=request)).json()["bulk_operation"]

    async def is_done() -> bool:
        answer = await stack.http.get(f"/v1/bulk-operations/{started['bulk_operation_id']}")
        return bool(answer.json()["bulk_operation"]["status"] == "BULK_OPERATION_STATUS_COMPLETED")

    await eventually(is_done, 60)
    run = (await stack.http.get(f"/v1/flow-runs/{made.flow_run_id}")).json()["flow_run"]
    assert (run["state"]["name"], run["state"]["message"]) == ("Cancelled", "enough")


async def test_notes_assets_and_retention_are_reached_over_http(stack: Stack, flow_name: str) -> None:
    made = await a_run().of(flow_name).build(stack)
    notes = f"/v1/flow-runs/{made.flow_run_id}/notes"
    note = (await stack.http.post(notes, json={"text": "look"})).json()["run_note"]
    assert [each["text"] for each in (await stack.http.get(notes)).json()["run_notes"]] == ["look"]
    assert (await stack.http.delete(f"{notes}/{note['run_note_id']}")).status_code == 200

    key = f"s3://lake/{uuid.uuid4().hex}"
    report = {
        "succeeded": True,
        "materializations": [{"asset": {"key": key}}],
        "upstream_assets": [{"key": f"{key}/up"}],
    }
    made_assets = (await stack.http.post("/v1/asset-materializations:record", json=report)).json()
    asset_id = made_assets["materializations"][0]["asset_id"]
    lineage = (await stack.http.get(f"/v1/assets/{asset_id}/lineage")).json()
    assert {asset["key"] for asset in lineage["assets"]} == {key, f"{key}/up"}
    found = (await stack.http.get("/v1/assets", params={"filter.key_prefix": key})).json()
    assert len(found["assets"]) == 2

    rule = {"rule": {"kind": "RETENTION_KIND_FLOW_RUN", "tag": flow_name, "keep_days": 400}}
    assert (await stack.http.put("/v1/retention-rules", json=rule)).status_code == 200
    rules = (await stack.http.get("/v1/retention-rules")).json()["rules"]
    assert [each["keep_days"] for each in rules if each.get("tag") == flow_name] == [400]
    gone = {"kind": "RETENTION_KIND_FLOW_RUN", "tag": flow_name}
    assert (await stack.http.delete("/v1/retention-rules", params=gone)).status_code == 200
    sizes = (await stack.http.get("/v1/table-sizes")).json()
    assert "flow_run" in {size["table"] for size in sizes["tables"]}
