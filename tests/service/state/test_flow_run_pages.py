"""Pages of flow runs, of which those are read again that have changed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.struct_pb2 import Struct

from headrace.api.v1 import flow_run_pb2
from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace_chassis.database import Database
from headrace_chassis.pages import Page
from headrace_harness.state import SCHEDULED, StateClient, a_state, new_id
from headrace_state.queries.flow_run_reads import PostgresFlowRunReads
from headrace_state.repository.flow_runs import Version
from headrace_state.rules.filters import FlowRunFilter
from headrace_state.rules.rows import Row
from headrace_state.servicers.flow_run_pages import FlowRunPages


class CountingReads(PostgresFlowRunReads):
    """Reads of flow runs that note of which runs whole rows were read."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.read: list[str] = []

    async def load_versions(
        self, workspace_id: uuid.UUID, chosen: FlowRunFilter, flow_run_ids: Sequence[uuid.UUID], *, with_payloads: bool
    ) -> list[tuple[Version, Row]]:
        """Return what they ask for, and note it."""
        self.read += map(str, flow_run_ids)
        return await super().load_versions(workspace_id, chosen, flow_run_ids, with_payloads=with_payloads)

    def taken(self) -> list[str]:
        """Return the runs that were read since the last time."""
        read, self.read = self.read, []
        return sorted(read)


@pytest.fixture
def reads(database: Database) -> CountingReads:
    """Reads that count."""
    return CountingReads(database)


async def listed(
    pages: FlowRunPages,
    chosen: FlowRunFilter = FlowRunFilter(),  # noqa: B008 # it does not change
    *,
    order: str = "ID_ASC",
    limit: int = 50,
    with_payloads: bool = True,
) -> list[flow_run_pb2.FlowRun]:
    """Return the runs of a page."""
    page = Page(limit, None, b"question")
    response = await pages.page(DEFAULT_WORKSPACE_ID, chosen, order, page, with_payloads=with_payloads)
    assert bool(response.next_page_token) is (len(response.flow_runs) == limit)
    return list(response.flow_runs)


async def some_runs(state: StateClient, number: int = 3) -> list[str]:
    """Return runs that are held for as long as the test takes."""
    given = Struct()
    given.update({"n": 1})
    return [
        (await state.running_run(name=f"run {place}", parameters=given, own_token=new_id())).flow_run.flow_run_id
        for place in range(number)
    ]


async def test_runs_are_read_again_only_once_they_have_changed(state: StateClient, reads: CountingReads) -> None:
    pages = FlowRunPages(reads)
    ids = sorted(await some_runs(state))
    first = await listed(pages)
    assert [run.flow_run_id for run in first] == ids
    assert reads.taken() == ids
    assert first == [await state.get_run(each) for each in ids]
    assert await listed(pages) == first
    assert await listed(pages, order="STARTED_DESC") == first[::-1]
    assert await listed(pages, FlowRunFilter(names=("run 1",))) == [run for run in first if run.name == "run 1"]
    assert reads.taken() == []

    renamed = flow_run_pb2.FlowRun(flow_run_id=ids[0], name="other", notes="n")
    mask = FieldMask(paths=["name", "notes"])
    await state.runs.UpdateFlowRun(flow_run_pb2.UpdateFlowRunRequest(flow_run=renamed, update_mask=mask))
    second = await listed(pages)
    assert (second[0].name, second[0].notes, second[1:]) == ("other", "n", first[1:])
    assert reads.taken() == [ids[0]]


async def test_parameters_are_part_of_what_a_version_names(state: StateClient, reads: CountingReads) -> None:
    pages = FlowRunPages(reads)
    waiting = (await state.create_run(state=a_state(SCHEDULED))).flow_run
    [before] = await listed(pages)
    changed = flow_run_pb2.FlowRun(flow_run_id=waiting.flow_run_id)
    changed.parameters.update({"n": 2})
    mask = FieldMask(paths=["parameters"])
    await state.runs.UpdateFlowRun(flow_run_pb2.UpdateFlowRunRequest(flow_run=changed, update_mask=mask))
    [after] = await listed(pages)
    assert ("n" in before.parameters, after.parameters["n"]) == (False, 2)


async def test_who_may_not_see_parameters_is_not_shown_what_others_were(
    state: StateClient, reads: CountingReads
) -> None:
    pages = FlowRunPages(reads)
    [flow_run_id] = await some_runs(state, 1)
    for with_payloads in (True, False, True, False):
        [run] = await listed(pages, with_payloads=with_payloads)
        assert run.HasField("parameters") is with_payloads
    assert reads.taken() == [flow_run_id, flow_run_id]


async def test_what_was_listed_longest_ago_goes_first(state: StateClient, reads: CountingReads) -> None:
    ids = sorted(await some_runs(state))
    packed = [len(run.SerializeToString()) + 3 for run in await listed(FlowRunPages(reads))]
    pages = FlowRunPages(reads, most_kept_bytes=sum(packed) - 1)
    reads.taken()
    for name in ("run 0", "run 1", "run 2", "run 2", "run 0"):
        await listed(pages, FlowRunFilter(names=(name,)))
    assert reads.taken() == sorted([*ids, ids[0]])


async def test_a_run_that_passes_no_more_once_it_is_read_is_left_out(
    state: StateClient, reads: CountingReads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It changes between being found and being read."""
    pages = FlowRunPages(reads)
    held = await state.running_run(own_token=new_id())
    flow_run_id = held.flow_run.flow_run_id
    [other] = await some_runs(state, 1)
    find = reads.list_versions

    async def find_and_change(*arguments: Any, **options: Any) -> Any:
        found = await find(*arguments, **options)
        renamed = flow_run_pb2.FlowRun(flow_run_id=flow_run_id, name="new")
        asked = flow_run_pb2.UpdateFlowRunRequest(flow_run=renamed, update_mask=FieldMask(paths=["name"]))
        await state.runs.UpdateFlowRun(asked)
        return found

    monkeypatch.setattr(reads, "list_versions", find_and_change)
    names = (held.flow_run.name, "run 0")
    assert [run.flow_run_id for run in await listed(pages, FlowRunFilter(names=names))] == [other]
    monkeypatch.undo()
    assert {run.name for run in await listed(pages)} == {"new", "run 0"}
