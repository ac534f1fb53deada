"""Workspaces do not see each other, and not everybody sees everything."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
from google.protobuf.struct_pb2 import Struct, Value

from headrace.api.v1 import (
    artifact_pb2,
    artifact_pb2_grpc,
    concurrency_pb2,
    concurrency_pb2_grpc,
    flow_pb2,
    flow_pb2_grpc,
    flow_run_pb2,
    flow_run_pb2_grpc,
    state_pb2,
    task_run_pb2,
    task_run_pb2_grpc,
    variable_pb2,
    variable_pb2_grpc,
)
from headrace_harness.recording import a_frame, a_life, attempt_of, record
from headrace_harness.services import RunningService, running_service
from headrace_harness.state import CANCELLED, COMPLETED, RUNNING, StateClient, a_state, new_id
from headrace_harness.tenants import NamedCaller, calling_as, code_of
from headrace_state.wiring import build

ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


@pytest.fixture
async def tenants(database_url: str) -> AsyncIterator[RunningService]:
    """The state service for callers of several workspaces."""
    async with running_service("state", build, database_url, resolver=NamedCaller()) as running:
        yield running


async def test_nothing_of_a_workspace_is_read_or_changed_from_another(tenants: RunningService) -> None:
    async with calling_as(tenants, ONE) as mine, calling_as(tenants, OTHER) as theirs:
        owner = StateClient(mine, tenants.internal_channel)
        created = await owner.running_run(tags=["x"], parameters=Struct(fields={"secret": Value(string_value="s")}))
        run_id, flow_id = created.flow_run.flow_run_id, created.flow_run.flow_id
        attempt = attempt_of(created)
        task_run_id = new_id()
        await record(owner, a_frame([attempt], a_life(task_run_id)[:2]))
        made = await artifact_pb2_grpc.ArtifactServiceStub(mine).CreateArtifact(
            artifact_pb2.CreateArtifactRequest(artifact=artifact_pb2.Artifact(key="k", markdown="m"))
        )
        artifact_id = made.artifact.artifact_id
        await variable_pb2_grpc.VariableServiceStub(mine).SetVariable(
            variable_pb2.SetVariableRequest(name="v", value=Value(number_value=1))
        )
        limits = concurrency_pb2_grpc.ConcurrencyServiceStub(mine)
        await limits.SetConcurrencyLimit(concurrency_pb2.SetConcurrencyLimitRequest(name="l", limit=1))
        lease_id = new_id()
        await limits.AcquireSlots(concurrency_pb2.AcquireSlotsRequest(lease_id=lease_id, names=["l"]))

        stranger = StateClient(theirs, tenants.internal_channel)
        runs, tasks = flow_run_pb2_grpc.FlowRunServiceStub(theirs), task_run_pb2_grpc.TaskRunServiceStub(theirs)
        flows = flow_pb2_grpc.FlowServiceStub(theirs)
        artifacts = artifact_pb2_grpc.ArtifactServiceStub(theirs)
        variables = variable_pb2_grpc.VariableServiceStub(theirs)
        slots = concurrency_pb2_grpc.ConcurrencyServiceStub(theirs)
        not_found = [
            runs.GetFlowRun(flow_run_pb2.GetFlowRunRequest(flow_run_id=run_id)),
            runs.UpdateFlowRun(
                flow_run_pb2.UpdateFlowRunRequest(flow_run=flow_run_pb2.FlowRun(flow_run_id=run_id, name="n"))
            ),
            runs.DeleteFlowRun(flow_run_pb2.DeleteFlowRunRequest(flow_run_id=run_id)),
            runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=run_id)),
            runs.RetryFlowRun(flow_run_pb2.RetryFlowRunRequest(flow_run_id=run_id)),
            runs.ListFlowRunStates(flow_run_pb2.ListFlowRunStatesRequest(flow_run_id=run_id)),
            stranger.propose(run_id, a_state(COMPLETED), attempt.token),
            stranger.propose(run_id, a_state(COMPLETED), force=True),
            stranger.create_run(flow_id=flow_id),
            stranger.create_run(parent_flow_run_id=run_id),
            tasks.GetTaskRun(task_run_pb2.GetTaskRunRequest(task_run_id=task_run_id)),
            tasks.ListTaskRunStates(task_run_pb2.ListTaskRunStatesRequest(task_run_id=task_run_id)),
            flows.GetFlow(flow_pb2.GetFlowRequest(flow_id=flow_id)),
            flows.DeleteFlow(flow_pb2.DeleteFlowRequest(flow_id=flow_id)),
            flows.UpdateFlow(flow_pb2.UpdateFlowRequest(flow=flow_pb2.Flow(flow_id=flow_id, description="d"))),
            artifacts.GetArtifact(artifact_pb2.GetArtifactRequest(artifact_id=artifact_id)),
            artifacts.DeleteArtifact(artifact_pb2.DeleteArtifactRequest(artifact_id=artifact_id)),
            artifacts.UpdateArtifact(
                artifact_pb2.UpdateArtifactRequest(
                    artifact=artifact_pb2.Artifact(artifact_id=artifact_id, markdown="x")
                )
            ),
            variables.GetVariable(variable_pb2.GetVariableRequest(name="v")),
            variables.DeleteVariable(variable_pb2.DeleteVariableRequest(name="v")),
            slots.GetConcurrencyLimit(concurrency_pb2.GetConcurrencyLimitRequest(name="l")),
            slots.DeleteConcurrencyLimit(concurrency_pb2.DeleteConcurrencyLimitRequest(name="l")),
        ]
        assert [await code_of(call) for call in not_found] == [grpc.StatusCode.NOT_FOUND] * len(not_found)
        assert await code_of(stranger.create_run(flow_run_id=run_id)) == grpc.StatusCode.ALREADY_EXISTS
        assert (
            await code_of(slots.RenewSlots(concurrency_pb2.RenewSlotsRequest(lease_id=lease_id)))
            == grpc.StatusCode.FAILED_PRECONDITION
        )

        lost = await record(stranger, a_frame([attempt], a_life(task_run_id)))
        assert [each.flow_run_id for each in lost.lost] == [run_id]
        own = attempt_of(await stranger.running_run(tags=["x"]))
        await record(stranger, a_frame([own], a_life(task_run_id)))
        renewed = await stranger.record.RenewAttempts(task_run_pb2.RenewAttemptsRequest(attempts=[attempt]))
        assert [each.flow_run_id for each in renewed.lost] == [run_id]
        await slots.ReleaseSlots(concurrency_pb2.ReleaseSlotsRequest(lease_id=lease_id))
        await slots.SetConcurrencyLimit(concurrency_pb2.SetConcurrencyLimitRequest(name="l", limit=9))

        listed = await runs.ListFlowRuns(flow_run_pb2.ListFlowRunsRequest())
        assert [run.flow_run_id for run in listed.flow_runs] == [own.flow_run_id]
        batch = await runs.BatchGetFlowRuns(flow_run_pb2.BatchGetFlowRunsRequest(flow_run_ids=[run_id]))
        assert not batch.flow_runs
        assert not (await tasks.ListTaskRuns(task_run_pb2.ListTaskRunsRequest())).task_runs
        assert not (await artifacts.ListArtifacts(artifact_pb2.ListArtifactsRequest())).artifacts
        assert not (await variables.ListVariables(variable_pb2.ListVariablesRequest())).variables

        assert (await owner.get_run(run_id)).state.type == RUNNING
        mine_still = await owner.task_run(task_run_id)
        assert (mine_still.state.type, mine_still.state.version, mine_still.flow_run_id) == (RUNNING, 2, run_id)
        limit = await limits.GetConcurrencyLimit(concurrency_pb2.GetConcurrencyLimitRequest(name="l"))
        assert (limit.limit.limit, limit.limit.active_slots) == (1, 1)
        assert (await owner.propose(run_id, a_state(CANCELLED), attempt.token)).verdict.HasField("accepted")


async def test_who_may_not_see_payloads_sees_runs_without(tenants: RunningService) -> None:
    viewer_of = "PERMISSION_RUNS_VIEW,PERMISSION_RUNS_EDIT"
    async with calling_as(tenants, ONE) as full, calling_as(tenants, ONE, viewer_of) as partial:
        owner, viewer = (
            StateClient(full, tenants.internal_channel),
            StateClient(partial, tenants.internal_channel),
        )
        secret = Struct(fields={"secret": Value(string_value="s")})
        created = await owner.running_run(parameters=secret, context=secret)
        run_id = created.flow_run.flow_run_id
        done = a_state(COMPLETED)
        done.result.CopyFrom(state_pb2.ResultReference(storage_key="k"))
        await owner.propose(run_id, done, created.attempt.token)

        seen, hidden = await owner.get_run(run_id), await viewer.get_run(run_id)
        assert seen.parameters == seen.context == secret
        assert seen.state.result.storage_key == "k"
        assert not hidden.HasField("parameters")
        assert not hidden.HasField("context")
        assert not hidden.state.HasField("result")
        assert hidden.name == seen.name
        [listed] = (await viewer.runs.ListFlowRuns(flow_run_pb2.ListFlowRunsRequest())).flow_runs
        assert listed == hidden
        asked = flow_run_pb2.ListFlowRunsRequest(filter=flow_run_pb2.FlowRunFilter(parameters=secret))
        assert len((await owner.runs.ListFlowRuns(asked)).flow_runs) == 1
        assert await code_of(viewer.runs.ListFlowRuns(asked)) == grpc.StatusCode.PERMISSION_DENIED
        history = await viewer.runs.ListFlowRunStates(flow_run_pb2.ListFlowRunStatesRequest(flow_run_id=run_id))
        assert not any(each.HasField("result") for each in history.states)
        assert (
            await code_of(viewer.runs.DeleteFlowRun(flow_run_pb2.DeleteFlowRunRequest(flow_run_id=run_id)))
            == grpc.StatusCode.PERMISSION_DENIED
        )
