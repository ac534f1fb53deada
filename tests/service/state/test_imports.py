"""Runs that ended on another server."""

from __future__ import annotations

import uuid
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from headrace.api.v1 import (
    artifact_pb2,
    artifact_pb2_grpc,
    flow_pb2,
    flow_pb2_grpc,
    flow_run_pb2,
    run_import_pb2,
    run_import_pb2_grpc,
    state_pb2,
    task_run_pb2,
)
from headrace_chassis.database import Database
from headrace_harness.services import RunningService
from headrace_harness.state import StateClient, new_id

CREATED = run_import_pb2.IMPORT_RESULT_CREATED
BEFORE = run_import_pb2.IMPORT_RESULT_THERE_BEFORE
CONFLICT = run_import_pb2.IMPORT_RESULT_CONFLICT
LONG_AGO = 1_700_000_000


@pytest.fixture
def imports(service: RunningService) -> Any:
    """A client of the service that takes history."""
    return run_import_pb2_grpc.RunImportServiceStub(service.channel)


@pytest.fixture
async def flow_id(service: RunningService) -> str:
    """A flow."""
    flows: Any = flow_pb2_grpc.FlowServiceStub(service.channel)
    made = await flows.CreateFlow(flow_pb2.CreateFlowRequest(name="etl"))
    return str(made.flow.flow_id)


def an_old_id() -> str:
    """Return an id of the time when the runs were made."""
    drawn = uuid.uuid4().int & ((1 << 80) - 1)
    return str(uuid.UUID(int=(LONG_AGO * 1000) << 80 | drawn & ~(0xF << 76) | 0x7 << 76))


def at(seconds: int) -> Timestamp:
    """Return a time that is long past."""
    return Timestamp(seconds=LONG_AGO + seconds, nanos=123_456_000)


def a_history(*types: state_pb2.StateType.ValueType) -> list[state_pb2.State]:
    """Return states, a second between each."""
    return [
        state_pb2.State(state_id=new_id(), type=each, message=f"{place}", occurred_at=at(place))
        for place, each in enumerate(types)
    ]


PENDING_TO_FAILED = (state_pb2.STATE_TYPE_PENDING, state_pb2.STATE_TYPE_RUNNING, state_pb2.STATE_TYPE_FAILED)


def a_past_run(flow_id: str, **fields: Any) -> run_import_pb2.ImportedFlowRun:
    """Return a flow run that failed long ago."""
    states = a_history(*PENDING_TO_FAILED)
    parameters = Struct()
    parameters.update({"n": 1})
    run = flow_run_pb2.FlowRun(
        flow_run_id=an_old_id(),
        flow_id=flow_id,
        name="red-fox",
        state=states[-1],
        parameters=parameters,
        tags=["prod"],
        run_count=1,
        attempt=1,
        created_at=at(0),
        updated_at=at(2),
        expected_start_at=at(0),
        started_at=at(1),
        ended_at=at(2),
        total_run_time=Duration(seconds=1),
        creator=state_pb2.Creator(kind=state_pb2.CREATOR_KIND_SCHEDULE, creator_id=new_id(), display_name="cron"),
    )
    run.MergeFrom(flow_run_pb2.FlowRun(**fields))
    return run_import_pb2.ImportedFlowRun(flow_run=run, states=states)


async def test_a_run_of_the_past_is_what_it_was(
    imports: Any, state: StateClient, flow_id: str, database: Database
) -> None:
    past = a_past_run(flow_id)
    request = run_import_pb2.ImportRunsRequest(flow_runs=[past])
    assert list((await imports.ImportRuns(request)).flow_runs) == [CREATED]

    found = await state.get_run(past.flow_run.flow_run_id)
    for field, value in past.flow_run.ListFields():
        if field.name != "state":
            assert getattr(found, field.name) == value, field.name
    assert found.flow_name == "etl"
    assert found.root_flow_run_id == found.flow_run_id
    listed = await state.runs.ListFlowRunStates(flow_run_pb2.ListFlowRunStatesRequest(flow_run_id=found.flow_run_id))
    assert [(each.state_id, each.message, each.occurred_at) for each in listed.states] == [
        (each.state_id, each.message, each.occurred_at) for each in past.states
    ]
    assert [each.version for each in listed.states] == [1, 2, 3]

    # What happened elsewhere is told to nobody here, and waits for nothing.
    async with database.connection() as connection:
        assert await connection.fetchval("select count(*) from outbox") == 0
        assert await connection.fetchval("select count(*) from due_run") == 0

    assert list((await imports.ImportRuns(request)).flow_runs) == [BEFORE]
    assert await state.get_run(past.flow_run.flow_run_id) == found


