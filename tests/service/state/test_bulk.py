"""Changes of many flow runs at once, and notes on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import pytest

from headrace.api.v1 import (
    bulk_operation_pb2,
    bulk_operation_pb2_grpc,
    flow_run_pb2,
    run_note_pb2,
    run_note_pb2_grpc,
    state_pb2,
)
from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace.internal.v1 import state_pb2 as internal
from headrace_chassis.database import Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_harness.services import RunningService
from headrace_harness.state import (
    CANCELLED,
    COMPLETED,
    FAILED,
    RUNNING,
    SCHEDULED,
    StateClient,
    a_state,
    new_id,
    now,
)
from headrace_harness.waiting import eventually
from headrace_state.queries.bulk import PostgresBulkOperations
from headrace_state.rules.bulk import BulkProgress

if TYPE_CHECKING:
    Bulk = bulk_operation_pb2_grpc.BulkOperationServiceAsyncStub
    Notes = run_note_pb2_grpc.RunNoteServiceAsyncStub

DONE = bulk_operation_pb2.BULK_OPERATION_STATUS_COMPLETED
Filter = flow_run_pb2.FlowRunFilter
Action = bulk_operation_pb2.BulkAction


@pytest.fixture
def bulk(service: RunningService) -> Bulk:
    """The service of bulk operations."""
    stub: Any = bulk_operation_pb2_grpc.BulkOperationServiceStub(service.channel)
    return stub  # type: ignore[no-any-return]


@pytest.fixture
def notes(service: RunningService) -> Notes:
    """The service of notes."""
    stub: Any = run_note_pb2_grpc.RunNoteServiceStub(service.channel)
    return stub  # type: ignore[no-any-return]


async def start(bulk: Bulk, action: Action, filter_: Filter | None = None, **fields: Any) -> str:
    """Start an operation and return its id."""
    request = bulk_operation_pb2.CreateBulkOperationRequest(action=action, filter=filter_, **fields)
    return (await bulk.CreateBulkOperation(request)).bulk_operation.bulk_operation_id


async def ended(bulk: Bulk, bulk_operation_id: str) -> bulk_operation_pb2.BulkOperation:
    """Return an operation once it has ended."""

    request = bulk_operation_pb2.GetBulkOperationRequest(bulk_operation_id=bulk_operation_id)

    async def has_ended() -> bool:
        return (await bulk.GetBulkOperation(request)).bulk_operation.HasField("ended_at")

    await eventually(has_ended, 30)
    return (await bulk.GetBulkOperation(request)).bulk_operation


async def test_matching_runs_are_cancelled_and_no_others(bulk: Bulk, state: StateClient) -> None:
    matching = [(await state.create_run(tags=["old"])).flow_run.flow_run_id for _ in range(120)]
    other = (await state.create_run()).flow_run.flow_run_id
    request = bulk_operation_pb2.CreateBulkOperationRequest(
        action=Action(cancel=bulk_operation_pb2.BulkCancel(reason="tidy up")), filter=Filter(tags_all=["old"]),
        dry_run=True,
    )  # fmt: skip
    counted = (await bulk.CreateBulkOperation(request)).bulk_operation
    assert (counted.run_count, counted.bulk_operation_id) == (120, "")
    assert not (await bulk.ListBulkOperations(bulk_operation_pb2.ListBulkOperationsRequest())).bulk_operations
    request.dry_run = False
    request.bulk_operation_id = new_id()
    first = (await bulk.CreateBulkOperation(request)).bulk_operation
    again = (await bulk.CreateBulkOperation(request)).bulk_operation
    assert again.bulk_operation_id == first.bulk_operation_id
    assert again.created_at == first.created_at
    done = await ended(bulk, first.bulk_operation_id)
    assert not done.refusals
    assert (done.status, done.run_count, done.looked_at_count, done.changed_count) == (DONE, 120, 120, 120)
    assert done.action.cancel.reason == "tidy up"
    assert list(done.filter.tags_all) == ["old"]
    for run_id in (matching[0], matching[-1]):
        run = await state.get_run(run_id)
        assert (run.state.type, run.state.message) == (CANCELLED, "tidy up")
    assert (await state.get_run(other)).state.type == SCHEDULED
    listed = await bulk.ListBulkOperations(bulk_operation_pb2.ListBulkOperationsRequest(statuses=[DONE]))
    assert [each.bulk_operation_id for each in listed.bulk_operations] == [first.bulk_operation_id]


async def test_what_the_rules_refuse_is_told(bulk: Bulk, state: StateClient) -> None:
    running = await state.running_run(tags=["x"])
    failed_id = new_id()
    scheduled = internal.ScheduledRun(
        flow_run_id=failed_id, flow_name="etl", tags=["x"], deployment_id=new_id(), scheduled_at=now()
    )
    await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=[scheduled]))
    started = await state.propose(failed_id, a_state(RUNNING))
    await state.propose(failed_id, a_state(FAILED), started.attempt.token)
    action = Action(retry=bulk_operation_pb2.BulkRetry())
    done = await ended(bulk, await start(bulk, action, Filter(tags_any=["x"])))
    assert (done.looked_at_count, done.changed_count, done.refused_count) == (2, 1, 1)
    assert [(each.flow_run_id, each.code) for each in done.refusals] == [(running.flow_run.flow_run_id, "NOT_FINAL")]
    assert (await state.get_run(failed_id)).state.name == "AwaitingRetry"


async def test_states_are_set_tags_changed_and_runs_deleted(bulk: Bulk, state: StateClient) -> None:
    runs = [(await state.create_run(tags=["a", "b"], name=f"r{n}")).flow_run.flow_run_id for n in range(3)]
    everything = Filter(name_contains="r")
    tags = Action(change_tags=bulk_operation_pb2.BulkChangeTags(add=["c", "a"], remove=["b"]))
    await ended(bulk, await start(bulk, tags, everything))
    assert list((await state.get_run(runs[0])).tags) == ["a", "c"]
    set_state = bulk_operation_pb2.BulkSetState(
        type=state_pb2.STATE_TYPE_COMPLETED, name="Skipped", message="by hand", force=True
    )
    done = await ended(bulk, await start(bulk, Action(set_state=set_state), Filter(names=["r1"])))
    assert done.changed_count == 1
    run = await state.get_run(runs[1])
    assert (run.state.type, run.state.name, run.state.message) == (COMPLETED, "Skipped", "by hand")
    delete = Action(delete=bulk_operation_pb2.BulkDelete())
    done = await ended(bulk, await start(bulk, delete, all_runs=True))
    assert done.changed_count == 3
    for run_id in runs:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await state.get_run(run_id)
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_tags_of_a_run_that_is_executed_are_changed(bulk: Bulk, state: StateClient) -> None:
    run_id = (await state.running_run(tags=["a"])).flow_run.flow_run_id
    tags = Action(change_tags=bulk_operation_pb2.BulkChangeTags(add=["b"]))
    await ended(bulk, await start(bulk, tags, Filter(flow_run_ids=[run_id])))
    run = await state.get_run(run_id)
    assert (list(run.tags), run.state.type) == (["a", "b"], RUNNING)


@pytest.mark.parametrize(
    "request_",
    [
        bulk_operation_pb2.CreateBulkOperationRequest(action=Action(cancel=bulk_operation_pb2.BulkCancel())),
        bulk_operation_pb2.CreateBulkOperationRequest(all_runs=True),
        bulk_operation_pb2.CreateBulkOperationRequest(all_runs=True, action=Action()),
        bulk_operation_pb2.CreateBulkOperationRequest(
            all_runs=True, action=Action(change_tags=bulk_operation_pb2.BulkChangeTags())
        ),
        bulk_operation_pb2.CreateBulkOperationRequest(
            all_runs=True, action=Action(set_state=bulk_operation_pb2.BulkSetState())
        ),
        bulk_operation_pb2.CreateBulkOperationRequest(
            all_runs=True,
            action=Action(retry=bulk_operation_pb2.BulkRetry(scope=flow_run_pb2.RETRY_SCOPE_FROM_TASK)),
        ),
    ],
)
async def test_a_bulk_operation_says_on_what_it_does_what(
    bulk: Bulk, request_: bulk_operation_pb2.CreateBulkOperationRequest
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await bulk.CreateBulkOperation(request_)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_an_operation_is_watched_to_its_end(bulk: Bulk, state: StateClient) -> None:
    for _ in range(2):
        await state.create_run(tags=["watched"])
    action = Action(cancel=bulk_operation_pb2.BulkCancel())
    operation_id = await start(bulk, action, Filter(tags_any=["watched"]))
    request = bulk_operation_pb2.WatchBulkOperationRequest(bulk_operation_id=operation_id)
    told = [answer.bulk_operation async for answer in bulk.WatchBulkOperation(request)]
    assert told[0].bulk_operation_id == operation_id
    assert (told[-1].status, told[-1].looked_at_count, told[-1].changed_count) == (DONE, 2, 2)
    # What has ended is told, and so is the stream's end.
    assert [answer.bulk_operation async for answer in bulk.WatchBulkOperation(request)] == [told[-1]]
    request.bulk_operation_id = new_id()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in bulk.WatchBulkOperation(request):
            pass
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_cancelled_operation_goes_no_further(bulk: Bulk, database: Database, state: StateClient) -> None:
    await state.create_run(tags=["x"])
    action = Action(cancel=bulk_operation_pb2.BulkCancel())
    operation_id = await start(bulk, action, Filter(tags_any=["x"]))
    first = await ended(bulk, operation_id)
    request = bulk_operation_pb2.CancelBulkOperationRequest(bulk_operation_id=operation_id)
    assert (await bulk.CancelBulkOperation(request)).bulk_operation == first
    async with database.connection() as connection:
        await connection.execute("update bulk_operation set status = 'CANCELLED', looked_at_count = 0")
        row = await connection.fetchrow("select * from bulk_operation")
    operations = PostgresBulkOperations(database, Outbox(database, Wakeups(None)), Wakeups(None))
    assert row is not None
    assert not await operations.advance(row, BulkProgress(None, 7, ()))
    found = await operations.load(DEFAULT_WORKSPACE_ID, row["bulk_operation_id"])
    assert found is not None
    assert (found["status"], found["looked_at_count"]) == ("CANCELLED", 0)
    request.bulk_operation_id = new_id()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await bulk.CancelBulkOperation(request)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_an_operation_that_cannot_be_read_stands_in_nobodys_way(
    bulk: Bulk, database: Database, state: StateClient
) -> None:
    run_id = (await state.create_run()).flow_run.flow_run_id
    unknown = new_id()
    async with database.connection() as connection:
        await connection.execute(
            "insert into bulk_operation (bulk_operation_id, workspace_id, action, filter, updated_at)"
            " values ($1, $2, $3, $4, '-infinity')",
            unknown,
            DEFAULT_WORKSPACE_ID,
            {"kind": "delete"},
            {"from_the_future": ["x"]},
        )
    action = Action(cancel=bulk_operation_pb2.BulkCancel())
    assert (await ended(bulk, await start(bulk, action, all_runs=True))).changed_count == 1
    async with database.connection() as connection:
        row = await connection.fetchrow(
            "select status, changed_count from bulk_operation where bulk_operation_id = $1", unknown
        )
    assert row is not None
    assert tuple(row) == ("CANCELLED", 0)
    assert (await state.get_run(run_id)).state.type == CANCELLED


async def test_notes_are_added_listed_and_deleted(notes: Notes, state: StateClient) -> None:
    run_id = (await state.running_run()).flow_run.flow_run_id
    texts = [f"note {number}" for number in range(3)]
    for text in texts:
        await notes.CreateRunNote(run_note_pb2.CreateRunNoteRequest(flow_run_id=run_id, text=text))
    found: list[run_note_pb2.RunNote] = []
    token = ""
    while True:
        page = await notes.ListRunNotes(
            run_note_pb2.ListRunNotesRequest(flow_run_id=run_id, page_size=2, page_token=token)
        )
        found += page.run_notes
        token = page.next_page_token
        if not token:
            break
    assert [note.text for note in found] == texts
    assert found[0].author.kind == state_pb2.CREATOR_KIND_USER
    gone = run_note_pb2.DeleteRunNoteRequest(flow_run_id=run_id, run_note_id=found[1].run_note_id)
    await notes.DeleteRunNote(gone)
    left = await notes.ListRunNotes(run_note_pb2.ListRunNotesRequest(flow_run_id=run_id))
    assert [note.text for note in left.run_notes] == ["note 0", "note 2"]
    for missing in (
        notes.DeleteRunNote(gone),
        notes.CreateRunNote(run_note_pb2.CreateRunNoteRequest(flow_run_id=new_id(), text="x")),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await missing
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND
