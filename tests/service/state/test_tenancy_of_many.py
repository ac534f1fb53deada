"""What sums up, changes or deletes many things at once keeps to its workspace, and to what its caller may."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest

from headrace.api.v1 import (
    artifact_pb2,
    artifact_pb2_grpc,
    asset_pb2,
    asset_pb2_grpc,
    bulk_operation_pb2,
    bulk_operation_pb2_grpc,
    flow_run_pb2,
    retention_pb2,
    retention_pb2_grpc,
    run_insight_pb2,
    run_insight_pb2_grpc,
    run_note_pb2,
    run_note_pb2_grpc,
)
from headrace_harness.recording import a_frame, a_life, attempt_of, record
from headrace_harness.services import RunningService, running_service
from headrace_harness.state import RUNNING, SCHEDULED, StateClient, new_id
from headrace_harness.tenants import NamedCaller, calling_as, code_of
from headrace_harness.waiting import eventually
from headrace_state.wiring import build

ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
MISSING, DENIED = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED


class Tenant:
    """Calls as somebody of a workspace."""

    def __init__(self, service: RunningService, workspace_id: uuid.UUID, permissions: str = "") -> None:
        self.channel = calling_as(service, workspace_id, permissions)
        self.state = StateClient(self.channel, service.internal_channel)
        self.insight: Any = run_insight_pb2_grpc.RunInsightServiceStub(self.channel)
        self.bulk: Any = bulk_operation_pb2_grpc.BulkOperationServiceStub(self.channel)
        self.notes: Any = run_note_pb2_grpc.RunNoteServiceStub(self.channel)
        self.retention: Any = retention_pb2_grpc.RetentionServiceStub(self.channel)
        self.assets: Any = asset_pb2_grpc.AssetServiceStub(self.channel)
        self.artifacts: Any = artifact_pb2_grpc.ArtifactServiceStub(self.channel)


@pytest.fixture
async def tenants(database_url: str) -> AsyncIterator[RunningService]:
    """The state service for callers of several workspaces."""
    async with running_service("state", build, database_url, resolver=NamedCaller()) as running:
        yield running


async def test_many_things_of_a_workspace_are_not_touched_from_another(tenants: RunningService) -> None:
    one, other = Tenant(tenants, ONE), Tenant(tenants, OTHER)
    running = await one.state.running_run()
    run_id, flow_id = running.flow_run.flow_run_id, running.flow_run.flow_id
    await record(one.state, a_frame([attempt_of(running)], a_life(new_id())))
    theirs = (await other.state.create_run()).flow_run.flow_run_id

    histogram = await other.insight.GetFlowRunHistogram(
        run_insight_pb2.GetFlowRunHistogramRequest(moment=run_insight_pb2.RUN_MOMENT_STARTED)
    )
    assert not any(bucket.counts for bucket in histogram.buckets)
    tasks = await other.insight.GetTaskRunHistogram(run_insight_pb2.GetTaskRunHistogramRequest())
    assert not any(bucket.counts for bucket in tasks.buckets)
    sample = run_insight_pb2.SampleFlowRunsRequest(moment=run_insight_pb2.RUN_MOMENT_STARTED)
    assert len((await one.insight.SampleFlowRuns(sample)).points) == 1
    assert not (await other.insight.SampleFlowRuns(sample)).points
    last = run_insight_pb2.GetLastFlowRunsRequest(flow_ids=[flow_id])
    assert len((await one.insight.GetLastFlowRuns(last)).owners[0].runs) == 1
    assert not (await other.insight.GetLastFlowRuns(last)).owners[0].runs
    graph = run_insight_pb2.GetFlowRunGraphRequest(flow_run_id=run_id)
    assert len((await one.insight.GetFlowRunGraph(graph)).nodes) == 1
    assert await code_of(other.insight.GetFlowRunGraph(graph)) is MISSING

    note = (await one.notes.CreateRunNote(run_note_pb2.CreateRunNoteRequest(flow_run_id=run_id, text="n"))).run_note
    assert not (await other.notes.ListRunNotes(run_note_pb2.ListRunNotesRequest(flow_run_id=run_id))).run_notes
    gone = run_note_pb2.DeleteRunNoteRequest(flow_run_id=run_id, run_note_id=note.run_note_id)
    assert await code_of(other.notes.DeleteRunNote(gone)) is MISSING
    add = run_note_pb2.CreateRunNoteRequest(flow_run_id=run_id, text="n")
    assert await code_of(other.notes.CreateRunNote(add)) is MISSING

    request = bulk_operation_pb2.CreateBulkOperationRequest(
        all_runs=True, action=bulk_operation_pb2.BulkAction(cancel=bulk_operation_pb2.BulkCancel())
    )
    started = (await other.bulk.CreateBulkOperation(request)).bulk_operation
    get = bulk_operation_pb2.GetBulkOperationRequest(bulk_operation_id=started.bulk_operation_id)

    async def has_ended() -> bool:
        return bool((await other.bulk.GetBulkOperation(get)).bulk_operation.HasField("ended_at"))

    await eventually(has_ended, 30)
    assert (await other.bulk.GetBulkOperation(get)).bulk_operation.looked_at_count == 1
    assert (await one.state.get_run(run_id)).state.type == RUNNING
    assert (await other.state.get_run(theirs)).state.type != SCHEDULED
    assert await code_of(one.bulk.GetBulkOperation(get)) is MISSING
    cancel = bulk_operation_pb2.CancelBulkOperationRequest(bulk_operation_id=started.bulk_operation_id)
    assert await code_of(one.bulk.CancelBulkOperation(cancel)) is MISSING
    assert not (await one.bulk.ListBulkOperations(bulk_operation_pb2.ListBulkOperationsRequest())).bulk_operations

    rule = retention_pb2.RetentionRule(kind=retention_pb2.RETENTION_KIND_FLOW_RUN, tag="x", keep_days=1)
    await one.retention.SetRetentionRule(retention_pb2.SetRetentionRuleRequest(rule=rule))
    rules = (await other.retention.GetRetentionRules(retention_pb2.GetRetentionRulesRequest())).rules
    assert not [each for each in rules if each.tag]
    drop = retention_pb2.DeleteRetentionRuleRequest(kind=rule.kind, tag="x")
    assert await code_of(other.retention.DeleteRetentionRule(drop)) is MISSING


async def test_assets_of_a_workspace_are_not_seen_from_another(tenants: RunningService) -> None:
    one, other = Tenant(tenants, ONE), Tenant(tenants, OTHER)
    task_run_id = new_id()
    report = asset_pb2.RecordMaterializationsRequest(
        task_run_id=task_run_id, succeeded=True,
        materializations=[asset_pb2.NewMaterialization(asset=asset_pb2.Asset(key="s3://a/b"))],
    )  # fmt: skip
    [made] = (await one.assets.RecordMaterializations(report)).materializations
    for call in (
        other.assets.GetAsset(asset_pb2.GetAssetRequest(asset_id=made.asset_id)),
        other.assets.GetAssetLineage(asset_pb2.GetAssetLineageRequest(asset_id=made.asset_id)),
        other.assets.DeleteAsset(asset_pb2.DeleteAssetRequest(asset_id=made.asset_id)),
    ):
        assert await code_of(call) is MISSING
    assert not (await other.assets.ListAssets(asset_pb2.ListAssetsRequest())).assets
    assert not (await other.assets.ListMaterializations(asset_pb2.ListMaterializationsRequest())).materializations
    report = asset_pb2.RecordMaterializationsRequest(
        succeeded=True, upstream_task_run_ids=[task_run_id],
        materializations=[asset_pb2.NewMaterialization(asset=asset_pb2.Asset(key="s3://a/b"))],
    )  # fmt: skip
    [theirs] = (await other.assets.RecordMaterializations(report)).materializations
    assert theirs.asset_id != made.asset_id
    lineage = await other.assets.GetAssetLineage(asset_pb2.GetAssetLineageRequest(asset_id=theirs.asset_id))
    assert not lineage.dependencies
    report.materializations[0].materialization_id = made.materialization_id
    assert await code_of(other.assets.RecordMaterializations(report)) is grpc.StatusCode.ALREADY_EXISTS


async def test_many_things_are_refused_to_whom_one_is(tenants: RunningService) -> None:
    owner = Tenant(tenants, ONE)
    run_id = (await owner.state.running_run()).flow_run.flow_run_id
    await owner.artifacts.CreateArtifact(
        artifact_pb2.CreateArtifactRequest(artifact=artifact_pb2.Artifact(key="k", markdown="m", flow_run_id=run_id))
    )
    editor = Tenant(tenants, ONE, "PERMISSION_RUNS_VIEW,PERMISSION_RUNS_EDIT")
    delete = bulk_operation_pb2.CreateBulkOperationRequest(
        all_runs=True, action=bulk_operation_pb2.BulkAction(delete=bulk_operation_pb2.BulkDelete()), dry_run=True
    )
    assert await code_of(editor.bulk.CreateBulkOperation(delete)) is DENIED
    by_parameters = flow_run_pb2.FlowRunFilter(
        parameter_conditions=[flow_run_pb2.ValueCondition(path=["secret"], exists=True)]
    )
    cancel = bulk_operation_pb2.CreateBulkOperationRequest(
        filter=by_parameters, action=bulk_operation_pb2.BulkAction(cancel=bulk_operation_pb2.BulkCancel())
    )
    for call in (
        editor.bulk.CreateBulkOperation(cancel),
        editor.state.runs.ListFlowRuns(flow_run_pb2.ListFlowRunsRequest(filter=by_parameters)),
        editor.insight.GetFlowRunHistogram(run_insight_pb2.GetFlowRunHistogramRequest(filter=by_parameters)),
        editor.insight.SampleFlowRuns(run_insight_pb2.SampleFlowRunsRequest(filter=by_parameters)),
        editor.retention.GetTableSizes(retention_pb2.GetTableSizesRequest()),
        editor.retention.GetRetentionRules(retention_pb2.GetRetentionRulesRequest()),
        editor.assets.ListAssets(asset_pb2.ListAssetsRequest()),
    ):
        assert await code_of(call) is DENIED
    graph = run_insight_pb2.GetFlowRunGraphRequest(flow_run_id=run_id)
    assert len((await owner.insight.GetFlowRunGraph(graph)).artifacts) == 1
    assert not (await editor.insight.GetFlowRunGraph(graph)).artifacts
    started = (await owner.bulk.CreateBulkOperation(cancel)).bulk_operation
    assert started.filter.parameter_conditions
    get = bulk_operation_pb2.GetBulkOperationRequest(bulk_operation_id=started.bulk_operation_id)
    assert not (await editor.bulk.GetBulkOperation(get)).bulk_operation.filter.parameter_conditions