async def test_subflows_find_their_parents_of_the_same_call(imports: Any, state: StateClient, flow_id: str) -> None:
    top = a_past_run(flow_id)
    middle = a_past_run(flow_id, parent_flow_run_id=top.flow_run.flow_run_id, parent_task_run_id=new_id())
    bottom = a_past_run(flow_id, parent_flow_run_id=middle.flow_run.flow_run_id)
    lonely = a_past_run(flow_id, parent_flow_run_id=new_id())
    await imports.ImportRuns(run_import_pb2.ImportRunsRequest(flow_runs=[top, middle]))
    await imports.ImportRuns(run_import_pb2.ImportRunsRequest(flow_runs=[bottom, lonely]))
    for run in (middle, bottom):
        assert (await state.get_run(run.flow_run.flow_run_id)).root_flow_run_id == top.flow_run.flow_run_id
    found = await state.get_run(lonely.flow_run.flow_run_id)
    assert found.parent_flow_run_id == ""
    assert found.root_flow_run_id == found.flow_run_id


async def test_task_runs_may_come_before_their_flow_run(imports: Any, state: StateClient, flow_id: str) -> None:
    past = a_past_run(flow_id)
    states = a_history(*PENDING_TO_FAILED)
    task = task_run_pb2.TaskRun(
        task_run_id=an_old_id(),
        flow_run_id=past.flow_run.flow_run_id,
        task_key="t",
        dynamic_key="0",
        name="t-0",
        state=states[-1],
        inputs=[task_run_pb2.TaskInput(parameter="n", kind=task_run_pb2.TASK_INPUT_KIND_CONSTANT, source="int")],
        retry_policy=task_run_pb2.TaskRetryPolicy(retries=1, delay_seconds=[2.0]),
        run_count=1,
        created_at=at(0),
        updated_at=at(2),
        started_at=at(1),
        ended_at=at(2),
        total_run_time=Duration(seconds=1),
    )
    first = run_import_pb2.ImportRunsRequest(task_runs=[run_import_pb2.ImportedTaskRun(task_run=task, states=states)])
    assert list((await imports.ImportRuns(first)).task_runs) == [CREATED]
    await imports.ImportRuns(run_import_pb2.ImportRunsRequest(flow_runs=[past]))
    [found] = await state.task_runs_of(past.flow_run.flow_run_id)
    for field, value in task.ListFields():
        if field.name != "state":
            assert getattr(found, field.name) == value, field.name
    assert list((await imports.ImportRuns(first)).task_runs) == [BEFORE]


async def test_the_newest_artifact_of_a_key_is_the_latest(imports: Any, service: RunningService) -> None:
    artifacts: Any = artifact_pb2_grpc.ArtifactServiceStub(service.channel)
    here = (
        await artifacts.CreateArtifact(
            artifact_pb2.CreateArtifactRequest(artifact=artifact_pb2.Artifact(key="a", markdown="now"))
        )
    ).artifact
    older, newer = (
        artifact_pb2.Artifact(
            artifact_id=new_id(), key=key, markdown=str(place), created_at=at(place), updated_at=at(9)
        )
        for place, key in enumerate("ab")
    )
    image = artifact_pb2.Artifact(
        artifact_id=new_id(),
        image=artifact_pb2.ImageContent(data=b"\x89PNG\x00", media_type="image/png"),
        created_at=at(1),
    )
    request = run_import_pb2.ImportRunsRequest(artifacts=[older, newer, image])
    assert list((await imports.ImportRuns(request)).artifacts) == [CREATED] * 3
    assert list((await imports.ImportRuns(request)).artifacts) == [BEFORE] * 3

    async def found(artifact_id: str) -> artifact_pb2.Artifact:
        got = await artifacts.GetArtifact(artifact_pb2.GetArtifactRequest(artifact_id=artifact_id))
        made: artifact_pb2.Artifact = got.artifact
        return made

    assert (await found(here.artifact_id)).latest
    assert not (await found(older.artifact_id)).latest
    assert (await found(newer.artifact_id)).latest
    assert (await found(newer.artifact_id)).created_at == at(1)
    assert (await found(image.artifact_id)).image.data == b"\x89PNG\x00"


async def test_a_key_that_another_run_has_is_a_conflict(imports: Any, flow_id: str) -> None:
    first, second = (a_past_run(flow_id, idempotency_key="once") for _ in range(2))
    assert list((await imports.ImportRuns(run_import_pb2.ImportRunsRequest(flow_runs=[first]))).flow_runs) == [CREATED]
    third = a_past_run(flow_id)
    results = await imports.ImportRuns(run_import_pb2.ImportRunsRequest(flow_runs=[second, third, first, third]))
    assert list(results.flow_runs) == [CONFLICT, CREATED, BEFORE, BEFORE]


async def test_what_is_not_over_or_has_no_flow_is_refused_with_all_of_its_call(
    imports: Any, state: StateClient, flow_id: str
) -> None:
    fine, running = a_past_run(flow_id), a_past_run(flow_id)
    del running.states[-1]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await imports.ImportRuns(run_import_pb2.ImportRunsRequest(flow_runs=[fine, running]))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    young = a_past_run(flow_id, flow_run_id=new_id())
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await imports.ImportRuns(run_import_pb2.ImportRunsRequest(flow_runs=[fine, young]))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await imports.ImportRuns(run_import_pb2.ImportRunsRequest(flow_runs=[fine, a_past_run(new_id())]))
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await state.get_run(fine.flow_run.flow_run_id)
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
